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

  /** The caller fills or reads it: it keeps its place through the whole run. */
  final boolean pinned;

  int firstStep = Integer.MAX_VALUE;
  int lastStep = -1;
  long offset;

  Buffer(long bytes, boolean pinned) {
    this.bytes = bytes;
    this.constant = null;
    this.pinned = pinned;
  }

  Buffer(Memory constant) {
    this.bytes = constant.sizeBytes();
    this.constant = constant;
    this.pinned = true;
  }

  void touch(int step) {
    firstStep = Math.min(firstStep, step);
    lastStep = Math.max(lastStep, step);
  }
}
