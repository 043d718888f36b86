package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Makes a text model's inputs from token ids: the ids themselves, a mask, and type ids of zero.
 *
 * <p>The inputs are told apart by their names: a mask has "mask" in it, type ids have "type" or
 * "segment", positions have "position", and one that is left takes the ids. Where the model fixes
 * the length, ids and mask are padded with 0 on the right.
 */
final class TokenInputs {

  private final ModelInput ids;
  private final List<ModelInput> others;

  private TokenInputs(ModelInput ids, List<ModelInput> others) {
    this.ids = ids;
    this.others = others;
  }

  static TokenInputs of(List<ModelInput> inputs) {
    List<ModelInput> ids = new ArrayList<>();
    List<ModelInput> others = new ArrayList<>();
    for (ModelInput input : inputs) {
      (role(input) == Role.IDS ? ids : others).add(input);
    }
    if (ids.size() != 1 || ids.get(0).rank() != 2) {
      throw new DataException(
          "token ids need one model input of shape [n, length] that is no mask and no type ids,"
              + " the model has "
              + inputs.stream().map(input -> input.name() + " " + input.shapeText()).toList()
              + "; give arrays named after the inputs instead");
    }
    return new TokenInputs(ids.get(0), others);
  }

  Map<String, HostTensor> make(HostTensor tokens, String origin) {
    long[] values = tokens.longs();
    int length = values.length;
    if (ids.isFixed(1)) {
      int fixed = Math.toIntExact(ids.dims().get(1));
      if (values.length > fixed) {
        throw new DataException(
            "sample '"
                + origin
                + "' has "
                + values.length
                + " tokens, model input '"
                + ids.name()
                + "' takes "
                + fixed
                + "; cut longer texts when making the tokens");
      }
      length = fixed;
    }
    Map<String, HostTensor> made = new LinkedHashMap<>();
    made.put(ids.name(), row(Arrays.copyOf(values, length)));
    for (ModelInput input : others) {
      long[] row = new long[length];
      switch (role(input)) {
        case MASK -> Arrays.fill(row, 0, values.length, 1);
        case POSITIONS -> Arrays.setAll(row, i -> i);
        case TYPES, IDS -> Arrays.fill(row, 0);
      }
      made.put(input.name(), row(row));
    }
    return made;
  }

  private static HostTensor row(long[] values) {
    return HostTensor.ofLongs(new int[] {1, values.length}, values);
  }

  private enum Role {
    IDS,
    MASK,
    TYPES,
    POSITIONS
  }

  private static Role role(ModelInput input) {
    String name = input.name().toLowerCase(Locale.ROOT);
    if (name.contains("mask")) {
      return Role.MASK;
    }
    if (name.contains("type") || name.contains("segment")) {
      return Role.TYPES;
    }
    return name.contains("position") ? Role.POSITIONS : Role.IDS;
  }
}
