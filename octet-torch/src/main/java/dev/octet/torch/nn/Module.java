package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A layer or a model: a computation with named parameters, buffers and children.
 *
 * <pre>{@code
 * final class Net extends Module {
 *   private final Child<Conv2d> conv = child("conv", Conv2d.builder(3, 16, 3).build());
 *   private final Child<Linear> head = child("head", Linear.builder(16, 10).build());
 *
 *   @Override
 *   protected Tensor forward(Tensor x) {
 *     return head.call(Ops.mean(Ops.relu(conv.call(x)), 2, 3));
 *   }
 * }
 * }</pre>
 *
 * <p>A module owns its parameters and buffers: {@link #close()} frees them, in the whole tree, as
 * soon as no thread computes with them. Building, replacing and loading belong to one thread at a
 * time; {@link #call} in eval mode may be used from several.
 *
 * <p>Names, and so {@link #stateDict}, are those of PyTorch.
 */
public abstract class Module implements AutoCloseable {
  /** Sees a module's inputs before it computes, and may put others in their place. */
  public interface BeforeForward {
    /** The inputs to use. */
    Tensor[] apply(Module module, Tensor[] inputs);
  }

  /** Sees a module's output, and may put another in its place. */
  public interface AfterForward {
    /** The output to use. */
    Tensor apply(Module module, Tensor[] inputs, Tensor output);
  }

  /** Takes a hook away again. */
  public interface Hook extends AutoCloseable {
    @Override
    void close();
  }

  private final Map<String, Child<?>> children = new LinkedHashMap<>();
  private final Map<String, Tensor> parameters = new LinkedHashMap<>();
  private final Map<String, Tensor> buffers = new LinkedHashMap<>();
  private final List<BeforeForward> before = new CopyOnWriteArrayList<>();
  private final List<AfterForward> after = new CopyOnWriteArrayList<>();
  // Read by those that compute, written by who frees what they compute with.
  private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
  private @Nullable Module beforeMovedTo;
  private @Nullable Module afterMovedTo;
  private volatile boolean training = true;
  private volatile boolean closed;

  /** For subclasses. */
  protected Module() {}

  // --- What a subclass says and uses -----------------------------------------------------------

  /**
   * Computes, for a module of one input.
   *
   * @param input what {@link #call} was given
   * @return a tensor made here, or the input itself
   */
  protected Tensor forward(Tensor input) {
    throw new UnsupportedOperationException(
        getClass().getSimpleName()
            + " has no forward; override forward(Tensor) or forward(Tensor[])");
  }

  /** Computes, for a module of several inputs; those of one input override the other. */
  protected Tensor forward(Tensor[] inputs) {
    if (inputs.length != 1) {
      throw new IllegalArgumentException("it takes 1 input, not " + inputs.length);
    }
    return forward(inputs[0]);
  }

  /**
   * Adds a child.
   *
   * @param name without dots; unique among children, parameters and buffers
   */
  protected final <M extends Module> Child<M> child(String name, M module) {
    checkName(name);
    Child<M> place = new Child<>(name, module);
    children.put(name, place);
    return place;
  }

  /**
   * Adds a parameter, which training changes; this module owns it from here on.
   *
   * @return the same tensor, with gradients
   */
  protected final Tensor parameter(String name, Tensor value) {
    checkName(name);
    Tensor owned = Scope.adopt(Tensors.check(value, "parameter " + name));
    unused(() -> parameters.put(name, owned));
    value.set_requires_grad(true);
    return value;
  }

  /**
   * Adds a parameter of another module: both own it, each may close, and it stays frozen if it is.
   *
   * @return the same tensor
   */
  protected final Tensor share(String name, Tensor value) {
    checkName(name);
    Tensor owned = Scope.keep(Tensors.check(value, "parameter " + name));
    unused(() -> parameters.put(name, owned));
    return value;
  }

  /** Adds a buffer of another module: both own it, and each may close. */
  protected final Tensor shareBuffer(String name, Tensor value) {
    checkName(name);
    Tensor owned = Scope.keep(Tensors.check(value, "buffer " + name));
    unused(() -> buffers.put(name, owned));
    return value;
  }

  /** Adds a tensor that belongs to the state but is not trained; this module owns it. */
  protected final Tensor buffer(String name, Tensor value) {
    checkName(name);
    Tensor owned = Scope.adopt(Tensors.check(value, "buffer " + name));
    unused(() -> buffers.put(name, owned));
    return value;
  }

  /**
   * Takes away a child, with its parameters and buffers.
   *
   * @return the module that stood there; its owner is the caller now
   * @throws IllegalArgumentException if there is none of that name
   */
  protected final Module removeChild(String name) {
    Child<?> place = children.remove(name);
    if (place == null) {
      throw new IllegalArgumentException(
          "no module '" + name + "' in " + this + "; there are " + children.keySet());
    }
    return place.module();
  }

  /** Takes away a buffer and frees it; nothing happens without one. */
  protected final void removeBuffer(String name) {
    unused(() -> closeIfThere(buffers.remove(name)));
  }

  /** Takes away a parameter and frees it; nothing happens without one. */
  protected final void removeParameter(String name) {
    unused(() -> closeIfThere(parameters.remove(name)));
  }

  /**
   * Runs part of the computation as this module: messages and traces name it, temporaries are freed
   * at the end. {@link #call} is this with hooks; modules with several outputs build their own
   * entry on it and give each output to the scope around: {@code scope.give(output)}.
   */
  protected final <T> T inside(@Nullable Tensor @Nullable [] inputs, Function<Scope, T> body) {
    if (inputs == null) {
      throw new IllegalArgumentException(this + " is given null in place of its inputs");
    }
    use.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException(getClass().getSimpleName() + " is closed");
      }
      return compute(inputs, body);
    } finally {
      use.readLock().unlock();
    }
  }

  private <T> T compute(@Nullable Tensor[] inputs, Function<Scope, T> body) {
    CallStack.enter(this);
    try (Scope scope = Scope.open()) {
      for (int i = 0; i < inputs.length; i++) {
        scope.hold(Tensors.check(inputs[i], "input " + i));
      }
      return body.apply(scope);
    } catch (ModuleException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new ModuleException(
          CallStack.place() + " cannot compute on " + describe(inputs) + ": " + reason(e), e);
    } finally {
      CallStack.leave();
    }
  }

  private static void closeIfThere(@Nullable Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  /** Changes what this module owns, as soon as no other thread computes as it. */
  private void unused(Runnable change) {
    if (use.getReadHoldCount() > 0) {
      // A call that changes its own module: it knows what it still needs.
      change.run();
      return;
    }
    use.writeLock().lock();
    try {
      change.run();
    } finally {
      use.writeLock().unlock();
    }
  }

  // --- Use -------------------------------------------------------------------------------------

  /**
   * Computes the output of this module, hooks included.
   *
   * @return owned by the scope around the call; without one, by the caller
   * @throws ModuleException naming the module if an input is closed or of a wrong shape or type
   */
  public final Tensor call(Tensor... inputs) {
    return inside(
        inputs,
        scope -> {
          Tensor[] used = inputs;
          for (BeforeForward hook : before) {
            used = hook.apply(this, used);
          }
          Tensor output = forward(used);
          for (AfterForward hook : after) {
            output = hook.apply(this, used, output);
          }
          return isOneOf(output, inputs) ? output : scope.give(output);
        });
  }

  /** The direct children by name, in the order in which they were added. */
  public final Map<String, Module> children() {
    Map<String, Module> byName = new LinkedHashMap<>();
    children.forEach((name, place) -> byName.put(name, place.module()));
    return byName;
  }

  /**
   * This module (as "") and all below it by path, parents first; one that occurs in several places
   * is listed at its first.
   */
  public final Map<String, Module> modules() {
    Map<String, Module> found = new LinkedHashMap<>();
    collect("", found, Collections.newSetFromMap(new IdentityHashMap<>()));
    return found;
  }

  /**
   * The module at a path.
   *
   * @param path names joined by dots; "" is this module
   * @throws IllegalArgumentException if there is none, naming what is there
   */
  public final Module get(String path) {
    Module at = this;
    for (String name : steps(path)) {
      Child<?> place = at.children.get(name);
      if (place == null) {
        throw new IllegalArgumentException(
            "no module '"
                + name
                + "' on the path '"
                + path
                + "'; there are "
                + at.children.keySet());
      }
      at = place.module();
    }
    return at;
  }

  /**
   * Puts another module in the place of one.
   *
   * @param path of a module below this one
   * @return the module that stood there; its owner is the caller now
   */
  public final Module replace(String path, Module replacement) {
    int dot = path.lastIndexOf('.');
    Module parent = get(dot < 0 ? "" : path.substring(0, dot));
    String name = path.substring(dot + 1);
    Child<?> place = parent.children.get(name);
    if (place == null) {
      throw new IllegalArgumentException(
          "no module at '" + path + "' to replace; there are " + parent.children.keySet());
    }
    Module old = place.module();
    place.put(replacement);
    return old;
  }

  /**
   * Adds a child from outside, such as what observes this module: it is part of the tree and of the
   * state, and who adds it calls it, by hooks.
   *
   * @param name without dots; unique among children, parameters and buffers
   */
  public final void attach(String name, Module module) {
    child(name, module);
  }

  /**
   * Takes away what was {@linkplain #attach attached}.
   *
   * @return the module; its owner is the caller now
   */
  public final Module detach(String name) {
    Child<?> place = children.remove(name);
    if (place == null) {
      throw new IllegalArgumentException(
          "no module '" + name + "' to take away; there are " + children.keySet());
    }
    return place.module();
  }

  /** All parameters of the tree by path; one that is shared is listed at its first place. */
  public final Map<String, Tensor> parameters() {
    return tensors(module -> module.parameters);
  }

  /** All buffers of the tree by path. */
  public final Map<String, Tensor> buffers() {
    return tensors(module -> module.buffers);
  }

  /** This module's own parameters by name. */
  public final Map<String, Tensor> ownParameters() {
    return Collections.unmodifiableMap(parameters);
  }

  /** This module's own buffers by name. */
  public final Map<String, Tensor> ownBuffers() {
    return Collections.unmodifiableMap(buffers);
  }

  /**
   * Parameters and buffers by path, as PyTorch's {@code state_dict()} orders and names them: the
   * live tensors, not copies.
   */
  public final Map<String, Tensor> stateDict() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    collectState("", state);
    return state;
  }

  /** What {@link #loadStateDict} did not use or find; both empty when all matched. */
  public record Mismatch(List<String> missing, List<String> unexpected) {}

  /**
   * Copies values into the parameters and buffers of this tree, or changes nothing.
   *
   * @param state by path; a value must have the shape of what it fills, its type is converted
   * @param strict whether a name that is missing or left over is an error
   * @throws IllegalArgumentException naming every shape that differs and, if strict, every name
   */
  public final Mismatch loadStateDict(Map<String, Tensor> state, boolean strict) {
    modules().forEach((path, module) -> module.beforeLoad(path, state));
    Map<String, Tensor> own = stateDict();
    List<String> missing = own.keySet().stream().filter(name -> !state.containsKey(name)).toList();
    List<String> unexpected =
        state.keySet().stream().filter(name -> !own.containsKey(name)).toList();
    List<String> wrong = new ArrayList<>();
    own.forEach(
        (name, to) -> {
          Tensor from = state.get(name);
          if (from != null
              && !Arrays.equals(
                  Tensors.shape(Tensors.check(from, name)),
                  Tensors.shape(Tensors.check(to, name)))) {
            wrong.add(name + " is " + Tensors.describe(from) + ", not " + Tensors.describe(to));
          }
        });
    if (strict && !missing.isEmpty()) {
      wrong.add("missing " + missing);
    }
    if (strict && !unexpected.isEmpty()) {
      wrong.add("unexpected " + unexpected);
    }
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(
          "the state does not fit " + this + ": " + String.join("; ", wrong));
    }
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      own.forEach(
          (name, to) -> {
            Tensor from = state.get(name);
            if (from != null) {
              to.copy_(from);
            }
          });
    }
    return new Mismatch(missing, unexpected);
  }

  /**
   * Called before a state is copied in, so that a module can make room for buffers that it has not
   * got yet.
   *
   * @param path of this module in the tree that is loaded
   */
  protected void beforeLoad(String path, Map<String, Tensor> state) {}

  /** What this module knows beside tensors and a state must bring back; null for nothing. */
  protected @Nullable ExtraState extraState() {
    return null;
  }

  /** The extra states of the tree by path, of those modules that have one. */
  public final Map<String, String> extraStates() {
    Map<String, String> states = new LinkedHashMap<>();
    modules()
        .forEach(
            (path, module) -> {
              ExtraState state = module.extraState();
              if (state != null) {
                states.put(path, state.text());
              }
            });
    return states;
  }

  /**
   * Takes over extra states; comes before {@link #loadStateDict}, since it can decide which tensors
   * there are.
   *
   * @throws IllegalArgumentException if a path or a text does not fit
   */
  public final void loadExtraStates(Map<String, String> states) {
    states.forEach(
        (path, text) -> {
          Module module = get(path);
          ExtraState state = module.extraState();
          if (state == null) {
            throw new IllegalArgumentException(module + " keeps no state beside its tensors");
          }
          state.load(text);
        });
  }

  /** Switches the whole tree to training (dropout, batch statistics) or to eval. */
  public final void train(boolean on) {
    for (Module module : modules().values()) {
      module.training = on;
      module.onTrain(on);
    }
  }

  /** The same as {@code train(false)}. */
  public final void eval() {
    train(false);
  }

  /** For copy constructors: takes over whether another module of the same kind trains. */
  protected final void sameModeAs(Module from) {
    training = from.training;
  }

  /** Called when training is switched on or off. */
  protected void onTrain(boolean on) {}

  /** Whether this module trains; at first it does. */
  public final boolean isTraining() {
    return training;
  }

  /** Switches gradients of all parameters in the tree on or off. */
  public final void requireGrad(boolean on) {
    parameters().forEach((name, each) -> Tensors.check(each, name).set_requires_grad(on));
  }

  /** Frees the gradients of all parameters in the tree. */
  public final void zeroGrad() {
    try (Scope scope = Scope.open()) {
      parameters().forEach((name, each) -> Tensors.check(each, name).mutable_grad().reset());
    }
  }

  /** Calls a hook before each forward of this module. */
  public final Hook beforeForward(BeforeForward hook) {
    before.add(hook);
    return () -> {
      for (Module at = this; at != null; at = at.beforeMovedTo) {
        at.before.remove(hook);
      }
    };
  }

  /**
   * Calls a hook after each forward of this module. Tensors that it keeps for later it must {@link
   * Scope#keep}.
   */
  public final Hook afterForward(AfterForward hook) {
    after.add(hook);
    return () -> {
      for (Module at = this; at != null; at = at.afterMovedTo) {
        at.after.remove(hook);
      }
    };
  }

  /**
   * Takes over hooks, as a module does that stands for a sequence of others: those before the first
   * and those after the last, which then have none.
   */
  public final void takeHooks(Module first, Module last) {
    if (first != this) {
      before.addAll(first.before);
      first.before.clear();
      first.beforeMovedTo = this;
    }
    if (last != this) {
      after.addAll(last.after);
      last.after.clear();
      last.afterMovedTo = this;
    }
  }

  /**
   * Frees parameters and buffers of the whole tree, once the calls of other threads have ended; a
   * second call does nothing.
   *
   * @throws IllegalStateException if a call of this thread is inside the tree
   */
  @Override
  public final void close() {
    Collection<Module> tree = modules().values();
    for (Module module : tree) {
      if (module.use.getReadHoldCount() > 0) {
        throw new IllegalStateException(
            module + " is computing on this thread; close it when its call has ended");
      }
    }
    for (Module module : tree) {
      module.unused(module::free);
    }
  }

  private void free() {
    if (!closed) {
      closed = true;
      parameters.values().forEach(Tensor::close);
      buffers.values().forEach(Tensor::close);
      release();
    }
  }

  /** Called once when this module is closed, to free what is neither parameter nor buffer. */
  protected void release() {}

  /** The text inside the parentheses of {@link #toString}, e.g. {@code 3, 64, kernel_size=3}. */
  protected String settings() {
    return "";
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "(" + (closed ? "closed" : settings()) + ")";
  }

  /** The tree as text, one module a line, in PyTorch's form. */
  public final String tree() {
    StringBuilder text = new StringBuilder();
    print(text, "");
    return text.toString();
  }

  private void print(StringBuilder text, String indent) {
    if (children.isEmpty()) {
      text.append(this);
      return;
    }
    text.append(getClass().getSimpleName()).append('(').append(settings()).append('\n');
    children.forEach(
        (name, place) -> {
          text.append(indent).append("  (").append(name).append("): ");
          place.module().print(text, indent + "  ");
          text.append('\n');
        });
    text.append(indent).append(')');
  }

  private void collect(String path, Map<String, Module> found, Set<Module> seen) {
    if (!seen.add(this)) {
      return;
    }
    found.put(path, this);
    children.forEach((name, place) -> place.module().collect(join(path, name), found, seen));
  }

  private void collectState(String path, Map<String, Tensor> state) {
    parameters.forEach((name, tensor) -> state.put(join(path, name), tensor));
    buffers.forEach((name, tensor) -> state.put(join(path, name), tensor));
    children.forEach((name, place) -> place.module().collectState(join(path, name), state));
  }

  private Map<String, Tensor> tensors(Function<Module, Map<String, Tensor>> own) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    modules()
        .forEach(
            (path, module) ->
                own.apply(module)
                    .forEach(
                        (name, tensor) -> {
                          if (seen.add(tensor)) {
                            found.put(join(path, name), tensor);
                          }
                        }));
    return found;
  }

  private void checkName(String name) {
    if (name.isEmpty() || name.indexOf('.') >= 0) {
      throw new IllegalArgumentException("'" + name + "' is no name: it is empty or has a dot");
    }
    if (children.containsKey(name) || parameters.containsKey(name) || buffers.containsKey(name)) {
      throw new IllegalArgumentException("'" + name + "' is taken in " + this);
    }
  }

  private static String[] steps(String path) {
    return path.isEmpty() ? new String[0] : path.split("\\.", -1);
  }

  private static String join(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  @SuppressWarnings("ReferenceEquality") // The handle itself decides who frees it.
  private static boolean isOneOf(Tensor output, Tensor[] inputs) {
    for (Tensor input : inputs) {
      if (output == input) {
        return true;
      }
    }
    return false;
  }

  private static String describe(@Nullable Tensor[] inputs) {
    List<String> texts = new ArrayList<>();
    for (@Nullable Tensor input : inputs) {
      texts.add(Tensors.describe(input));
    }
    return String.join(", ", texts);
  }

  /** The first line: LibTorch puts its own stack trace below. */
  private static String reason(RuntimeException e) {
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return message.lines().findFirst().orElse(message);
  }
}
