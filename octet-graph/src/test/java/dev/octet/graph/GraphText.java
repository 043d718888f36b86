package dev.octet.graph;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Small graphs written as text, for tests.
 *
 * <pre>
 * input x float[n,3,8,8]
 * const w float[4,3,3,3] random 7
 * const axes int64[2] 0 1
 * c, mask = Conv(x, w, _) pads=[1,1,1,1] auto_pad="NOTSET" alpha=0.5
 * y = com.microsoft.Foo(c)
 * return y
 * </pre>
 *
 * One statement a line; {@code _} leaves an optional input or output out; {@code random} fills with
 * normal values from a seed, {@code uniform} with values of [0.5, 1.5); {@code overridable} instead
 * of {@code const} also lists the constant as an input. {@code type v float[...]} declares a value.
 */
public final class GraphText {
  private static final Pattern TYPED =
      Pattern.compile("(?<name>\\S+) (?<type>\\w+)\\[(?<dims>[^\\]]*)\\](?<rest>.*)");
  private static final Pattern NODE =
      Pattern.compile("(?<outs>[^=]*)=\\s*(?<op>[\\w.]+)\\((?<ins>[^)]*)\\)(?<attrs>.*)");
  private static final Pattern ATTRIBUTE =
      Pattern.compile("(?<key>\\w+)=(?<value>\\[[^\\]]*\\]|\"[^\"]*\"|\\S+)");

  private GraphText() {}

  /** The graph that {@code text} describes. */
  public static Graph parse(String text) {
    Graph graph = new Graph("test");
    parseInto(graph, text);
    return graph;
  }

  /** A model of opset {@code opset} over the graph that {@code text} describes. */
  public static Model model(long opset, String text) {
    return new Model(8, Map.of("", opset), Map.of(), parse(text), Bytes.EMPTY);
  }

  /** Adds what {@code text} describes to {@code graph}, whose outer values it may read. */
  public static void parseInto(Graph graph, String text) {
    for (String line : text.lines().toList()) {
      String trimmed = line.trim();
      if (!trimmed.isEmpty()) {
        statement(graph, trimmed);
      }
    }
  }

  private static void statement(Graph graph, String line) {
    String[] words = line.split(" ", 2);
    switch (words[0]) {
      case "input" -> graph.addInput(typed(graph, words[1]));
      case "type" -> {
        Matcher m = matcher(TYPED, words[1]);
        graph.setType(value(graph, m.group("name")), type(m));
      }
      case "const" -> constant(graph, words[1]);
      case "overridable" -> graph.addInput(constant(graph, words[1]));
      case "return" -> {
        for (String name : split(words[1])) {
          graph.addOutput(value(graph, name));
        }
      }
      default -> node(graph, line);
    }
  }

  private static Value typed(Graph graph, String text) {
    Matcher m = matcher(TYPED, text);
    return graph.addValue(m.group("name"), type(m));
  }

  private static ValueType type(Matcher m) {
    List<Dimension> dims = new ArrayList<>();
    for (String dim : split(m.group("dims"))) {
      dims.add(
          dim.matches("\\d+")
              ? new Dimension.Fixed(Long.parseLong(dim))
              : dim.equals("?") ? new Dimension.Unknown() : new Dimension.Symbolic(dim));
    }
    return new ValueType.TensorType(dataType(m), dims);
  }

  private static DataType dataType(Matcher m) {
    return DataType.valueOf(m.group("type").toUpperCase(Locale.ROOT));
  }

  private static Value constant(Graph graph, String text) {
    Matcher m = matcher(TYPED, text);
    Value value = value(graph, m.group("name"));
    long[] shape = split(m.group("dims")).stream().mapToLong(Long::parseLong).toArray();
    Tensor tensor = tensor(dataType(m), shape, m.group("rest").trim());
    graph.setInitializer(value, tensor);
    graph.setType(
        value,
        new ValueType.TensorType(
            tensor.type(),
            Arrays.stream(shape).<Dimension>mapToObj(Dimension.Fixed::new).toList()));
    return value;
  }

  /** A tensor of {@code type} from values in text, or from {@code random SEED}. */
  public static Tensor tensor(DataType type, long[] shape, String content) {
    int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    String[] words = content.isEmpty() ? new String[0] : content.split("\\s+");
    double[] values = new double[count];
    if (words.length == 2 && words[0].matches("random|uniform")) {
      Random random = new Random(Long.parseLong(words[1]));
      for (int i = 0; i < count; i++) {
        values[i] = words[0].equals("random") ? random.nextGaussian() : 0.5 + random.nextDouble();
      }
    } else {
      for (int i = 0; i < count; i++) {
        values[i] = Double.parseDouble(words[words.length == 1 ? 0 : i]);
      }
    }
    ByteBuffer raw = ByteBuffer.allocate(count * type.bits() / 8).order(ByteOrder.LITTLE_ENDIAN);
    for (double v : values) {
      switch (type) {
        case FLOAT -> raw.putFloat((float) v);
        case DOUBLE -> raw.putDouble(v);
        case INT64 -> raw.putLong((long) v);
        case INT32 -> raw.putInt((int) v);
        case INT8, UINT8, BOOL -> raw.put((byte) v);
        case FLOAT16 -> raw.putShort((short) v);
        default -> throw new IllegalArgumentException("no text form for " + type);
      }
    }
    return Tensor.wrap(type, shape, raw.flip());
  }

  private static void node(Graph graph, String line) {
    Matcher m = matcher(NODE, line);
    String op = m.group("op");
    int dot = op.lastIndexOf('.');
    NodeSpec spec = NodeSpec.of(op.substring(dot + 1)).in(dot < 0 ? "" : op.substring(0, dot));
    spec = spec.reads(values(graph, m.group("ins"))).makes(values(graph, m.group("outs")));
    Matcher attribute = ATTRIBUTE.matcher(m.group("attrs"));
    while (attribute.find()) {
      String key = attribute.group("key");
      String value = attribute.group("value");
      spec = key.equals("name") ? spec.named(value) : spec.with(key, attribute(value));
    }
    graph.add(spec);
  }

  private static Attribute attribute(String text) {
    if (text.startsWith("\"")) {
      return new Attribute.StringValue(text.substring(1, text.length() - 1));
    }
    if (text.startsWith("[")) {
      List<String> items = split(text.substring(1, text.length() - 1));
      return items.stream().anyMatch(i -> i.contains("."))
          ? new Attribute.FloatList(items.stream().map(Float::valueOf).toList())
          : new Attribute.IntList(items.stream().map(Long::valueOf).toList());
    }
    return text.matches("-?\\d+")
        ? new Attribute.IntValue(Long.parseLong(text))
        : new Attribute.FloatValue(Float.parseFloat(text));
  }

  private static Value[] values(Graph graph, String names) {
    return split(names).stream()
        .map(name -> name.equals("_") ? null : value(graph, name))
        .toArray(Value[]::new);
  }

  private static Value value(Graph graph, String name) {
    Value found = graph.resolve(name);
    return found == null ? graph.addValue(name, null) : found;
  }

  private static List<String> split(String list) {
    return Arrays.stream(list.split(",")).map(String::trim).filter(s -> !s.isEmpty()).toList();
  }

  private static Matcher matcher(Pattern pattern, String text) {
    Matcher m = pattern.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException("no statement of a graph: '" + text + "'");
    }
    return m;
  }
}
