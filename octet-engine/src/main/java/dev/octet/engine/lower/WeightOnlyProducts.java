package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Coded;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * MatMul and Gemm of floats by constant weights of 4 or 8 bits, which become floats inside the
 * product; every other product goes to the lowering given. So do 16-bit floats, which become floats
 * when the model is compiled: oneDNN 3.11 has a product of floats by them, but it gives wrong sums
 * from 1024 x 1024 weights on.
 *
 * <p>oneDNN's product decompresses a panel of weights before it multiplies. With one row that costs
 * more than the product of floats (4096 x 4096 weights of 4 bits: 4.4 ms beside 2.5 ms of floats on
 * an AVX-512 core), so few rows by 4-bit weights go to {@link FewRows}, and by 8-bit weights that
 * have one scale a column to {@link SplitRows}.
 */
final class WeightOnlyProducts implements Lowering {
  /** With more rows, decompressing a panel once for all of them pays. */
  private static final long FEW_ROWS = 4;

  private final Lowering others;

  WeightOnlyProducts(Lowering others) {
    this.others = others;
  }

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand weights = to.input(node, 1);
    Coded coded = input.quantization() == null ? CodedWeights.of(weights) : null;
    boolean transposed = node.intAttribute("transB", 0) != 0;
    boolean fits =
        coded != null
            && coded.scales() != null
            && weights.rank() == 2
            && input.rank() >= 2
            && input.type() == DataType.FLOAT
            && input.constant() == null
            && input.dim(input.rank() - 1) == weights.dim(transposed ? 1 : 0)
            && weights.elements() > 0
            && node.intAttribute("transA", 0) == 0
            && node.floatAttribute("alpha", 1) == 1
            && (node.input(2) == null || node.floatAttribute("beta", 1) == 1);
    if (!fits || coded == null) {
      others.lower(node, to);
      return;
    }
    long width = weights.dim(transposed ? 0 : 1);
    Tensor bias = to.constant(node, 2);
    boolean row = bias != null && bias.elementCount() == width && bias.dim(-1) == width;
    if (node.input(2) != null && !row) {
      others.lower(node, to);
      return;
    }
    long depth = weights.elements() / width;
    long rows = input.elements() / depth;
    Matrix matrix = new Matrix(coded, transposed, (int) depth, (int) width);
    if (matrix.block() == 1 && depth > 1) {
      others.lower(node, to); // a scale for every row of weights: nothing to gain
      return;
    }
    if (rows <= FEW_ROWS && coded.codes().type().bits() == 4) {
      inJava(node, to, input, matrix, bias, (int) rows);
      return;
    }
    try {
      if (rows <= FEW_ROWS
          && matrix.block() == depth
          && depth <= SplitRows.DEEPEST
          && Primitives.addsExactly(DataType.INT8, -Byte.MIN_VALUE)) {
        split(node, to, input, matrix, bias, (int) rows);
        return;
      }
      byPrimitive(node, to, input, matrix, bias, rows);
    } catch (DnnlException noCode) {
      others.lower(node, to);
    }
  }

  /** Weights as a matrix {@code [K, N]}, in whichever way they are kept. */
  record Matrix(Coded coded, boolean transposed, int depth, int width) {
    /** The flat index of weight {@code (k, n)}. */
    int index(int k, int n) {
      return transposed ? n * depth + k : k * width + n;
    }

    /** How many weights of a column in a row share a scale. */
    int block() {
      int along = transposed ? 1 : 0;
      Tensor scales = coded.scales();
      boolean blocked = scales != null && scales.rank() == 2 && scales.elementCount() > 1;
      if (blocked) {
        return coded.axis() == along ? Math.min(coded.block(), depth) : 1;
      }
      boolean each = scales != null && scales.elementCount() > 1 && coded.axis() == along;
      return each ? 1 : depth;
    }
  }

  // ---- oneDNN ----

  private static void byPrimitive(
      Node node, Compilation to, Operand input, Matrix matrix, @Nullable Tensor bias, long rows) {
    Coded coded = matrix.coded();
    int depth = matrix.depth();
    int width = matrix.width();
    int block = matrix.block();
    if (depth % block != 0 || (block < depth && block % 4 != 0)) {
      throw new DnnlException("blocks of " + block + " do not divide " + depth);
    }
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    attributes.decompress(block, coded.zeroPoints() != null);
    Layout scales = Layout.rowMajor(DataType.FLOAT, depth / block, width);
    String derivation = matrix.transposed() + " scales " + coded.derivation();
    arguments.put(
        Args.scale(Args.WEIGHTS),
        to.packed(coded.codes(), derivation, scales, () -> scales(matrix)));
    if (coded.zeroPoints() != null) {
      Layout zeros = Layout.rowMajor(DataType.INT32, depth / block, width);
      arguments.put(
          Args.zeroPoint(Args.WEIGHTS),
          to.packed(coded.codes(), "zeros" + derivation, zeros, () -> zeros(matrix)));
    }
    long[] out = input.dims();
    out[out.length - 1] = width;
    Epilogue epilogue = Epilogue.after(node.output(), out, to, false, false);
    epilogue.applyAsMatrix(attributes, arguments, rows, width);
    Layout source = Layout.rowMajor(DataType.FLOAT, rows, depth);
    Layout destination = Layout.rowMajor(DataType.FLOAT, rows, width);
    Layout added = bias == null ? null : Layout.rowMajor(DataType.FLOAT, 1, width);
    Primitive primitive =
        Primitives.matmul(
            source, Layout.any(coded.codes().type(), depth, width), added, destination, attributes);
    try {
      if (primitive.implementation().startsWith("ref")) {
        throw new DnnlException("only the reference product does this");
      }
      arguments.put(Args.SRC, new Stored(to.rowMajor(input).buffer(), source));
      arguments.put(
          Args.WEIGHTS,
          to.packed(
              coded.codes(),
              "codes " + matrix.transposed(),
              primitive.layout(Args.WEIGHTS),
              () -> codes(matrix)));
      if (bias != null && added != null) {
        arguments.put(Args.BIAS, new Stored(to.floats(bias.toFloats()).buffer(), added));
      }
      Stored result = to.allocate(destination);
      arguments.put(Args.DST, result);
      to.primitive(primitive, arguments);
      epilogue.finish(new Stored(result.buffer(), Layout.rowMajor(DataType.FLOAT, out)));
    } catch (RuntimeException failed) {
      primitive.close();
      throw failed;
    }
  }

  private static Tensor scales(Matrix matrix) {
    Tensor kept = matrix.coded().scales();
    float[] from = kept == null ? new float[0] : kept.toFloats();
    int block = matrix.block();
    int blocks = matrix.depth() / block;
    float[] made = new float[blocks * matrix.width()];
    for (int b = 0; b < blocks; b++) {
      for (int n = 0; n < matrix.width(); n++) {
        made[b * matrix.width() + n] = from[matrix.coded().scaleIndex(matrix.index(b * block, n))];
      }
    }
    return Tensor.ofFloats(made, blocks, matrix.width());
  }

  private static Tensor zeros(Matrix matrix) {
    Tensor kept = matrix.coded().zeroPoints();
    int block = matrix.block();
    int blocks = matrix.depth() / block;
    int[] made = new int[blocks * matrix.width()];
    if (kept != null) {
      ByteBuffer from = kept.data();
      for (int b = 0; b < blocks; b++) {
        for (int n = 0; n < matrix.width(); n++) {
          int at = matrix.coded().scaleIndex(matrix.index(b * block, n));
          made[b * matrix.width() + n] = Coded.integer(kept, from, at);
        }
      }
    }
    return Tensor.ofInts(made, blocks, matrix.width());
  }

  private static Tensor codes(Matrix matrix) {
    Tensor kept = matrix.coded().codes();
    if (!matrix.transposed()) {
      return kept;
    }
    ByteBuffer from = kept.data();
    byte[] turned = new byte[from.remaining()];
    int bits = kept.type().bits();
    int at = 0;
    for (int k = 0; k < matrix.depth(); k++) {
      for (int n = 0; n < matrix.width(); n++, at++) {
        int index = matrix.index(k, n);
        if (bits == 4) {
          int code = Coded.integer(kept, from, index) & 15;
          turned[at / 2] |= (byte) (code << (4 * (at & 1)));
        } else {
          int size = bits / 8;
          for (int i = 0; i < size; i++) {
            turned[at * size + i] = from.get(index * size + i);
          }
        }
      }
    }
    return Tensor.ofRaw(kept.type(), turned, matrix.depth(), matrix.width());
  }

  // ---- integers ----

  private static void split(
      Node node, Compilation to, Operand input, Matrix matrix, @Nullable Tensor bias, int rows) {
    Coded coded = matrix.coded();
    int shift = coded.codes().type() == DataType.UINT8 ? 128 : 0;
    float[] scales = scales(matrix).toFloats();
    long[] zeros = zeros(matrix).toLongs();
    float[] offsets = new float[scales.length];
    for (int n = 0; n < offsets.length; n++) {
      offsets[n] = (shift - zeros[n]) * scales[n];
    }
    Stored result = result(to, input, matrix);
    float[] start = bias == null ? new float[matrix.width()] : bias.toFloats();
    new SplitRows(rows, matrix.depth(), scales, offsets, start)
        .emit(
            to,
            to.rowMajor(input),
            layout ->
                to.packed(
                    coded.codes(),
                    "signed codes " + matrix.transposed(),
                    layout,
                    () -> signed(codes(matrix), shift)),
            result);
    to.define(node.output(), result);
  }

  private static Tensor signed(Tensor codes, int shift) {
    byte[] bytes = new byte[codes.data().remaining()];
    codes.data().get(bytes);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (bytes[i] - shift);
    }
    return Tensor.ofRaw(DataType.INT8, bytes, codes.shape());
  }

  private static Stored result(Compilation to, Operand input, Matrix matrix) {
    long[] out = input.dims();
    out[out.length - 1] = matrix.width();
    return to.allocate(Layout.rowMajor(DataType.FLOAT, out));
  }

  // ---- Java ----

  private static void inJava(
      Node node, Compilation to, Operand input, Matrix matrix, @Nullable Tensor bias, int rows) {
    float[] start = bias == null ? new float[matrix.width()] : bias.toFloats();
    Stored result = result(to, input, matrix);
    Coded coded = matrix.coded();
    FewRows product =
        to.made(
            coded.codes(),
            coded.derivation() + " " + matrix.transposed(),
            FewRows.class,
            () -> FewRows.of(matrix));
    to.kernel(
        "4-bit matmul",
        (reads, writes) -> product.bind(reads.get(0), writes.get(0), rows, start),
        List.of(to.rowMajor(input)),
        List.of(result));
    to.define(node.output(), result);
  }
}
