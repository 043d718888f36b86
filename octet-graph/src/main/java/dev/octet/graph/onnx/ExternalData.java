package dev.octet.graph.onnx;

import dev.octet.graph.ModelException;
import java.nio.ByteBuffer;

/** Where tensors come from that a model keeps outside its own file. */
@FunctionalInterface
interface ExternalData {
  /** For models that come without a folder. */
  ExternalData NONE =
      (location, offset, length, where) -> {
        throw new ModelException(
            where
                + " lies in file '"
                + Texts.shown(location)
                + "' beside the model, but the model was not read from a folder; "
                + "read it by its path");
      };

  /**
   * Reads {@code length} bytes from {@code offset} of the file called {@code location}.
   *
   * @throws ModelException if the file may not or cannot be read, or is shorter
   */
  ByteBuffer read(String location, long offset, int length, String where);
}
