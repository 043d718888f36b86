package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Call;
import dev.octet.engine.dnnl.Memory;
import dev.octet.engine.dnnl.Stream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of one run at a time of a plan, with every step bound to it. A run allocates nothing.
 * Not thread-safe; close before the plan.
 */
public final class Frame implements AutoCloseable {
  private final Memory arena;
  private final Memory ports;
  private final Stream stream;
  private final List<Call> calls = new ArrayList<>();
  private final Runnable[] steps;
  private final ByteBuffer[] inputs;
  private final ByteBuffer[] outputs;

  Frame(Plan plan) {
    arena = new Memory(plan.arenaBytes());
    ports = Memory.shared(plan.portBytes);
    stream = new Stream();
    steps = new Runnable[plan.steps.size()];
    try {
      for (int i = 0; i < steps.length; i++) {
        steps[i] = bind(plan.steps.get(i));
      }
      inputs = plan.inputBuffers.stream().map(this::view).toArray(ByteBuffer[]::new);
      outputs = plan.outputBuffers.stream().map(this::result).toArray(ByteBuffer[]::new);
    } catch (RuntimeException failed) {
      close();
      throw failed;
    }
  }

  private Runnable bind(Step step) {
    if (step instanceof Step.PrimitiveStep primitive) {
      List<Call.Argument> arguments = new ArrayList<>();
      primitive
          .arguments()
          .forEach(
              (argument, stored) ->
                  arguments.add(
                      new Call.Argument(
                          argument, stored.layout(), memory(stored), stored.buffer().offset)));
      Call call = new Call(primitive.primitive(), stream, arguments);
      calls.add(call);
      return call;
    }
    Step.KernelStep kernel = (Step.KernelStep) step;
    return kernel
        .kernel()
        .bind(
            kernel.reads().stream().map(this::view).toList(),
            kernel.writes().stream().map(this::view).toList());
  }

  private Memory memory(Stored stored) {
    Memory constant = stored.buffer().constant;
    return constant != null ? constant : stored.buffer().port ? ports : arena;
  }

  /** A constant that is an output is copied: callers may hold it longer than the engine does. */
  private ByteBuffer result(Stored stored) {
    ByteBuffer view = view(stored);
    return stored.buffer().constant == null
        ? view
        : ByteBuffer.allocateDirect(view.remaining())
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(view)
            .flip();
  }

  private ByteBuffer view(Stored stored) {
    return memory(stored).buffer(stored.buffer().offset, stored.layout().sizeBytes());
  }

  /**
   * Where input number {@code index} is to be written, in row-major order, before a run. Stays
   * valid memory after {@link #close}.
   */
  public ByteBuffer input(int index) {
    return inputs[index];
  }

  /**
   * Where output number {@code index} lies after a run, in row-major order, until the next. Stays
   * valid memory after {@link #close}.
   */
  public ByteBuffer output(int index) {
    return outputs[index];
  }

  /** Runs every step on the calling thread. */
  public void run() {
    for (Runnable step : steps) {
      step.run();
    }
  }

  /** Runs every step and adds what each took to {@code nanoseconds}, one number a step. */
  public void run(long[] nanoseconds) {
    long before = System.nanoTime();
    for (int i = 0; i < steps.length; i++) {
      steps[i].run();
      long now = System.nanoTime();
      nanoseconds[i] += now - before;
      before = now;
    }
  }

  @Override
  public void close() {
    calls.forEach(Call::close);
    calls.clear();
    stream.close();
    arena.close();
    ports.close();
  }
}
