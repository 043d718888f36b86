package dev.octet.engine;

import dev.octet.engine.dnnl.Threads;
import dev.octet.engine.plan.Frame;
import dev.octet.engine.plan.Plan;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Runs an engine on inputs of fixed shapes without copying anything: callers write into the memory
 * that the first step reads, and read what the last one wrote. A run allocates nothing.
 *
 * <p>Any number of sessions share an engine's weights. A session is for one thread at a time; made
 * by {@link Engine#session}, it keeps the engine's memory until it is closed. The buffers stay
 * valid memory afterwards.
 */
public final class Session implements AutoCloseable {
  private final Plan plan;
  private final Frame frame;
  private final int threads;
  private final Runnable release;
  private boolean closed;

  Session(Plan plan, Frame frame, int threads, Runnable release) {
    this.plan = plan;
    this.frame = frame;
    this.threads = threads;
    this.release = release;
  }

  /** What is to be written before a run, in the graph's order. */
  public List<Plan.Port> inputs() {
    return plan.inputs();
  }

  /** What a run makes, in the graph's order. */
  public List<Plan.Port> outputs() {
    return plan.outputs();
  }

  /**
   * The memory of an input: direct, little-endian, row-major, positioned at the first byte.
   *
   * @throws IllegalArgumentException if there is no such input
   */
  public ByteBuffer input(String name) {
    return view(frame.input(index(plan.inputs(), name)));
  }

  /**
   * The memory of an output, as of an input; the next run writes over it.
   *
   * @throws IllegalArgumentException if there is no such output
   */
  public ByteBuffer output(String name) {
    return view(frame.output(index(plan.outputs(), name)));
  }

  private static ByteBuffer view(ByteBuffer memory) {
    return memory.duplicate().order(ByteOrder.LITTLE_ENDIAN).clear();
  }

  private static int index(List<Plan.Port> ports, String name) {
    for (int i = 0; i < ports.size(); i++) {
      if (ports.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        "there is no '" + name + "'; there are " + ports.stream().map(Plan.Port::name).toList());
  }

  /**
   * Computes the outputs from the inputs.
   *
   * @throws IllegalStateException if the session is closed
   */
  public synchronized void run() {
    if (closed) {
      throw new IllegalStateException("the session is closed");
    }
    Threads.use(threads);
    frame.run();
  }

  /** Gives the memory back to the engine. Does nothing the second time. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      frame.close();
      release.run();
    }
  }
}
