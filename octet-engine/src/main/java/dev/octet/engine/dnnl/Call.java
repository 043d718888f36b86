package dev.octet.engine.dnnl;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * A primitive bound to its arguments, ready to run again and again without allocating anything. One
 * thread at a time; close before the memory that it works on, and before the primitive.
 */
public final class Call implements Runnable, AutoCloseable {

  /**
   * One argument: {@code layout} read from {@code memory} at byte {@code offset}.
   *
   * @param argument one of {@link Args}
   */
  public record Argument(int argument, Layout layout, Memory memory, long offset) {}

  private final Primitive primitive;
  private final dnnl_primitive handle;
  private final dnnl_stream stream;
  private final dnnl_exec_arg_t arguments;
  private final int count;
  private final List<Pointer> owned = new ArrayList<>();

  /** Binds {@code primitive} to {@code given} on {@code stream}. */
  public Call(Primitive primitive, Stream stream, List<Argument> given) {
    this.primitive = primitive;
    this.count = given.size();
    try (PointerScope scope = new PointerScope()) {
      handle = own(primitive.handle().get());
      this.stream = own(stream.handle().get());
      arguments = own(new dnnl_exec_arg_t(Math.max(count, 1)));
      for (int i = 0; i < count; i++) {
        Argument argument = given.get(i);
        Layout layout = argument.layout;
        memory bound =
            own(
                new memory(
                    layout.desc(),
                    Native.cpu(),
                    argument.memory.at(argument.offset, layout.sizeBytes())));
        arguments.position(i).arg(argument.argument).memory(bound.get());
      }
      arguments.position(0);
    }
  }

  private <P extends Pointer> P own(P pointer) {
    owned.add(Native.own(pointer));
    return pointer;
  }

  /** Executes it on the calling thread and its OpenMP team, and returns when it is done. */
  @Override
  public void run() {
    int status = dnnl.dnnl_primitive_execute(handle, stream, count, arguments);
    if (status != 0) {
      throw new DnnlException(primitive + " failed with status " + status);
    }
  }

  @Override
  public void close() {
    owned.forEach(Native::free);
    owned.clear();
  }
}
