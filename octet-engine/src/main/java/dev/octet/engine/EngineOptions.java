package dev.octet.engine;

/**
 * How an engine runs.
 *
 * @param threads threads that one run may use, or 0 to leave the number to OpenMP
 * @param plans sets of input shapes that stay compiled at once, at least 1
 */
public record EngineOptions(int threads, int plans) {
  private static final int PLANS = 8;

  public EngineOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + "; it must be 0 or more");
    }
    if (plans < 1) {
      throw new IllegalArgumentException("plans is " + plans + "; it must be 1 or more");
    }
  }

  /** As many threads as OpenMP chooses, and {@value #PLANS} sets of shapes kept. */
  public static EngineOptions defaults() {
    return new EngineOptions(0, PLANS);
  }

  /** The same with another number of threads. */
  public EngineOptions withThreads(int count) {
    return new EngineOptions(count, plans);
  }

  /** The same keeping another number of compiled sets of shapes. */
  public EngineOptions withPlans(int count) {
    return new EngineOptions(threads, count);
  }
}
