package dev.octet.engine.dnnl;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.javacpp.PointerScope;

/**
 * A compiled computation: a primitive of oneDNN with its layouts chosen. Any number of threads may
 * execute it at once, each with memory of its own. {@link #close} frees it; nothing may execute it
 * then.
 */
public final class Primitive implements AutoCloseable {
  private final String kind;
  private final primitive_desc_base desc;
  private final primitive handle;
  private final String implementation;
  private final Layout scratchpad;

  /** Takes over {@code desc} and {@code handle}, made in the caller's scope. */
  Primitive(String kind, primitive_desc_base desc, primitive handle) {
    this.kind = kind;
    this.desc = Native.own(desc);
    this.handle = Native.own(handle);
    this.implementation = desc.impl_info_str().getString();
    this.scratchpad = scratchpadOf(desc);
  }

  private static Layout scratchpadOf(primitive_desc_base desc) {
    memory.desc wanted = desc.scratchpad_desc();
    return Layout.rowMajor(dev.octet.graph.DataType.UINT8, wanted.get_size());
  }

  /** What it computes, such as {@code convolution}, with its post-operations. */
  public String kind() {
    return kind;
  }

  /** oneDNN's name of the code that does it, such as {@code brgconv:avx512_core_vnni}. */
  public String implementation() {
    return implementation;
  }

  /** The layout that argument {@code argument} has. */
  public Layout layout(int argument) {
    try (PointerScope scope = new PointerScope()) {
      return Layout.of(desc.query_md(dnnl.query.exec_arg_md, argument));
    }
  }

  /**
   * Whether argument {@code argument} may lie in {@code layout}: exactly as compiled, where oneDNN
   * tells; it does not check again when it runs.
   */
  public boolean accepts(int argument, Layout layout) {
    try (PointerScope scope = new PointerScope()) {
      memory.desc compiled = desc.query_md(dnnl.query.exec_arg_md, argument);
      memory.desc given = layout.desc();
      return compiled.get_ndims() == 0 || compiled.equals(given);
    }
  }

  /** Bytes that it needs at {@link Args#SCRATCHPAD} while it runs; may be empty. */
  public Layout scratchpad() {
    return scratchpad;
  }

  primitive handle() {
    return handle;
  }

  @Override
  public void close() {
    Native.free(handle);
    Native.free(desc);
  }

  @Override
  public String toString() {
    return kind + " (" + implementation + ")";
  }
}
