package dev.octet.engine.dnnl;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * How many OpenMP threads oneDNN uses for what the calling thread asks of it.
 *
 * <p>OpenMP keeps that number for each calling thread; the preset has no function that sets it.
 * JavaCPP can call a native function of one address-sized argument, to free memory, and {@code
 * omp_set_num_threads} is called through that. Where this is not possible, {@link #isSupported} is
 * false and the number is that of the environment variable {@code OMP_NUM_THREADS}.
 *
 * <p>The number stays with the calling thread and holds for every library on it that shares the
 * OpenMP runtime.
 */
public final class Threads {
  private static final @Nullable MethodHandle SETTER = setter();

  private Threads() {}

  /** Whether {@link #use} has an effect. */
  public static boolean isSupported() {
    return SETTER != null;
  }

  /**
   * Lets the calling thread's primitives run on {@code count} threads, from compilation on: a
   * primitive must not run on more threads than it was compiled for.
   */
  public static void use(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("threads is " + count + "; it must be 1 or more");
    }
    MethodHandle setter = SETTER;
    if (setter != null) {
      try {
        setter.invokeExact((long) count);
      } catch (Throwable failed) {
        throw new DnnlException("cannot set the number of threads", failed);
      }
    }
  }

  private static @Nullable MethodHandle setter() {
    try {
      Native.cpu();
      Pointer function = Loader.addressof("omp_set_num_threads");
      if (function == null || function.isNull()) {
        return null;
      }
      Class<?> caller = Class.forName("org.bytedeco.javacpp.Pointer$NativeDeallocator");
      Constructor<?> constructor =
          caller.getDeclaredConstructor(Pointer.class, long.class, long.class);
      constructor.setAccessible(true);
      Method call = caller.getDeclaredMethod("deallocate", long.class, long.class);
      call.setAccessible(true);
      long address = function.address();
      Object instance = constructor.newInstance(new Pointer(), 0L, address);
      return MethodHandles.insertArguments(
              MethodHandles.lookup().unreflect(call).bindTo(instance), 1, address)
          .asType(MethodType.methodType(void.class, long.class));
    } catch (ReflectiveOperationException | RuntimeException unavailable) {
      return null;
    }
  }
}
