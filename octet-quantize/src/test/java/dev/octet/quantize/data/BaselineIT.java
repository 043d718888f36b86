package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.metric.Outcome;
import dev.octet.quantize.metric.Score;
import dev.octet.quantize.metric.Tally;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The float models reach the accuracies that the shared models' README states, so the samples
 * arrive as the models want them, without a single option. Skipped where the data is not present.
 */
class BaselineIT {

  @Test
  void mnist() throws OrtException {
    assertThat(top1("mnist-cnn", "mnist")).isCloseTo(0.9907, within(5e-5));
  }

  @Test
  void sst2() throws OrtException {
    assertThat(top1("sst2-transformer", "sst2")).isCloseTo(0.7683, within(5e-5));
  }

  @Test
  void resnetOnCifar() throws OrtException {
    assertThat(top1("resnet20-cifar10", "cifar10")).isCloseTo(0.8103, within(5e-5));
  }

  @Test
  void squeezenetOnImages() throws OrtException {
    // 61.00 % of 300; JPEG decoders differ by a few grey levels: one image either way.
    assertThat(top1("squeezenet1_1-imagenet", "imagenet")).isCloseTo(0.61, within(1.01 / 300));
  }

  @Test
  void theSpeechModelFollowsItsReferenceFromFrameToFrame() throws OrtException {
    Path data = SharedData.folder("audio");
    try (Model model = new Model("dtln-1")) {
      Samples frames = Samples.open(data, model.inputs, SamplesOptions.defaults()).evaluation();
      Feeder feeder =
          new Feeder(InputBinding.of(model.inputs, Feedback.guess(model.inputs, model.outputs)));
      Difference difference = new Difference();
      List<HostTensor> masks = new ArrayList<>();
      for (int i = 1; i <= 3; i++) {
        Samples.npy(data.resolve("dtln1-case" + i + "-mask.npy"))
            .forEach(sample -> masks.add(sample.inputs().get(Sample.ONLY)));
      }
      int frame = 0;
      for (Sample sample : frames) {
        Map<String, HostTensor> outputs = model.run(feeder.feed(sample));
        feeder.took(outputs);
        difference.add(masks.get(frame++), outputs.get("activation_2").reshape(1, 257));
      }
      assertThat(frame).isEqualTo(97);
      assertThat(difference.maxError()).isLessThan(1e-5); // the README's own tolerance
    }
  }

  private static double top1(String name, String data) throws OrtException {
    Path folder = SharedData.folder(data);
    Tally tally = Metric.top1().tally();
    try (Model model = new Model(name)) {
      DataSet set = Samples.open(folder, model.inputs, SamplesOptions.defaults());
      InputBinding binding = InputBinding.of(model.inputs);
      try (Batches batches = Batches.of(set.evaluation(), binding, 50)) {
        while (batches.hasNext()) {
          Batch batch = batches.next();
          tally.add(
              new Outcome(
                  model.run(batch.feeds()),
                  Map.of(),
                  batch.samples().stream().map(Sample::label).toList()));
        }
      }
    }
    Score score = tally.scores().get(0);
    assertThat(score.nonFinite()).isZero();
    return score.value();
  }

  /** A float model in ONNX Runtime, on one thread so as to get along with other work. */
  private static final class Model implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final List<ModelInput> inputs;
    private final List<ModelInput> outputs;

    Model(String name) throws OrtException {
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(1);
        Path models = SharedData.folder("").getParent().resolve("models");
        session = environment.createSession(models.resolve(name + ".onnx").toString(), options);
      }
      inputs = session.getInputInfo().values().stream().map(Model::declared).toList();
      outputs = session.getOutputInfo().values().stream().map(Model::declared).toList();
    }

    private static ModelInput declared(NodeInfo info) {
      TensorInfo tensor = (TensorInfo) info.getInfo();
      ElementType type =
          tensor.type == OnnxJavaType.INT64 ? ElementType.INT64 : ElementType.FLOAT32;
      return ModelInput.of(info.getName(), type, tensor.getShape());
    }

    Map<String, HostTensor> run(Map<String, HostTensor> feeds) throws OrtException {
      Map<String, OnnxTensor> tensors = new HashMap<>();
      try {
        for (Map.Entry<String, HostTensor> feed : feeds.entrySet()) {
          HostTensor tensor = feed.getValue();
          long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
          tensors.put(
              feed.getKey(),
              tensor.type() == ElementType.INT64
                  ? OnnxTensor.createTensor(environment, tensor.longBuffer(), shape)
                  : OnnxTensor.createTensor(environment, tensor.floatBuffer(), shape));
        }
        try (OrtSession.Result result = session.run(tensors)) {
          Map<String, HostTensor> outputs = new LinkedHashMap<>();
          result.forEach(
              entry -> {
                OnnxTensor tensor = (OnnxTensor) entry.getValue();
                float[] values = new float[tensor.getFloatBuffer().remaining()];
                tensor.getFloatBuffer().get(values);
                int[] shape =
                    Arrays.stream(tensor.getInfo().getShape()).mapToInt(Math::toIntExact).toArray();
                outputs.put(entry.getKey(), HostTensor.ofFloats(shape, values));
              });
          return outputs;
        }
      } finally {
        tensors.values().forEach(OnnxTensor::close);
      }
    }

    @Override
    public void close() throws OrtException {
      session.close();
    }
  }
}
