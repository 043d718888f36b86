package dev.octet.quantize.data;

import dev.octet.graph.onnx.AtomicFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** One tensor as a {@code .npy} file of NumPy's (its NEP 1). */
public final class NpyFile {
  private static final int ALIGNMENT = 64; // NumPy's own, so that elements can be mapped
  private static final int CHUNK_BYTES = 1 << 16;
  private static final byte[] START = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

  private NpyFile() {}

  /**
   * Reads the array in {@code file}. Types that {@link ElementType} lacks are widened: float16 to
   * float32, the integers of 16 bits to int32, uint32 to int64.
   *
   * @throws DataException if it cannot be read, is no array of numbers, or is larger than 256 MiB
   */
  public static HostTensor read(Path file) {
    return ArrayFile.of(file).whole();
  }

  /**
   * Writes {@code tensor} in C order, little-endian. The file appears complete or not at all; an
   * old file of that name is replaced.
   *
   * @throws IOException if the folder does not exist or cannot be written to; nothing is left
   *     behind then
   */
  public static void write(Path file, HostTensor tensor) throws IOException {
    AtomicFile.write(file, out -> write(out, tensor));
  }

  private static void write(OutputStream target, HostTensor tensor) throws IOException {
    OutputStream out = new BufferedOutputStream(target, CHUNK_BYTES);
    out.write(header(tensor));
    writeElements(out, tensor);
    out.flush();
  }

  private static byte[] header(HostTensor tensor) {
    int[] shape = tensor.shape();
    String sizes =
        Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining(", "))
            + (shape.length == 1 ? "," : "");
    String text =
        "{'descr': '"
            + code(tensor.type())
            + "', 'fortran_order': False, 'shape': ("
            + sizes
            + "), }";
    int lengthBytes = Short.BYTES;
    int unpadded = START.length + lengthBytes + text.length() + 1;
    int padding = Math.floorMod(-unpadded, ALIGNMENT);
    byte[] rest = (text + " ".repeat(padding) + "\n").getBytes(StandardCharsets.ISO_8859_1);
    return ByteBuffer.allocate(START.length + lengthBytes + rest.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(START)
        .putShort((short) rest.length)
        .put(rest)
        .array();
  }

  private static String code(ElementType type) {
    return switch (type) {
      case FLOAT32 -> "<f4";
      case FLOAT64 -> "<f8";
      case INT64 -> "<i8";
      case INT32 -> "<i4";
      case INT8 -> "|i1";
      case UINT8 -> "|u1";
      case BOOL -> "|b1";
    };
  }

  private static void writeElements(OutputStream out, HostTensor tensor) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int step = CHUNK_BYTES / tensor.type().bytes();
    int count = Math.toIntExact(tensor.elementCount());
    ChunkWriter writer = chunks(tensor);
    for (int at = 0; at < count; at += step) {
      int length = Math.min(step, count - at);
      writer.put(chunk, at, length);
      out.write(chunk.array(), 0, length * tensor.type().bytes());
    }
  }

  /** Puts some elements at the start of a buffer. */
  private interface ChunkWriter {
    void put(ByteBuffer to, int at, int length);
  }

  private static ChunkWriter chunks(HostTensor tensor) {
    return switch (tensor.type()) {
      case FLOAT32 -> {
        float[] from = tensor.floats();
        yield (to, at, length) -> to.asFloatBuffer().put(from, at, length);
      }
      case FLOAT64 -> {
        double[] from = tensor.doubles();
        yield (to, at, length) -> to.asDoubleBuffer().put(from, at, length);
      }
      case INT64 -> {
        long[] from = tensor.longs();
        yield (to, at, length) -> to.asLongBuffer().put(from, at, length);
      }
      case INT32 -> {
        int[] from = tensor.ints();
        yield (to, at, length) -> to.asIntBuffer().put(from, at, length);
      }
      case INT8, UINT8, BOOL -> {
        ByteBuffer from = tensor.byteBuffer();
        yield (to, at, length) -> to.put(0, from, at, length);
      }
    };
  }
}
