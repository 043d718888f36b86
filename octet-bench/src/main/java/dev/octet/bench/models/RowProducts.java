package dev.octet.bench.models;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.bench.BenchRow;
import dev.octet.quantize.bench.Likeness;
import dev.octet.quantize.bench.Timing;
import dev.octet.quantize.data.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One row by a constant square matrix, in the forms that language models keep their weights in, on
 * the engine and in ONNX Runtime, one thread.
 *
 * <pre>
 * octet-bench/row-products.sh FOLDER [SIZE [RUNS]]
 * </pre>
 */
public final class RowProducts {
  private static final int SIZE = 4096;
  private static final int RUNS = 1000; // the JIT takes a hundred or two to be done
  private static final int ROUNDS = 10;
  private static final int BLOCK = 32;
  private static final long SEED = 4;

  private RowProducts() {}

  /** Writes the models to FOLDER and prints a table. */
  public static void main(String[] args) throws IOException {
    Path folder = SideBySide.folder(args, "RowProducts FOLDER [SIZE [RUNS]]");
    int size = SideBySide.number(args, 1, SIZE);
    int runs = SideBySide.number(args, 2, RUNS);
    Map<String, Path> files = new LinkedHashMap<>();
    for (String form : List.of("float", "dynamic", "int8", "int4")) {
      Path file = folder.resolve("row-" + form + ".onnx");
      Files.write(file, OnnxWriter.toBytes(model(form, size)));
      files.put(form, file);
    }
    HostTensor row = HostTensor.ofFloats(new int[] {1, size}, Suite.normal(new Random(SEED), size));
    List<BenchRow> rows =
        SideBySide.benchmark(runs, ROUNDS)
            .run(List.copyOf(files.values()), (model, batch) -> Map.of("x", row), done -> {})
            .rows();
    Timing first = rows.get(0).engine().timing();
    System.out.println(
        "| weights | engine | to its float | ONNX Runtime | ratio | outputs apart |");
    System.out.println("|---|---|---|---|---|---|");
    int i = 0;
    for (String form : files.keySet()) {
      BenchRow measured = rows.get(i++);
      Timing engine = measured.engine().timing();
      Likeness outputs = measured.outputs();
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %s | %s | %s |%n",
          form,
          text(measured.engine()),
          ratio(first, engine),
          text(measured.onnxRuntime()),
          ratio(measured.onnxRuntime().timing(), engine),
          outputs == null ? "" : outputs.text());
    }
  }

  private static String text(BenchRow.Side side) {
    return SideBySide.text(side, "%.3f ms");
  }

  private static String ratio(@Nullable Timing slower, @Nullable Timing faster) {
    return SideBySide.ratio(slower, faster, "%.2f", "");
  }

  // ---- models ----

  private static Model model(String form, int size) {
    Graph graph = new Graph("row-" + form);
    List<Dimension> dims = List.of(new Dimension.Fixed(1), new Dimension.Fixed(size));
    Value x = graph.addValue("x", new TensorType(DataType.FLOAT, dims));
    Value y = graph.addValue("y", new TensorType(DataType.FLOAT, dims));
    graph.addInput(x);
    Random random = new Random(SEED);
    if (form.equals("dynamic")) {
      dynamic(graph, x, y, random, size);
    } else {
      graph.add(NodeSpec.of("MatMul").reads(x, weights(graph, form, random, size)).makes(y));
    }
    graph.addOutput(y);
    return new Model(10, Map.of("", 21L), Map.of(), graph, Bytes.EMPTY);
  }

  private static Value weights(Graph graph, String form, Random random, int size) {
    if (form.equals("float")) {
      float[] values = Suite.normal(random, size * size);
      return graph.addConstant("w", Tensor.ofFloats(values, size, size));
    }
    boolean four = form.equals("int4");
    byte[] bytes = new byte[four ? size * size / 2 : size * size];
    random.nextBytes(bytes);
    DataType type = four ? DataType.INT4 : DataType.INT8;
    Value codes = graph.addConstant("codes", Tensor.ofRaw(type, bytes, size, size));
    Value real = graph.addValue("w", null);
    NodeSpec spec = NodeSpec.of("DequantizeLinear").with("axis", four ? 0 : 1).makes(real);
    Tensor scales = four ? scales(random, size / BLOCK, size) : scales(random, size);
    spec = spec.reads(codes, graph.addConstant("scales", scales));
    graph.add(four ? spec.with("block_size", BLOCK) : spec);
    return real;
  }

  private static Tensor scales(Random random, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.01f + 0.01f * random.nextFloat();
    }
    return Tensor.ofFloats(values, shape);
  }

  /** As {@code quantize_dynamic} writes it. */
  private static void dynamic(Graph graph, Value x, Value y, Random random, int size) {
    byte[] bytes = new byte[size * size];
    random.nextBytes(bytes);
    Value codes = graph.addConstant("codes", Tensor.ofRaw(DataType.INT8, bytes, size, size));
    Value q = graph.addValue("q", null);
    Value scale = graph.addValue("scale", null);
    Value zero = graph.addValue("zero", null);
    Value sums = graph.addValue("sums", null);
    Value wide = graph.addValue("wide", null);
    Value both = graph.addValue("both", null);
    Value none = graph.addConstant("none", Tensor.ofRaw(DataType.INT8, new byte[1]));
    Value scales = graph.addConstant("scales", scales(random, size));
    graph.add(NodeSpec.of("DynamicQuantizeLinear").reads(x).makes(q, scale, zero));
    graph.add(NodeSpec.of("MatMulInteger").reads(q, codes, zero, none).makes(sums));
    graph.add(NodeSpec.of("Cast").reads(sums).makes(wide).with("to", DataType.FLOAT.code()));
    graph.add(NodeSpec.of("Mul").reads(scale, scales).makes(both));
    graph.add(NodeSpec.of("Mul").reads(wide, both).makes(y));
  }
}
