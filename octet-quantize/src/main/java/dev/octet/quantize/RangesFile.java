package dev.octet.quantize;

import dev.octet.graph.onnx.AtomicFile;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.data.DataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a calibration learned, in a file: its collectors' whole state, so that nothing is lost. */
final class RangesFile {
  private RangesFile() {}

  static void write(Path file, Calibration.Result result) {
    try {
      AtomicFile.write(file, result::writeTo);
    } catch (IOException e) {
      throw new DataException("ranges cannot be written to '" + file + "': " + e.getMessage(), e);
    }
  }

  /** What was learned, which must be all that {@code wanted} would learn, in the same way. */
  static Calibration.Result read(Path file, Calibration wanted) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      Calibration.Result result = Calibration.Result.read(in);
      wanted.checkCoveredBy(result);
      return result;
    } catch (DataException e) {
      throw new DataException("ranges in '" + file + "' do not fit: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new DataException("ranges cannot be read from '" + file + "': " + e.getMessage(), e);
    }
  }
}
