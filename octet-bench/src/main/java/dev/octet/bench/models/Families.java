package dev.octet.bench.models;

import dev.octet.graph.Model;
import dev.octet.quantize.bench.BenchReport;
import dev.octet.quantize.bench.BenchRow;
import dev.octet.quantize.bench.ExampleInputs;
import dev.octet.quantize.bench.Timing;
import dev.octet.quantize.data.HostTensor;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.models.GoogLeNet;
import dev.octet.torch.models.InceptionV3;
import dev.octet.torch.models.MobileNetV2;
import dev.octet.torch.models.MobileNetV3;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.models.ShuffleNetV2;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Supplier;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The seven families of torchvision's networks that have a quantizable form: sizes of their files
 * in float and int8, and times of both on the engine and in ONNX Runtime, at batch 1 and one
 * thread. Modules with random weights are traced, and quantized by the default recipe.
 *
 * <pre>
 * octet-bench/families.sh FOLDER [RUNS [NAME ...]]
 * </pre>
 */
public final class Families {
  private static final int CLASSES = 1000;
  private static final long SEED = 8;
  private static final int RUNS = 50;
  private static final int ROUNDS = 5;

  private Families() {}

  /** Writes the files that FOLDER lacks, measures, and leaves {@code families.json} there. */
  public static void main(String[] args) throws IOException {
    Path folder = SideBySide.folder(args, "Families FOLDER [RUNS [NAME ...]]");
    int runs = SideBySide.number(args, 1, RUNS);
    List<String> wanted = List.of(args).subList(Math.min(2, args.length), args.length);
    List<Network> networks =
        networks().stream()
            .filter(network -> wanted.isEmpty() || wanted.contains(network.name()))
            .toList();
    Map<String, Network> byFile = new HashMap<>();
    List<Path> files = new ArrayList<>();
    for (Network network : networks) {
      Path real = folder.resolve(network.name() + ".onnx");
      Path quantized = folder.resolve(network.name() + ".int8.onnx");
      if (!Files.exists(real) || !Files.exists(quantized)) {
        WriteModels.write(network, real, quantized);
      }
      for (Path file : List.of(real, quantized)) {
        files.add(file);
        byFile.put(String.valueOf(file.getFileName()), network);
      }
      System.out.printf(
          Locale.ROOT,
          "%-20s %,12d bytes, int8 %,12d bytes, %.3f%n",
          network.name(),
          Files.size(real),
          Files.size(quantized),
          (double) Files.size(quantized) / Files.size(real));
    }
    Map<String, BenchRow> rows = new HashMap<>();
    BenchReport report =
        SideBySide.benchmark(runs, ROUNDS)
            .run(
                files,
                (model, batch) ->
                    ExampleInputs.random(
                        model.graph(),
                        ExampleInputs.shapes(model.graph(), Map.of(), batch, OptionalInt.empty())),
                row -> {
                  rows.put(row.model(), row);
                  Network network = byFile.get(row.model());
                  if (network != null && row.model().endsWith(".int8.onnx")) {
                    print(network.name(), rows.get(network.name() + ".onnx"), row);
                  }
                });
    report.writeJson(folder.resolve("families.json"));
  }

  /** The networks, by torchvision's names. */
  static List<Network> networks() {
    return List.of(
        network("resnet18", () -> ResNet.resnet18(CLASSES), 224),
        network("resnet50", () -> ResNet.resnet50(CLASSES), 224),
        network("resnext101_32x8d", () -> ResNet.resnext101(CLASSES, 32, 8), 224),
        network("resnext101_64x4d", () -> ResNet.resnext101(CLASSES, 64, 4), 224),
        network("mobilenet_v2", () -> MobileNetV2.builder(CLASSES).build(), 224),
        network("mobilenet_v3_large", () -> MobileNetV3.large(CLASSES).build(), 224),
        network("googlenet", () -> GoogLeNet.builder(CLASSES).build(), 224),
        network("inception_v3", () -> InceptionV3.builder(CLASSES).build(), 299),
        network("shufflenet_v2_x0_5", () -> ShuffleNetV2.x05(CLASSES), 224),
        network("shufflenet_v2_x1_0", () -> ShuffleNetV2.x10(CLASSES), 224),
        network("shufflenet_v2_x1_5", () -> ShuffleNetV2.x15(CLASSES), 224),
        network("shufflenet_v2_x2_0", () -> ShuffleNetV2.x20(CLASSES), 224));
  }

  private static Network network(String name, Supplier<Module> make, int size) {
    return new Network(name, () -> trace(make, size), random -> image(size, random));
  }

  private static Map<String, HostTensor> image(int size, Random random) {
    float[] values = Suite.normal(random, 3 * size * size);
    return Map.of("input", HostTensor.ofFloats(new int[] {1, 3, size, size}, values));
  }

  private static Model trace(Supplier<Module> make, int size) {
    Torch.seed(SEED);
    try (Module net = make.get();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      for (Module module : net.modules().values()) {
        if (module instanceof Conv2d conv) {
          // Some start with weights so small that, untrained, nothing would come out.
          Init.kaimingNormal(conv.weight(), 0);
        }
      }
      return Trace.of(net).input("input").output("output").graph(torch.zeros(1, 3, size, size));
    }
  }

  private static void print(String name, @Nullable BenchRow real, BenchRow quantized) {
    if (real == null) {
      return;
    }
    Timing engine = quantized.engine().timing();
    System.out.printf(
        Locale.ROOT,
        "%-20s engine float %s, int8 %s; ONNX Runtime float %s, int8 %s; engine int8 is %s as fast"
            + " as its float, %s as ONNX Runtime's int8%n",
        name,
        text(real.engine()),
        text(quantized.engine()),
        text(real.onnxRuntime()),
        text(quantized.onnxRuntime()),
        ratio(real.engine().timing(), engine),
        ratio(quantized.onnxRuntime().timing(), engine));
  }

  private static String text(BenchRow.Side side) {
    return SideBySide.text(side, "%.2f ms");
  }

  private static String ratio(@Nullable Timing slower, @Nullable Timing faster) {
    return SideBySide.ratio(slower, faster, "%.2fx", "?");
  }
}
