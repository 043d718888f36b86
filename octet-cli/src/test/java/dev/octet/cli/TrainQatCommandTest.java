package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.ValueType;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainQatCommandTest extends ClassifierWorkplace {
  private Run train(Object... more) {
    return run("train-qat", more);
  }

  /** On two batches and a few images to judge by. */
  private Run small(Path output, Object... more) {
    return run(
        "train-qat",
        List.of("-o", output, "-n", 8, "--evaluate-samples", 8, "--train-batch", 48),
        more);
  }

  @Test
  void trainsAnEpochAndWritesAModelThatTheRuntimeRuns() throws IOException {
    Path output = own.resolve("small.onnx");
    Path events = own.resolve("events");

    Run run = train("-o", output, "--tensorboard", events);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .containsPattern("float +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("calibrated +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("epoch 0 +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("written, in ONNX Runtime +[0-9.]+ %\n")
        .contains("agreement with the float model: ", "model: " + output);
    assertThat(run.err())
        .contains("judging the float model (48 samples) ...", "calibrating (96 samples) ...")
        .contains("training, epoch 0 (64 samples) ...", "epoch 0: loss ", "evaluating done in ");
    assertThat(Files.size(output)).isLessThan(Files.size(work.model) / 2);
    assertThat(OnnxReader.read(output).graph().nodes())
        .extracting(Node::op)
        .contains("QuantizeLinear", "DequantizeLinear");
    try (Stream<Path> files = Files.list(events)) {
      Path file = files.findFirst().orElseThrow();
      assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
          .contains("loss/step", "loss/train", "accuracy/train", "loss/held out");
    }

    Run evaluated = work.run(List.of("evaluate", output, "--data", work.images, "-q"));
    assertThat(evaluated.out()).contains("top1");
  }

  @Test
  void printsFiguresAsJsonAlone() throws IOException {
    Path output = own.resolve("small.onnx");

    Run run = small(output, "--json", "-q");

    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.fieldNames())
        .toIterable()
        .containsExactly(
            "schemaVersion",
            "model",
            "float",
            "calibrated",
            "epochs",
            "written",
            "floatBytes",
            "bytes");
    assertThat(json.get("model").asText()).isEqualTo(output.toString());
    assertThat(json.get("float").fieldNames())
        .toIterable()
        .containsExactly("samples", "loss", "accuracy");
    assertThat(json.get("epochs").get(0).fieldNames())
        .toIterable()
        .containsExactly("epoch", "training", "validation", "learningRate", "seconds");
    assertThat(json.get("written").get("samples").asInt()).isEqualTo(8);
    assertThat(json.get("written").get("top1").asDouble()).isBetween(0.5, 1.0);
    assertThat(json.get("written").get("agreement").asDouble()).isBetween(0.5, 1.0);
    assertThat(json.get("bytes").asLong()).isEqualTo(Files.size(output));
    assertThat(run.err()).isEmpty();
  }

  @Test
  void takesEveryWayToTrainAtOnceAndEndsWithOneBelowItsFloor() {
    Path output = own.resolve("small.onnx");

    Run run =
        small(
            output,
            "--recipe=w4a8-channel",
            "--learn-ranges",
            "--distill=0.5",
            "--temperature=3",
            "--batch-norm=simulated",
            "--freeze-batch-norm=1",
            "--epochs=2",
            "--augment=flip-crop",
            "--bfloat16",
            "--clip-gradients=5",
            "--threads=2",
            "--min-top1=100.5",
            "-q");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.BELOW_TARGET);
    assertThat(run.err()).matches("octet: top1 is [0-9.]+ %, below --min-top1 100.5\\R");
    assertThat(output).exists();
  }

  @Test
  void carriesOnFromACheckpointToTheSameBytes() throws IOException {
    Path whole = own.resolve("whole.onnx");
    Path resumed = own.resolve("resumed.onnx");
    Path checkpoint = own.resolve("run.safetensors");

    Run first = small(whole, "--epochs", 1, "--checkpoint", checkpoint, "--min-top1", 1);
    Run again = small(resumed, "--epochs", 1, "--checkpoint", checkpoint);
    Run other =
        small(own.resolve("x"), "--checkpoint", checkpoint, "--seed", 2, "--learning-rate", 1);

    assertThat(first.code()).as(first.err()).isEqualTo(ExitCode.OK);
    assertThat(again.code()).as(again.err()).isEqualTo(ExitCode.OK);
    assertThat(again.err())
        .contains("carrying on the training kept in '" + checkpoint + "'")
        .doesNotContain("training, epoch");
    assertThat(resumed).hasSameBinaryContentAs(whole);
    assertThat(other.code()).isEqualTo(ExitCode.TRAINING_FAILED);
    assertThat(other.err())
        .contains("is of another run: it differs in the learning rate, the seed; set these as");
    assertThat(own.resolve("x")).doesNotExist();
  }

  @Test
  void endsWithEightWhenTrainingDivergesAndWritesNothing() {
    Path output = own.resolve("small.onnx");

    Run run = small(output, "--learning-rate", "1e30", "-q");

    assertThat(run.code()).isEqualTo(ExitCode.TRAINING_FAILED);
    assertThat(run.err()).contains("the loss", "lower the learning rate or clip the gradients");
    assertThat(output).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --epochs=0                | --epochs is 0; choose 1 or more
          --train-batch=0           | --train-batch is 0; choose 1 or more
          --learning-rate=0         | --learning-rate is 0.0; choose more than 0
          --learning-rate=NaN       | --learning-rate is NaN; choose more than 0
          --momentum=1              | --momentum is 1.0; choose 0 or more, and less than 1
          --weight-decay=-1         | --weight-decay is -1.0; choose 0 or more
          --distill=1.5             | --distill is 1.5; choose 0 to 1
          --temperature=0           | --temperature is 0.0; choose more than 0
          --clip-gradients=0        | --clip-gradients is 0.0; choose more than 0
          --freeze-batch-norm=1     | has no effect on folded normalization; add --batch-norm
          --batch-norm=gone         | 'gone' is none of folded, simulated
          --augment=rotate          | 'rotate' is none of none, flip, flip-crop
          --recipe=dynamic-int8     | recipe 'dynamic-int8' is of mode dynamic; choose a static
          --mode=float16            | is of mode float16; choose a static
          --equalize                | training does what --equalize and --smooth-quant are for
          --checkpoint=nix/run      | folder
          --evaluate-samples=0      | --evaluate-samples is 0; choose 1 or more
          """)
  void refusesWhatMakesNoSense(String option, String message) {
    Path output = own.resolve("small.onnx");

    assertRefused(train("-o", output, option), message, "judging", output);
  }

  @Test
  void refusesToLearnRangesThatThereAreNot() {
    Run run = train("-o", own.resolve("x"), "-r", "weight-only-int8", "--learn-ranges");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("--learn-ranges is about activations", "drop one of the two");
  }

  @Test
  void neverReplacesAFileUnlessForcedNorTheModel() throws IOException {
    Path output = Files.writeString(own.resolve("small.onnx"), "mine");

    Run exists = train("-o", output);
    Run itself = train("-o", work.model, "--force");

    assertThat(exists.code()).isEqualTo(ExitCode.USAGE);
    assertThat(exists.err())
        .isEqualTo(
            "octet: '%s' exists; --force replaces it, -o writes elsewhere%n".formatted(output));
    assertThat(output).hasContent("mine");
    assertThat(itself.code()).isEqualTo(ExitCode.USAGE);
    assertThat(itself.err()).contains("is the model itself; choose another output");
  }

  @Test
  void wantsSamplesWithLabelsThatTheModelKnows() throws IOException {
    Path flat = Files.createDirectory(own.resolve("flat"));
    Path wrong = Files.createDirectories(own.resolve("wrong"));
    try (Stream<Path> walk = Files.walk(work.images.resolve("test"))) {
      int at = 0;
      for (Path file : walk.filter(Files::isRegularFile).sorted().limit(13).toList()) {
        Files.copy(file, flat.resolve("picture" + (char) ('a' + at) + ".png"));
        Path part = Files.createDirectories(wrong.resolve("class" + (char) ('a' + at)));
        Files.copy(file, part.resolve("one.png"));
        at++;
      }
    }

    Run none = Run.octet("train-qat", work.model, "-o", own.resolve("x"));
    Run unlabelled = work.run(List.of("train-qat", work.model, "-d", flat, "-o", own.resolve("x")));
    Run beyond = work.run(List.of("train-qat", work.model, "-d", wrong, "-o", own.resolve("x")));

    assertThat(none.code()).isEqualTo(ExitCode.USAGE);
    assertThat(none.err()).isEqualTo("octet: no samples are given; add --data PATH\n");
    assertThat(unlabelled.code()).as(unlabelled.err()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(unlabelled.err()).contains("label");
    assertThat(beyond.code()).as(beyond.err()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(beyond.err())
        .contains("the model is judged on the samples that it is trained on")
        .contains("have the label 12, and the model's classes end at 11");
  }

  @Test
  void namesTheOperatorsThatCannotBeTrained() throws IOException {
    Model model = OnnxReader.read(work.model);
    Node relu =
        model.graph().nodes().stream().filter(node -> node.is("Relu")).findFirst().orElseThrow();
    NodeSpec spec = relu.spec();
    model
        .graph()
        .exchange(
            relu,
            new NodeSpec(
                "strange", "Hardmax", "", spec.inputs(), spec.outputs(), Map.of(), spec.extra()));
    Path strange = own.resolve("strange.onnx");
    OnnxWriter.write(model, strange);

    Run run = work.run(List.of("train-qat", strange, "-d", work.images, "-o", own.resolve("x")));

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.BAD_MODEL);
    assertThat(run.err()).contains("cannot be trained as it is", "'strange' (Hardmax)");
  }

  @Test
  void tellsOfBatchesThatTheModelInsistsOn() throws IOException {
    Model model = OnnxReader.read(work.model);
    List<Dimension> shape =
        Stream.of(32L, 3L, 32L, 32L).<Dimension>map(Dimension.Fixed::new).toList();
    model
        .graph()
        .setType(
            model.graph().inputs().iterator().next(),
            new ValueType.TensorType(DataType.FLOAT, shape));
    Path fixed = own.resolve("fixed.onnx");
    OnnxWriter.write(model, fixed);
    List<Object> words = List.of("train-qat", fixed, "-d", work.images, "-o", own.resolve("x"));

    Run run = work.run(words, "--train-batch", 16);
    Run few = work.run(words, "--evaluate-samples", 16);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .contains("the batch size is 16, and the model takes batches of 32 only; choose that");
    assertThat(few.code()).as(few.err()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(few.err()).contains("batches of 32 only, and there are 96", "16 to judge by");
  }

  @Test
  void trainsAsAScheduleSays() throws IOException {
    Path schedule =
        Files.writeString(
            own.resolve("sparse.yaml"),
            """
            quantizers:
              range:
                class: QuantAwareTrainRangeLinearQuantizer
                bits_activations: 8
                bits_weights: 8
                per_channel_wts: true
                ema_decay: 0.9
                mode: {activations: ASYMMETRIC_UNSIGNED, weights: SYMMETRIC_RESTRICTED}
            pruners:
              half:
                class: SparsityLevelParameterPruner
                levels: {'*': 0.5}
            policies:
              - quantizer: {instance_name: range}
                starting_epoch: 0
                ending_epoch: 2
                frequency: 1
              - pruner: {instance_name: half}
                epochs: [0]
            """);
    Path output = own.resolve("sparse.onnx");

    Run run = train("--schedule", schedule, "-o", output);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .containsPattern("epoch 1 +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("written, in ONNX Runtime +[0-9.]+ %\n")
        .doesNotContain("calibrated", "epoch 2");
    assertThat(Files.size(output)).isLessThan(Files.size(work.model) / 2);
    long zeros = 0;
    long all = 0;
    for (Node node : OnnxReader.read(output).graph().nodes()) {
      var codes = node.is("DequantizeLinear") ? node.input(0).constant() : null;
      if (codes != null && codes.type() == DataType.INT8 && codes.shape().length > 1) {
        for (long code : codes.toLongs()) {
          zeros += code == 0 ? 1 : 0;
          all++;
        }
      }
    }
    assertThat(zeros).isGreaterThanOrEqualTo(all / 2 - 64).isPositive();
  }

  @Test
  void mistakesOfASchedule() throws IOException {
    Path schedule =
        Files.writeString(
            own.resolve("schedule.yaml"),
            "quantizers:\n  q: {class: DorefaQuantizer}\npolicies: []\n");
    Run unused = train("--schedule", schedule);
    assertThat(unused.code()).isEqualTo(ExitCode.USAGE);
    assertThat(unused.err()).contains("schedule.yaml:2:3: 'quantizers': no policy uses [q]");
    Run both = train("--schedule", schedule, "--weight-bits", 4);
    assertThat(both.code()).isEqualTo(ExitCode.USAGE);
    assertThat(both.err()).contains("--weight-bits is about recipes");
    Run missing = train("--schedule", own.resolve("none.yaml"));
    assertThat(missing.code()).isEqualTo(ExitCode.USAGE);
    assertThat(missing.err()).contains("there is no such file; name a schedule's file");
  }
}
