package dev.octet.engine.dnnl;

import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.PointerScope;

/** A queue of executions: one for each set of memory that runs on its own. */
public final class Stream implements AutoCloseable {
  private final stream handle;

  /** A stream of the CPU. */
  public Stream() {
    try (PointerScope scope = new PointerScope()) {
      handle = Native.own(new stream(Native.cpu()));
    }
  }

  stream handle() {
    return handle;
  }

  @Override
  public void close() {
    Native.free(handle);
  }
}
