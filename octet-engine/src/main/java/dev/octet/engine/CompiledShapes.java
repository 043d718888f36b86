package dev.octet.engine;

import dev.octet.engine.plan.Frame;
import dev.octet.engine.plan.Plan;
import java.util.ArrayDeque;
import java.util.Deque;

/** A plan with the frames that are not in use. Thread-safe. */
final class CompiledShapes {
  private final Plan plan;
  private final Deque<Frame> idle = new ArrayDeque<>();
  private final Shared use;

  CompiledShapes(Plan plan) {
    this.plan = plan;
    this.use = new Shared("the plan is closed", this::free);
  }

  Plan plan() {
    return plan;
  }

  Shared use() {
    return use;
  }

  /** A frame for the caller alone, until {@link #giveBack}. */
  Frame take() {
    synchronized (idle) {
      Frame frame = idle.pollFirst();
      if (frame != null) {
        return frame;
      }
    }
    return plan.frame();
  }

  void giveBack(Frame frame) {
    synchronized (idle) {
      idle.addFirst(frame);
    }
  }

  private void free() {
    synchronized (idle) {
      idle.forEach(Frame::close);
      idle.clear();
    }
    plan.close();
  }
}
