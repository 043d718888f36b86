package dev.octet.engine.dnnl;

import dev.octet.graph.DataType;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** The process's one CPU engine, and oneDNN's names for our types. */
final class Native {
  private static final engine CPU = own(new engine(engine.kind.cpu, 0));

  /** An x86 CPU, or one that is made to count as such, without instructions for bytes. */
  static final boolean SATURATES = saturates();

  private Native() {}

  private static boolean saturates() {
    int isa = dnnl.dnnl_get_effective_cpu_isa();
    int vnni =
        (dnnl.dnnl_cpu_isa_avx2_vnni & ~dnnl.dnnl_cpu_isa_avx2)
            | (dnnl.dnnl_cpu_isa_avx512_core_vnni & ~dnnl.dnnl_cpu_isa_avx512_core);
    return isa != dnnl.dnnl_cpu_isa_default && (isa & vnni) == 0;
  }

  static engine cpu() {
    return CPU;
  }

  /** oneDNN's name of {@code type}, or null where its primitives do not know the type. */
  static memory.@Nullable data_type typeOf(DataType type) {
    return switch (type) {
      case FLOAT -> memory.data_type.f32;
      case INT32 -> memory.data_type.s32;
      case INT8 -> memory.data_type.s8;
      case UINT8 -> memory.data_type.u8;
      case FLOAT16 -> memory.data_type.f16;
      case BFLOAT16 -> memory.data_type.bf16;
      case INT4 -> memory.data_type.s4;
      case UINT4 -> memory.data_type.u4;
      default -> null;
    };
  }

  static DataType typeOf(memory.data_type type) {
    return switch (type.intern()) {
      case f32 -> DataType.FLOAT;
      case s32 -> DataType.INT32;
      case s8 -> DataType.INT8;
      case u8 -> DataType.UINT8;
      case f16 -> DataType.FLOAT16;
      case bf16 -> DataType.BFLOAT16;
      case s4 -> DataType.INT4;
      case u4 -> DataType.UINT4;
      default ->
          throw new DnnlException("oneDNN chose element type " + type + ", which is unknown");
    };
  }

  /**
   * Makes the caller the owner of {@code pointer}, whatever scopes are open: it lives until {@link
   * #free}.
   */
  static <P extends Pointer> P own(P pointer) {
    pointer.retainReference();
    return pointer;
  }

  static void free(Pointer pointer) {
    pointer.releaseReference();
  }
}
