package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Memory;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of memory that steps read and write: part of the arena of each frame, or a constant
 * that all share. Where in the arena it lies is decided when all steps are known.
 */
public final class Buffer {
  final long bytes;
  final @Nullable Memory constant;

  /** The caller fills or reads it: it has a place of its own. */
  boolean port;

  int firstStep = Integer.MAX_VALUE;
  int lastStep = -1;
  long offset;

  Buffer(long bytes, boolean port) {
    this.bytes = bytes;
    this.constant = null;
    this.port = port;
  }

  Buffer(Memory constant) {
    this.bytes = constant.sizeBytes();
    this.constant = constant;
  }

  void touch(int step) {
    firstStep = Math.min(firstStep, step);
    lastStep = Math.max(lastStep, step);
  }
}
