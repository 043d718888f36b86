package dev.octet.quantize.data;

import java.util.Iterator;

/**
 * One pass over samples. It holds a file open until it is exhausted or closed; whoever stops early
 * closes it. Not safe for use by several threads.
 */
public interface SampleIterator extends Iterator<Sample>, AutoCloseable {

  /** Releases the files held; harmless when repeated, or after the last sample. */
  @Override
  void close();
}
