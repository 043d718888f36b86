package dev.octet.examples;

import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.metric.Outcome;
import dev.octet.quantize.metric.Tally;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.bytedeco.pytorch.Tensor;

/** What an example finds out, and the table that it ends with. */
final class Results {
  private final DataLoader heldOut;
  private final List<String> lines = new ArrayList<>();

  /** Figures on these samples. */
  Results(DataLoader heldOut) {
    this.heldOut = heldOut;
  }

  /** A file in the folder for what examples write, {@code octet-out/examples}. */
  static Path file(String name) throws IOException {
    return Files.createDirectories(Path.of("octet-out", "examples")).resolve(name);
  }

  /** Prints a line for each epoch of training. */
  static TrainingListener progress(String stage) {
    return new TrainingListener() {
      @Override
      public void onEpoch(EpochResult result) {
        System.out.printf(
            Locale.ROOT,
            "%s, epoch %d: loss %.4f, accuracy %.2f %%, %.0f samples/s%n",
            stage,
            result.epoch() + 1,
            result.training().loss(),
            100 * result.training().accuracy(),
            result.throughput());
      }
    };
  }

  /**
   * Whether the process was told to end, by Ctrl-C for example; it then ends once the calling
   * thread has. Were it to end at once, LibTorch's threads would compute while the library is taken
   * down, and crash.
   */
  static BooleanSupplier interrupted() {
    Thread trains = Thread.currentThread();
    AtomicBoolean asked = new AtomicBoolean();
    Thread waits =
        new Thread(
            () -> {
              asked.set(true);
              try {
                trains.join();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "interrupted");
    Runtime.getRuntime().addShutdownHook(waits);
    return asked::get;
  }

  /** Judges a network as it is now. */
  void add(String form, Module net) {
    row(form, Score.of(net, heldOut).accuracy());
  }

  /**
   * Judges a written model in ONNX Runtime, and counts how often it chooses the class that the
   * fake-quantized network chooses.
   */
  void addIntegers(Path file, Module net) throws IOException {
    Model model = OnnxReader.read(file);
    String input = name(model.graph().inputs());
    String output = name(model.graph().outputs());
    Tally top1 = Metric.top1().tally();
    Tally agreement = Metric.agreement().tally();
    net.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        GraphRunner runner = OnnxRuntimeRunner.open(model);
        Epoch epoch = heldOut.epoch(0)) {
      while (epoch.hasNext()) {
        try (Batch batch = epoch.next();
            Scope scope = Scope.open()) {
          Map<String, HostTensor> integers = new LinkedHashMap<>();
          runner.run(Map.of(input, host(batch.input())), integers::put);
          Map<String, HostTensor> fake = Map.of(output, host(net.call(batch.input())));
          List<OptionalInt> labels =
              Arrays.stream(Tensors.toLongs(batch.labels()))
                  .mapToObj(label -> OptionalInt.of(Math.toIntExact(label)))
                  .toList();
          Outcome outcome = new Outcome(integers, fake, labels);
          top1.add(outcome);
          agreement.add(outcome);
        }
      }
    }
    var same = agreement.scores().get(0);
    row("integers in ONNX Runtime", top1.scores().get(0).value());
    lines.add(
        "the integer model chooses the fake-quantized network's class for %s of %d samples"
            .formatted(same.text(), same.count()));
    lines.add("written: " + file + ", " + Files.size(file) + " bytes");
  }

  /** Prints the table. */
  void print() {
    System.out.println();
    lines.forEach(System.out::println);
  }

  private void row(String form, double accuracy) {
    lines.add(String.format(Locale.ROOT, "%-36s top-1 %6.2f %%", form, 100 * accuracy));
  }

  private static String name(Iterable<Value> values) {
    return values.iterator().next().name();
  }

  private static HostTensor host(Tensor tensor) {
    int[] shape = Arrays.stream(Tensors.shape(tensor)).mapToInt(Math::toIntExact).toArray();
    return HostTensor.ofFloats(shape, Tensors.toFloats(tensor));
  }
}
