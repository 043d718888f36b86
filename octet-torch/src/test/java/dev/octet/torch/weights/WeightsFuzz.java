package dev.octet.torch.weights;

import com.code_intelligence.jazzer.junit.FuzzTest;

/**
 * Throws bytes at the readers of weights. In an ordinary build it replays the seeds beside it; how
 * to let it search is written in {@code docs/fuzzing.md}.
 */
class WeightsFuzz {
  /** Any bytes are a checkpoint or refused with our exception. */
  @FuzzTest(maxDuration = "10m")
  void readsOrRefusesAnyCheckpoint(byte[] content) {
    ReadOrRefuse.checkpoint(content);
  }

  /** Any bytes are a safetensors file, which can be written again, or refused. */
  @FuzzTest(maxDuration = "10m")
  void readsOrRefusesAnySafetensors(byte[] content) {
    ReadOrRefuse.safetensors(content);
  }
}
