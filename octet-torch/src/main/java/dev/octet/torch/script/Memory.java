package dev.octet.torch.script;

import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Follows operators that write into memory that several tensors look at, such as {@code x[:, 0] =
 * y}: a graph has no memory, so every tensor that shares it gets a new value. LibTorch's own
 * offsets and strides say which elements are shared.
 */
final class Memory {
  private final Emitter emitter;
  private final List<TracedTensor> tensors = new ArrayList<>();

  Memory(Emitter emitter) {
    this.emitter = emitter;
  }

  void add(TracedTensor tensor) {
    tensors.add(tensor);
  }

  /** Must be called before LibTorch writes into {@code target}. */
  void beforeWrite(TracedTensor target, boolean symbolic) {
    for (TracedTensor other : sharing(target)) {
      if (other.isOwned()) {
        throw new Call.Refusal(
            "writes into the module's own '" + other.origin() + "', which a model cannot");
      }
      if (symbolic && other.isConstant() && (other == target || other.coversMemory())) {
        emitter.value(other); // while its content is still there
      }
    }
    if (target.isOwned()) {
      throw new Call.Refusal(
          "writes into the module's own '" + target.origin() + "', which a model cannot");
    }
    if (symbolic && target.isConstant()) {
      emitter.value(target);
    }
  }

  /** LibTorch wrote a constant into {@code target}, itself a constant. */
  void afterConstantWrite(TracedTensor target) {
    target.setInitializer(null);
    sharing(target).forEach(other -> other.setInitializer(null));
  }

  /**
   * Gives {@code target} the new value that {@code rule} binds, and every tensor that shares its
   * memory one that follows from it.
   */
  void write(TracedTensor target, Runnable rule) {
    List<TracedTensor> sharing = sharing(target);
    Value before = emitter.value(target);
    @Nullable TracedTensor base =
        target.coversMemory()
            ? target
            : sharing.stream().filter(TracedTensor::coversMemory).findFirst().orElse(null);
    @Nullable Value baseBefore =
        base == null ? null : base == target ? before : emitter.value(base);
    rule.run();
    Value after = emitter.value(target);
    String path = emitter.path();
    Supplier<Value> memory =
        once(
            () -> {
              emitter.enter(path);
              if (base == null || baseBefore == null) {
                throw new Call.Refusal("reads memory that was written to in part before");
              }
              Value content = emitter.node("Reshape", after, emitter.longs(-1));
              if (base == target) {
                return content;
              }
              return emitter.node(
                  NodeSpec.of("ScatterElements")
                      .reads(
                          emitter.node("Reshape", baseBefore, emitter.longs(-1)),
                          emitter.longs(target.addresses()),
                          content));
            });
    for (TracedTensor other : sharing) {
      if (Arrays.equals(other.sizes(), target.sizes())
          && Arrays.equals(other.addresses(), target.addresses())) {
        other.bind(after);
      } else {
        other.bind(
            () -> {
              Value all = memory.get();
              Value read =
                  other.coversMemory()
                      ? all
                      : emitter.node("Gather", all, emitter.longs(other.addresses()));
              return emitter.node("Reshape", read, emitter.longs(other.sizes()));
            });
      }
    }
  }

  private List<TracedTensor> sharing(TracedTensor target) {
    return tensors.stream().filter(t -> t != target && t.sharesMemory(target)).toList();
  }

  private static Supplier<Value> once(Supplier<Value> made) {
    return new Supplier<>() {
      private @Nullable Value value;

      @Override
      public Value get() {
        Value known = value;
        if (known == null) {
          known = made.get();
          value = known;
        }
        return known;
      }
    };
  }
}
