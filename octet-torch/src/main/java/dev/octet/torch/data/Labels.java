package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import java.util.OptionalInt;

/** What training asks of labels. */
final class Labels {

  private Labels() {}

  static int require(OptionalInt label, String origin) {
    return label.orElseThrow(
        () ->
            new DataException(
                "sample '"
                    + origin
                    + "' has no label, and training needs one for each: put images in one"
                    + " sub-folder for each class or list them in labels.csv, and arrays beside an"
                    + " integer array 'labels'"));
  }

  static void check(int label, String origin) {
    if (label < 0) {
      throw new DataException(
          "sample '" + origin + "' has label " + label + "; classes start at 0");
    }
  }
}
