package dev.octet.torch.graph;

import static dev.octet.torch.graph.Nets.net;
import static org.junit.jupiter.api.Named.named;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each operator computes what it computes in ONNX Runtime, in each of its forms. */
final class OperatorsTest {
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest(name = "{0}")
  @MethodSource({
    "elementwise",
    "pairs",
    "convolutions",
    "pools",
    "products",
    "norms",
    "reductions",
    "moves",
    "shapes",
    "resizes",
    "recurrent",
    "quantizers"
  })
  void agreesWithOnnxRuntime(Model model) {
    OrtAgreement.assertAgrees(model, OrtAgreement.inputs(model, 2), TOLERANCE);
  }

  static Stream<Named<Model>> elementwise() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String op :
        List.of(
            "Relu",
            "Sigmoid",
            "Tanh",
            "Softplus",
            "Softsign",
            "Erf",
            "Exp",
            "Neg",
            "Abs",
            "Reciprocal",
            "Sign",
            "Floor",
            "Ceil",
            "Round",
            "Sin",
            "Cos",
            "Identity",
            "HardSwish",
            "Mish",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Celu",
            "HardSigmoid",
            "ThresholdedRelu")) {
      cases.add(unary(op, 18));
    }
    cases.add(unary("Gelu", 20));
    cases.add(unary("Gelu", 20, "approximate", "tanh"));
    cases.add(unary("LeakyRelu", 13, "alpha", 0.3));
    cases.add(unary("Elu", 13, "alpha", 0.3));
    cases.add(unary("Selu", 13, "alpha", 1.5, "gamma", 1.2));
    cases.add(unary("Celu", 13, "alpha", 0.7));
    cases.add(unary("HardSigmoid", 13, "alpha", 0.3, "beta", 0.4));
    cases.add(unary("ThresholdedRelu", 13, "alpha", 0.2));
    cases.add(unary("Clip", 8, "min", -0.5, "max", 0.25));
    cases.add(unary("Clip", 8, "min", 0.1));
    cases.add(unary("Cast", 13, "to", DataType.INT64.code()));
    cases.add(unary("Cast", 13, "to", DataType.BOOL.code()));
    for (String inputs : List.of("x,low,high", "x,_,high", "x,low")) {
      cases.add(
          named(
              "Clip(" + inputs + ")",
              net()
                  .input("x", -1, 3, 4)
                  .scalar("low", -0.5f)
                  .scalar("high", 0.5f)
                  .node("Clip", "y", inputs)
                  .returns(13, "y")));
    }
    for (String op : List.of("Sqrt", "Log")) {
      cases.add(
          named(
              op,
              net().input("x", -1, 5).node("Abs", "a", "x").node(op, "y", "a").returns(13, "y")));
    }
    for (long[] slope : new long[][] {{1}, {3, 1, 1}}) {
      cases.add(
          named(
              "PRelu of rank " + slope.length,
              net()
                  .input("x", -1, 3, 2, 2)
                  .weight("slope", slope)
                  .node("PRelu", "y", "x,slope")
                  .returns(16, "y")));
    }
    cases.add(
        named(
            "Dropout",
            net().input("x", -1, 5).node("Dropout", "y", "x", "ratio", 0.4).returns(11, "y")));
    cases.add(
        named(
            "Dropout with mask",
            net()
                .input("x", -1, 5)
                .scalar("ratio", 0.4f)
                .node("Dropout", "y,mask", "x,ratio")
                .returns(13, "y", "mask")));
    cases.add(
        named(
            "Constant",
            net()
                .input("x", -1, 3)
                .node("Constant", "c", "_", "value", Tensor.ofFloats(new float[] {1, 2, 3}, 3))
                .node("Mul", "y", "x,c")
                .returns(13, "y")));
    return cases.stream();
  }

  private static Named<Model> unary(String op, long opset, Object... attributes) {
    return named(
        op + " " + opset + " " + java.util.Arrays.toString(attributes),
        net().input("x", -1, 3, 5).node(op, "y", "x", attributes).returns(opset, "y"));
  }

  static Stream<Named<Model>> pairs() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String op :
        List.of(
            "Add",
            "Sub",
            "Mul",
            "Div",
            "Pow",
            "Equal",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "Min",
            "Max",
            "Sum",
            "Mean")) {
      cases.add(
          named(
              op,
              net()
                  .input("x", -1, 3, 4)
                  .positive("b", 3, 1)
                  .node("Abs", "a", "x")
                  .node(op, "y", "a,b")
                  .returns(16, "y")));
      cases.add(
          named(
              op + " of one number",
              net()
                  .input("x", -1, 3, 4)
                  .scalar("b", 2)
                  .node("Abs", "a", "x")
                  .node(op, "y", "a,b")
                  .returns(16, "y")));
    }
    for (String op : List.of("Max", "Min", "Sum", "Mean")) {
      cases.add(
          named(
              op + " of three",
              net()
                  .input("x", -1, 3)
                  .weight("b", 3)
                  .weight("c", 2, 3)
                  .node(op, "y", "x,b,c")
                  .returns(13, "y")));
    }
    for (String op : List.of("And", "Or", "Xor")) {
      cases.add(
          named(
              op,
              net()
                  .input("x", -1, 4)
                  .weight("w", 4)
                  .scalar("zero", 0)
                  .node("Greater", "a", "x,zero")
                  .node("Greater", "b", "w,zero")
                  .node(op, "c", "a,b")
                  .node("Not", "d", "c")
                  .node("Where", "y", "d,x,w")
                  .returns(13, "y")));
    }
    cases.add(
        named(
            "Div of integers cuts off",
            net()
                .input("x", DataType.INT64, -1, 4)
                .longs("minus", -7, 7, -8, 8)
                .longs("by", 2, -2, 3, -3)
                .node("Sub", "a", "minus,x")
                .node("Div", "y", "a,by")
                .returns(13, "y")));
    cases.add(
        named(
            "Mod",
            net()
                .input("x", -1, 4)
                .positive("by", 4)
                .node("Mod", "y", "x,by", "fmod", 1)
                .returns(13, "y")));
    cases.add(
        named(
            "Mod of integers",
            net()
                .input("x", DataType.INT64, -1, 4)
                .longs("minus", -7, 7, -8, 8)
                .longs("by", 2, -2, 3, -3)
                .node("Sub", "a", "minus,x")
                .node("Mod", "y", "a,by")
                .returns(13, "y")));
    return cases.stream();
  }

  static Stream<Named<Model>> convolutions() {
    List<Named<Model>> cases = new ArrayList<>();
    cases.add(conv("plain", new long[] {-1, 4, 7, 8}, new long[] {6, 4, 3, 3}));
    cases.add(
        conv(
            "strided, asymmetric pads",
            new long[] {-1, 4, 7, 8},
            new long[] {6, 4, 3, 3},
            "strides",
            new long[] {2, 1},
            "pads",
            new long[] {1, 0, 0, 2}));
    cases.add(
        conv(
            "dilated groups",
            new long[] {-1, 4, 9, 9},
            new long[] {6, 2, 3, 3},
            "group",
            2,
            "dilations",
            new long[] {2, 1},
            "pads",
            new long[] {1, 1, 1, 1}));
    for (String auto : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      cases.add(
          conv(
              auto,
              new long[] {-1, 2, 7, 8},
              new long[] {3, 2, 4, 3},
              "auto_pad",
              auto,
              "strides",
              new long[] {2, 3}));
    }
    cases.add(conv("1d", new long[] {-1, 2, 9}, new long[] {3, 2, 3}, "pads", new long[] {1, 0}));
    cases.add(conv("3d", new long[] {-1, 2, 4, 5, 4}, new long[] {3, 2, 2, 3, 2}));
    cases.add(transposed("plain"));
    cases.add(transposed("strided", "strides", new long[] {2, 3}));
    cases.add(
        transposed(
            "padded",
            "strides",
            new long[] {2, 2},
            "pads",
            new long[] {1, 0, 2, 1},
            "output_padding",
            new long[] {1, 1}));
    cases.add(
        transposed("sized", "strides", new long[] {2, 2}, "output_shape", new long[] {9, 10}));
    cases.add(transposed("SAME", "strides", new long[] {2, 2}, "auto_pad", "SAME_UPPER"));
    cases.add(transposed("dilated groups", "group", 2, "dilations", new long[] {2, 1}));
    return cases.stream();
  }

  private static Named<Model> conv(String name, long[] x, long[] w, Object... attributes) {
    return named(
        "Conv " + name,
        net()
            .input("x", x)
            .weight("w", w)
            .weight("b", w[0])
            .node("Conv", "y", "x,w,b", attributes)
            .returns(13, "y"));
  }

  private static Named<Model> transposed(String name, Object... attributes) {
    boolean groups = List.of(attributes).contains("group");
    return named(
        "ConvTranspose " + name,
        net()
            .input("x", -1, 4, 4, 5)
            .weight("w", 4, 3, 3, 3)
            .weight("b", groups ? 6 : 3)
            .node("ConvTranspose", "y", "x,w,b", attributes)
            .returns(13, "y"));
  }

  static Stream<Named<Model>> pools() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String op : List.of("MaxPool", "AveragePool")) {
      for (int counted = 0; counted < (op.equals("MaxPool") ? 1 : 2); counted++) {
        Object[] base = counted == 0 ? new Object[] {} : new Object[] {"count_include_pad", 1};
        cases.add(pool(op, "plain", base));
        cases.add(pool(op, "padded", join(base, "pads", new long[] {1, 1, 1, 1}, "strides", TWO)));
        cases.add(
            pool(op, "asymmetric", join(base, "pads", new long[] {0, 1, 1, 2}, "strides", TWO)));
        cases.add(pool(op, "ceil", join(base, "strides", TWO, "ceil_mode", 1)));
        cases.add(
            pool(
                op,
                "ceil padded",
                join(base, "pads", new long[] {1, 1, 1, 1}, "strides", TWO, "ceil_mode", 1)));
        cases.add(pool(op, "SAME", join(base, "auto_pad", "SAME_UPPER", "strides", TWO)));
        cases.add(pool(op, "SAME_LOWER", join(base, "auto_pad", "SAME_LOWER", "strides", TWO)));
      }
      cases.add(
          named(
              op + " 1d",
              net()
                  .input("x", -1, 2, 9)
                  .node(op, "y", "x", "kernel_shape", new long[] {2})
                  .returns(13, "y")));
      cases.add(
          named(
              op + " 3d",
              net()
                  .input("x", -1, 2, 4, 5, 4)
                  .node(op, "y", "x", "kernel_shape", new long[] {2, 2, 3})
                  .returns(13, "y")));
    }
    cases.add(pool("MaxPool", "dilated", "dilations", TWO));
    for (String op : List.of("GlobalAveragePool", "GlobalMaxPool")) {
      cases.add(named(op, net().input("x", -1, 3, 4, 5).node(op, "y", "x").returns(13, "y")));
    }
    cases.add(
        named(
            "LRN",
            net()
                .input("x", -1, 7, 3, 2)
                .node("LRN", "y", "x", "size", 3, "alpha", 0.3, "beta", 0.6, "bias", 1.2)
                .returns(13, "y")));
    return cases.stream();
  }

  private static final long[] TWO = {2, 2};

  private static Object[] join(Object[] first, Object... more) {
    return Stream.concat(Stream.of(first), Stream.of(more)).toArray();
  }

  private static Named<Model> pool(String op, String name, Object... attributes) {
    return named(
        op + " " + name + " " + attributes.length,
        net()
            .input("x", -1, 2, 8, 9)
            .node(op, "y", "x", join(attributes, "kernel_shape", new long[] {3, 3}))
            .returns(13, "y"));
  }

  static Stream<Named<Model>> products() {
    return Stream.of(
        named(
            "Gemm",
            net()
                .input("x", -1, 4)
                .weight("w", 4, 3)
                .weight("b", 3)
                .node("Gemm", "y", "x,w,b", "alpha", 0.5, "beta", 2.0)
                .returns(13, "y")),
        named(
            "Gemm transposed without bias",
            net()
                .input("x", 4, 2)
                .weight("w", 3, 4)
                .node("Gemm", "y", "x,w", "transA", 1, "transB", 1)
                .returns(13, "y")),
        named(
            "MatMul",
            net()
                .input("x", -1, 3, 2, 4)
                .weight("w", 3, 4, 5)
                .node("MatMul", "y", "x,w")
                .returns(13, "y")),
        named(
            "MatMul of a vector",
            net().input("x", -1, 4).weight("w", 4).node("MatMul", "y", "x,w").returns(13, "y")),
        named(
            "Einsum",
            net()
                .input("x", -1, 3, 4)
                .weight("w", 4, 5)
                .node("Einsum", "y", "x,w", "equation", "bij,jk->bki")
                .returns(13, "y")));
  }

  static Stream<Named<Model>> norms() {
    List<Named<Model>> cases = new ArrayList<>();
    cases.add(
        named(
            "BatchNormalization",
            net()
                .input("x", -1, 3, 4, 4)
                .weight("s", 3)
                .weight("b", 3)
                .weight("m", 3)
                .positive("v", 3)
                .node("BatchNormalization", "y", "x,s,b,m,v", "epsilon", 0.01)
                .returns(15, "y")));
    cases.add(
        named(
            "LayerNormalization",
            net()
                .input("x", -1, 3, 4)
                .weight("s", 3, 4)
                .weight("b", 3, 4)
                .node("LayerNormalization", "y", "x,s,b", "axis", 1)
                .returns(17, "y")));
    cases.add(
        named(
            "LayerNormalization without bias",
            net()
                .input("x", -1, 3, 4)
                .weight("s", 4)
                .node("LayerNormalization", "y", "x,s", "epsilon", 0.1)
                .returns(17, "y")));
    cases.add(
        named(
            "InstanceNormalization",
            net()
                .input("x", -1, 3, 4, 4)
                .weight("s", 3)
                .weight("b", 3)
                .node("InstanceNormalization", "y", "x,s,b")
                .returns(13, "y")));
    cases.add(
        named(
            "GroupNormalization by group",
            net()
                .input("x", -1, 6, 4)
                .weight("s", 2)
                .weight("b", 2)
                .node("GroupNormalization", "y", "x,s,b", "num_groups", 2)
                .returns(18, "y")));
    cases.add(
        named(
            "GroupNormalization by channel",
            net()
                .input("x", -1, 6, 4)
                .weight("s", 6)
                .weight("b", 6)
                .node("GroupNormalization", "y", "x,s,b", "num_groups", 2)
                .returns(21, "y")));
    for (int p = 1; p <= 2; p++) {
      cases.add(
          named(
              "LpNormalization " + p,
              net().input("x", -1, 6).node("LpNormalization", "y", "x", "p", p).returns(13, "y")));
    }
    for (String op : List.of("Softmax", "LogSoftmax")) {
      for (long opset : new long[] {11, 13}) {
        cases.add(
            named(
                op + " " + opset,
                net().input("x", -1, 3, 4).node(op, "y", "x").returns(opset, "y")));
        cases.add(
            named(
                op + " " + opset + " of an axis",
                net().input("x", -1, 3, 4).node(op, "y", "x", "axis", 1).returns(opset, "y")));
      }
    }
    return cases.stream();
  }

  static Stream<Named<Model>> reductions() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String op :
        List.of(
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSum",
            "ReduceLogSumExp")) {
      cases.add(
          named(
              op,
              net()
                  .input("x", -1, 3, 4)
                  .node("Abs", "a", "x")
                  .node(op, "y", "a", "axes", new long[] {-1, 1}, "keepdims", 0)
                  .returns(13, "y")));
      cases.add(
          named(
              op + " 18",
              net()
                  .input("x", -1, 3, 4)
                  .longs("axes", 1)
                  .node("Abs", "a", "x")
                  .node(op, "y", "a,axes")
                  .returns(18, "y")));
      cases.add(
          named(
              op + " of all",
              net().input("x", -1, 3).node("Abs", "a", "x").node(op, "y", "a").returns(13, "y")));
    }
    cases.add(
        named(
            "ReduceSum",
            net()
                .input("x", -1, 3, 4)
                .longs("axes", 0, 2)
                .node("ReduceSum", "y", "x,axes", "keepdims", 0)
                .returns(13, "y")));
    cases.add(
        named(
            "ReduceSum of nothing",
            net()
                .input("x", -1, 3)
                .node("ReduceSum", "y", "x", "noop_with_empty_axes", 1)
                .returns(13, "y")));
    for (String op : List.of("ArgMax", "ArgMin")) {
      cases.add(named(op, net().input("x", 3, 4).node(op, "y", "x").returns(13, "y")));
      cases.add(
          named(
              op + " last",
              net()
                  .input("x", DataType.INT64, 3, 4)
                  .node(op, "y", "x", "axis", -1, "keepdims", 0, "select_last_index", 1)
                  .returns(13, "y")));
    }
    cases.add(
        named(
            "TopK",
            net()
                .input("x", -1, 6)
                .longs("k", 3)
                .node("TopK", "v,i", "x,k", "largest", 0)
                .returns(13, "v", "i")));
    for (int exclusive = 0; exclusive < 2; exclusive++) {
      for (int reverse = 0; reverse < 2; reverse++) {
        cases.add(
            named(
                "CumSum " + exclusive + reverse,
                net()
                    .input("x", -1, 6)
                    .longs("axis", 1)
                    .node("CumSum", "y", "x,axis", "exclusive", exclusive, "reverse", reverse)
                    .returns(13, "y")));
      }
    }
    return cases.stream();
  }

  static Stream<Named<Model>> moves() {
    List<Named<Model>> cases = new ArrayList<>();
    cases.add(move("Reshape", "x,shape", net().longs("shape", 0, -1, 2)));
    cases.add(move("Flatten", "x", net(), "axis", 2));
    cases.add(move("Flatten", "x", net(), "axis", -1));
    cases.add(move("Transpose", "x", net(), "perm", new long[] {2, 0, 1}));
    cases.add(move("Transpose", "x", net()));
    cases.add(move("Unsqueeze", "x,axes", net().longs("axes", -1, 1)));
    cases.add(move("Expand", "x,shape", net().longs("shape", 2, 1, 1, 4)));
    cases.add(move("Concat", "x,w", net().weight("w", 2, 2, 4), "axis", 1));
    cases.add(move("Tile", "x,times", net().longs("times", 1, 2, 3)));
    cases.add(move("Gather", "x,i", net().constant("i", INDICES), "axis", 1));
    cases.add(move("Gather", "x,i", net().constant("i", Tensor.ofLongs(new long[] {-1}))));
    cases.add(
        move(
            "Slice",
            "x,from,to,axes,steps",
            net()
                .longs("from", 3, 0)
                .longs("to", -10, 100)
                .longs("axes", 2, 1)
                .longs("steps", -2, 2)));
    cases.add(move("Slice", "x,from,to", net().longs("from", 0, 1).longs("to", 1, -1)));
    cases.add(move("Pad", "x,pads", net().longs("pads", 0, 1, 2, 0, 2, 1)));
    cases.add(move("Pad", "x,pads,v", net().longs("pads", 0, -1, 2, 0, 2, -1).scalar("v", 1.5f)));
    for (String mode : List.of("reflect", "edge")) {
      cases.add(move("Pad", "x,pads", net().longs("pads", 0, 1, 2, 0, 2, 1), "mode", mode));
    }
    cases.add(move("Trilu", "x", net(), "upper", 0));
    cases.add(move("Trilu", "x,k", net().constant("k", Tensor.ofLongs(new long[] {1}))));
    cases.add(
        named(
            "GatherElements",
            net()
                .input("x", 2, 3)
                .constant("i", INDICES)
                .node("GatherElements", "y", "x,i", "axis", 1)
                .returns(13, "y")));
    cases.add(
        named(
            "Embedding",
            net()
                .input("ids", DataType.INT64, -1, 3)
                .weight("table", 5, 4)
                .node("Gather", "y", "table,ids")
                .returns(13, "y")));
    cases.add(
        named(
            "Split",
            net()
                .input("x", -1, 7)
                .longs("split", 2, 5)
                .node("Split", "a,b", "x,split", "axis", 1)
                .returns(13, "a", "b")));
    cases.add(
        named(
            "Split into equal parts",
            net()
                .input("x", -1, 6)
                .node("Split", "a,b,c", "x", "axis", -1)
                .returns(13, "a", "b", "c")));
    cases.add(
        named(
            "Split 18",
            net()
                .input("x", -1, 7)
                .node("Split", "a,b,c", "x", "axis", -1, "num_outputs", 3)
                .returns(18, "a", "b", "c")));
    cases.add(
        named(
            "Squeeze",
            net()
                .input("x", -1, 1, 3, 1)
                .longs("axes", 1, -1)
                .node("Squeeze", "y", "x,axes")
                .returns(13, "y")));
    cases.add(
        named(
            "old forms",
            net()
                .input("x", -1, 3, 4)
                .node("Unsqueeze", "a", "x", "axes", new long[] {1})
                .node("Squeeze", "b", "a", "axes", new long[] {1})
                .node(
                    "Slice",
                    "c",
                    "b",
                    "starts",
                    new long[] {1},
                    "ends",
                    new long[] {9},
                    "axes",
                    new long[] {2})
                .node("Split", "d,e", "c", "axis", 2, "split", new long[] {1, 2})
                .node("Pad", "y", "e", "pads", new long[] {0, 0, 1, 0, 0, 2}, "value", 0.5)
                .returns(9, "y", "d")));
    for (String mode : List.of("DCR", "CRD")) {
      cases.add(
          named(
              "DepthToSpace " + mode,
              net()
                  .input("x", -1, 8, 2, 3)
                  .node("DepthToSpace", "y", "x", "blocksize", 2, "mode", mode)
                  .returns(13, "y")));
    }
    cases.add(
        named(
            "SpaceToDepth",
            net()
                .input("x", -1, 2, 4, 6)
                .node("SpaceToDepth", "y", "x", "blocksize", 2)
                .returns(13, "y")));
    return cases.stream();
  }

  private static final Tensor INDICES = Tensor.ofLongs(new long[] {0, 2, -1, 1}, 2, 2);

  private static Named<Model> move(String op, String inputs, Nets net, Object... attributes) {
    return named(
        op + " " + inputs + " " + java.util.Arrays.toString(attributes),
        net.input("x", 2, 3, 4).node(op, "y", inputs, attributes).returns(14, "y"));
  }

  static Stream<Named<Model>> shapes() {
    return Stream.of(
        named(
            "flattened by its own shape",
            net()
                .input("x", -1, 3, 4)
                .longs("zero", 0)
                .longs("minus", -1)
                .node("Shape", "s", "x")
                .node("Gather", "n", "s,zero")
                .node("Concat", "to", "n,minus", "axis", 0)
                .node("Reshape", "y", "x,to")
                .returns(13, "y")),
        named(
            "sizes and filled tensors",
            net()
                .input("x", -1, 3, 4)
                .longs("two", 2)
                .node("Shape", "s", "x", "start", 1)
                .node("Mul", "double", "s,two")
                .node(
                    "ConstantOfShape",
                    "filled",
                    "double",
                    "value",
                    Tensor.ofFloats(new float[] {2.5f}, 1))
                .node("Size", "count", "x")
                .returns(15, "filled", "count")),
        named(
            "positions",
            net()
                .input("x", -1, 3)
                .constant("zero", Tensor.ofLongs(new long[] {0}))
                .constant("one", Tensor.ofLongs(new long[] {1}))
                .node("Shape", "s", "x")
                .node("Gather", "n", "s,zero")
                .node("Range", "r", "zero,n,one")
                .node("Cast", "y", "r", "to", DataType.FLOAT.code())
                .returns(13, "y")),
        named(
            "a range of reals",
            net()
                .input("x", 1)
                .scalar("zero", -1)
                .scalar("one", 2)
                .scalar("step", 0.7f)
                .node("Range", "r", "zero,one,step")
                .node("Mul", "y", "r,x")
                .returns(13, "y")),
        named(
            "a product of computed sizes",
            net()
                .input("x", -1, 3, 4)
                .node("Shape", "s", "x")
                .node("ReduceProd", "p", "s", "keepdims", 1)
                .node("Reshape", "y", "x,p")
                .returns(13, "y")));
  }

  static Stream<Named<Model>> resizes() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String mode : List.of("nearest", "linear", "cubic")) {
      for (String way :
          List.of("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")) {
        cases.add(resize(mode + " " + way, new float[] {1, 1, 2, 1.5f}, mode, way));
        cases.add(resize(mode + " " + way, new float[] {1, 1, 0.6f, 0.5f}, mode, way));
      }
    }
    for (String way : List.of("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")) {
      cases.add(
          resize(
              way, new float[] {1, 1, 1.7f, 2.3f}, "nearest", "half_pixel", "nearest_mode", way));
    }
    cases.add(
        resize("excluding", new float[] {1, 1, 2, 2}, "cubic", "half_pixel", "exclude_outside", 1));
    cases.add(
        named(
            "Resize to sizes",
            net()
                .input("x", -1, 2, 4, 6)
                .longs("sizes", 2, 2, 7, 5)
                .node("Resize", "y", "x,_,_,sizes", "mode", "linear")
                .returns(13, "y")));
    cases.add(
        named(
            "Upsample",
            net()
                .input("x", -1, 2, 4, 6)
                .constant("scales", Tensor.ofFloats(new float[] {1, 1, 2, 3}, 4))
                .node("Upsample", "y", "x,scales", "mode", "nearest")
                .returns(9, "y")));
    return cases.stream();
  }

  private static Named<Model> resize(
      String name, float[] scales, String mode, String way, Object... more) {
    return named(
        "Resize " + name + " " + scales[2],
        net()
            .input("x", -1, 2, 4, 6)
            .constant("scales", Tensor.ofFloats(scales, 4))
            .node(
                "Resize",
                "y",
                "x,_,scales",
                join(more, "mode", mode, "coordinate_transformation_mode", way))
            .returns(13, "y"));
  }

  static Stream<Named<Model>> recurrent() {
    List<Named<Model>> cases = new ArrayList<>();
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      for (String direction : List.of("forward", "reverse", "bidirectional")) {
        cases.add(layer(op, direction, false));
      }
      cases.add(layer(op, "bidirectional", true));
    }
    cases.add(layer("GRU", "forward", false, "linear_before_reset", 1));
    cases.add(layer("LSTM", "forward", false, "clip", 0.4));
    cases.add(layer("RNN", "forward", false, "activations", new String[] {"Relu"}));
    cases.add(
        named(
            "LSTM with peepholes and states",
            net()
                .input("x", 4, -1, 3)
                .input("h0", 1, -1, 5)
                .input("c0", 1, -1, 5)
                .weight("w", 1, 20, 3)
                .weight("r", 1, 20, 5)
                .weight("b", 1, 40)
                .weight("p", 1, 15)
                .node("LSTM", "y,h,c", "x,w,r,b,_,h0,c0,p", "hidden_size", 5)
                .returns(14, "y", "h", "c")));
    return cases.stream();
  }

  private static Named<Model> layer(
      String op, String direction, boolean lengths, Object... attributes) {
    long gates = op.equals("LSTM") ? 4 : op.equals("GRU") ? 3 : 1;
    long directions = direction.equals("bidirectional") ? 2 : 1;
    return named(
        op + " " + direction + (lengths ? " of lengths " : " ") + attributes.length,
        net()
            .input("x", 4, 2, 3)
            .weight("w", directions, gates * 5, 3)
            .weight("r", directions, gates * 5, 5)
            .weight("b", directions, 2 * gates * 5)
            .constant("lengths", Tensor.ofInts(new int[] {4, 2}, 2))
            .node(
                op,
                "y,h",
                lengths ? "x,w,r,b,lengths" : "x,w,r,b",
                join(attributes, "hidden_size", 5, "direction", direction))
            .returns(14, "y", "h"));
  }

  static Stream<Named<Model>> quantizers() {
    Tensor zero = Tensor.ofRaw(DataType.UINT8, new byte[] {(byte) 128});
    Tensor codes = Tensor.ofRaw(DataType.INT8, new byte[] {-128, -3, 0, 5, 100, 127}, 2, 3);
    return Stream.of(
        named(
            "one scale",
            net()
                .input("x", -1, 3)
                .scalar("s", 0.013f)
                .constant("z", zero)
                .node("QuantizeLinear", "q", "x,s,z")
                .node("DequantizeLinear", "y", "q,s,z")
                .returns(13, "y")),
        named(
            "returned integers",
            net()
                .input("x", -1, 3)
                .scalar("s", 0.013f)
                .node("QuantizeLinear", "q", "x,s")
                .returns(13, "q")),
        named(
            "weights per channel",
            net()
                .input("x", -1, 3)
                .constant("w", codes)
                .positive("s", 2)
                .node("DequantizeLinear", "d", "w,s", "axis", 0)
                .node("Gemm", "y", "x,d", "transB", 1)
                .returns(13, "y")),
        named(
            "in blocks",
            net()
                .input("x", -1, 2)
                .constant("w", codes)
                .positive("s", 2, 2)
                .node("DequantizeLinear", "d", "w,s", "axis", 1, "block_size", 2)
                .node("MatMul", "y", "x,d")
                .returns(21, "y")));
  }
}
