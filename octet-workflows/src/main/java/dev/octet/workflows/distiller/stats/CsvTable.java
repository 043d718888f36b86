package dev.octet.workflows.distiller.stats;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Figures that a spreadsheet can read. */
public interface CsvTable {
  /** The figures as comma-separated values under a line of names. */
  String toCsv();

  /** Writes {@link #toCsv} to a file. */
  default void write(Path file) {
    try {
      Files.writeString(file, toCsv());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
