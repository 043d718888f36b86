package dev.octet.graph.onnx;

import com.code_intelligence.jazzer.junit.FuzzTest;

/**
 * Throws bytes at the reader. In an ordinary build it replays the seeds beside it; how to let it
 * search is written in {@code docs/fuzzing.md}.
 */
class OnnxReaderFuzz {

  /** Any bytes are read or refused with our exception, and what was read can be written again. */
  @FuzzTest(maxDuration = "10m")
  void readsOrRefusesAnyBytes(byte[] content) {
    ReaderChecks.readOrRefuse(content);
  }

  /**
   * External data called anything, at any offset, is read from below the folder or refused. The
   * input is {@code location \n offset \n length}.
   */
  @FuzzTest(maxDuration = "10m")
  void readsExternalDataOnlyFromTheModelsFolder(byte[] entries) {
    ReaderChecks.readExternalOrRefuse(entries);
  }
}
