package dev.octet.graph;

import java.util.List;

/** A named setting of a node. Which kinds a name takes is the operator's business. */
public sealed interface Attribute {

  /** The word ONNX uses for this kind, for messages. */
  String kind();

  /** A 64-bit integer. */
  record IntValue(long value) implements Attribute {
    @Override
    public String kind() {
      return "INT";
    }
  }

  /** A 32-bit float. */
  record FloatValue(float value) implements Attribute {
    @Override
    public String kind() {
      return "FLOAT";
    }
  }

  /** Text; bytes that are not UTF-8 are kept by {@link Opaque} instead. */
  record StringValue(String value) implements Attribute {
    @Override
    public String kind() {
      return "STRING";
    }
  }

  /** A constant tensor. */
  record TensorValue(Tensor value) implements Attribute {
    @Override
    public String kind() {
      return "TENSOR";
    }
  }

  /** A nested graph: a branch of If, a body of Loop or Scan. Its nodes may read outer values. */
  record GraphValue(Graph value) implements Attribute {
    @Override
    public String kind() {
      return "GRAPH";
    }
  }

  /** A list of 64-bit integers. */
  record IntList(List<Long> values) implements Attribute {
    public IntList {
      values = List.copyOf(values);
    }

    /** A list of the given integers. */
    public static IntList of(long... values) {
      return new IntList(java.util.Arrays.stream(values).boxed().toList());
    }

    @Override
    public String kind() {
      return "INTS";
    }
  }

  /** A list of 32-bit floats. */
  record FloatList(List<Float> values) implements Attribute {
    public FloatList {
      values = List.copyOf(values);
    }

    @Override
    public String kind() {
      return "FLOATS";
    }
  }

  /** A list of texts. */
  record StringList(List<String> values) implements Attribute {
    public StringList {
      values = List.copyOf(values);
    }

    @Override
    public String kind() {
      return "STRINGS";
    }
  }

  /** Several nested graphs. */
  record GraphList(List<Graph> values) implements Attribute {
    public GraphList {
      values = List.copyOf(values);
    }

    @Override
    public String kind() {
      return "GRAPHS";
    }
  }

  /**
   * A kind that Octet has no use for (sparse tensors, types, references to a function's attributes,
   * bytes that are not text): the encoded {@code AttributeProto}, kept as it was.
   */
  record Opaque(String kind, Bytes encoded) implements Attribute {}
}
