package dev.octet.torch;

import java.util.Iterator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * Owns the native memory of what is made inside it, on this thread: closing it frees every tensor
 * made since it was opened, but for those given away.
 *
 * <pre>{@code
 * try (Scope scope = Scope.open()) {
 *   Tensor loss = criterion(net.call(images), labels);
 *   loss.backward();
 * }
 * }</pre>
 *
 * <p>Scopes nest and must be closed in reverse order by the thread that opened them, which
 * try-with-resources does. Freeing a handle does not pull memory from under LibTorch: what its
 * gradient graph still needs lives on until the graph is gone.
 */
public final class Scope implements AutoCloseable {
  private final PointerScope pointers = new PointerScope();
  private final Thread thread = Thread.currentThread();

  private Scope() {}

  /** A new innermost scope for this thread. */
  public static Scope open() {
    return new Scope();
  }

  /**
   * Lets something made in this scope live on in the one around it; without one around it, the
   * receiver closes it.
   *
   * @return {@code made}
   * @throws IllegalStateException if this scope is closed or belongs to another thread
   */
  public <P extends Pointer> P give(P made) {
    // A pointer counts its references: this scope's goes when it closes, the outer's stays.
    PointerScope outer = around();
    if (outer == null) {
      made.retainReference();
    } else {
      outer.attach(made);
    }
    return made;
  }

  /**
   * Lets something outlive every scope of this thread. Whoever calls this closes it.
   *
   * @return {@code made}
   */
  public static <P extends Pointer> P keep(P made) {
    made.retainReference();
    return made;
  }

  /**
   * The same for an owner that takes over what it is handed: where no scope is open, the reference
   * that the caller was given becomes the owner's.
   *
   * @return {@code made}
   */
  public static <P extends Pointer> P adopt(P made) {
    boolean handedOver = PointerScope.getInnerScope() == null && made.referenceCount() > 0;
    return handedOver ? made : keep(made);
  }

  /**
   * Lets something of the caller's live at least as long as this scope, whoever closes it
   * meanwhile.
   *
   * @return {@code held}
   */
  public <P extends Pointer> P hold(P held) {
    if (held.referenceCount() == 0) {
      // Made outside any scope, nobody counted its owner: this scope's would be the last reference.
      held.retainReference();
    }
    pointers.attach(held);
    return held;
  }

  /**
   * Frees what was made inside and not given away.
   *
   * @throws IllegalStateException if another thread opened this scope: it may be computing
   */
  @Override
  public void close() {
    if (Thread.currentThread() != thread) {
      throw new IllegalStateException(
          "the scope was opened by thread '"
              + thread.getName()
              + "', which has to close it, not by '"
              + Thread.currentThread().getName()
              + "'");
    }
    pointers.close();
  }

  private @Nullable PointerScope around() {
    Iterator<PointerScope> scopes = PointerScope.getScopeIterator();
    while (scopes != null && scopes.hasNext()) {
      if (scopes.next() == pointers) {
        return scopes.hasNext() ? scopes.next() : null;
      }
    }
    throw new IllegalStateException(
        "the scope is closed, or was opened by another thread; give from inside the scope");
  }
}
