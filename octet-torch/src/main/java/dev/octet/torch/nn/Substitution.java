package dev.octet.torch.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Lets a scope put other modules in the place of those that builders build on this thread: layers
 * built while quantization is on become quantized layers.
 *
 * <p>Every builder ends with {@code return Substitution.of(new Conv2d(this))}.
 */
public final class Substitution implements AutoCloseable {
  private static final ThreadLocal<List<Substitution>> OPEN =
      ThreadLocal.withInitial(ArrayList::new);

  private final UnaryOperator<Module> substitute;
  private final List<Substitution> opened = OPEN.get();

  private Substitution(UnaryOperator<Module> substitute) {
    this.substitute = substitute;
  }

  /**
   * From here until closed, layers built on this thread pass through {@code substitute}; of nested
   * substitutions the innermost alone is used.
   *
   * @param substitute gives back what it is given, or another module of a subclass that takes over
   *     its parameters
   */
  public static Substitution open(UnaryOperator<Module> substitute) {
    Substitution opened = new Substitution(substitute);
    OPEN.get().add(opened);
    return opened;
  }

  /** For builders: the layer, or what takes its place. */
  @SuppressWarnings("unchecked") // The class is checked.
  public static <M extends Module> M of(M built) {
    List<Substitution> open = OPEN.get();
    if (open.isEmpty()) {
      return built;
    }
    Module result = open.get(open.size() - 1).substitute.apply(built);
    if (!built.getClass().isInstance(result)) {
      throw new IllegalStateException(
          result + " cannot take the place of " + built + ": it is no subclass of its class");
    }
    return (M) result;
  }

  /** Ends this substitution; the one around it is used again. A second call does nothing. */
  @Override
  public void close() {
    opened.remove(this);
    if (opened.isEmpty() && OPEN.get().isEmpty()) {
      OPEN.remove();
    }
  }
}
