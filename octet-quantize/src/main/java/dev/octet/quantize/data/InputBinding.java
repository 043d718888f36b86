package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Turns samples into the tensors that one model wants: under its names, with its element types, and
 * checked against its shapes.
 *
 * <p>Shapes may differ in axes of size 1, and by flattening to one axis, as long as the row-major
 * order of the elements stays: {@code [1, 257]} binds to {@code [1, 1, 257]}. State inputs (see
 * {@link Feedback}) are not bound here but by {@link Feeder}.
 */
public final class InputBinding {

  private final List<ModelInput> inputs;
  private final List<ModelInput> dataInputs;
  private final Feedback feedback;

  private InputBinding(List<ModelInput> inputs, Feedback feedback) {
    this.inputs = List.copyOf(inputs);
    this.feedback = feedback;
    this.dataInputs = inputs.stream().filter(input -> !feedback.feeds(input.name())).toList();
    if (dataInputs.isEmpty()) {
      throw new DataException("the model has no input to give samples to");
    }
  }

  /** A binding to a model without state. */
  public static InputBinding of(List<ModelInput> inputs) {
    return new InputBinding(inputs, Feedback.none());
  }

  /** A binding to a model whose state inputs are fed from its outputs. */
  public static InputBinding of(List<ModelInput> inputs, Feedback feedback) {
    return new InputBinding(inputs, feedback);
  }

  /** The model's inputs, state included. */
  public List<ModelInput> inputs() {
    return inputs;
  }

  /** The model's state. */
  public Feedback feedback() {
    return feedback;
  }

  /** The batch size that the model insists on; empty if it takes any. */
  public OptionalInt fixedBatch() {
    // One axis of fixed size is data without a batch axis: samples go one by one.
    return dataInputs.stream()
        .filter(input -> input.rank() == 0 || input.isFixed(0))
        .mapToInt(input -> input.rank() < 2 ? 1 : Math.toIntExact(input.dims().get(0)))
        .max();
  }

  /**
   * The tensors of one sample by input name, in the model's order of inputs. The batch axis of each
   * has size 1, also where the model insists on more: see {@link Batches}.
   *
   * @throws DataException if the sample lacks an input, has one too many, or has a shape or type
   *     that the model does not take
   */
  public Map<String, HostTensor> bind(Sample sample) {
    Map<String, HostTensor> given = named(sample);
    Map<String, HostTensor> bound = new LinkedHashMap<>();
    List<String> missing = new ArrayList<>();
    for (ModelInput input : dataInputs) {
      HostTensor tensor = given.get(input.name());
      if (tensor == null) {
        missing.add("'" + input.name() + "'");
      } else {
        bound.put(input.name(), fit(input, tensor, sample.origin()));
      }
    }
    if (!missing.isEmpty()) {
      throw new DataException(
          "sample '"
              + sample.origin()
              + "' has nothing for model input "
              + String.join(", ", missing)
              + "; give a folder of .npy files or an .npz with an array named after each input");
    }
    Set<String> unknown = new HashSet<>(given.keySet());
    inputs.forEach(input -> unknown.remove(input.name()));
    if (!unknown.isEmpty()) {
      throw new DataException(
          "sample '"
              + sample.origin()
              + "' has an array '"
              + unknown.iterator().next()
              + "', which is no input of the model; its inputs are "
              + inputs.stream().map(ModelInput::name).toList());
    }
    return bound;
  }

  /** Changes shape and type of a tensor to those of an input, or says why it cannot. */
  static HostTensor fit(ModelInput input, HostTensor tensor, String origin) {
    int[] shape =
        ShapeFit.fit(input, tensor)
            .orElseThrow(
                () ->
                    new DataException(
                        "model input '"
                            + input.name()
                            + "' wants "
                            + input.shapeText()
                            + ", sample '"
                            + origin
                            + "' gives "
                            + Arrays.toString(tensor.shape())
                            + "; "
                            + ShapeFit.advice(input)));
    try {
      return tensor.reshape(shape).to(input.type());
    } catch (DataException e) {
      throw new DataException(
          "model input '"
              + input.name()
              + "' is "
              + input.type()
              + ", sample '"
              + origin
              + "' is "
              + tensor.type()
              + ": "
              + e.getMessage()
              + "; give data of the model's type, or for images the preprocessing 'raw'",
          e);
    }
  }

  private Map<String, HostTensor> named(Sample sample) {
    Map<String, HostTensor> given = new LinkedHashMap<>(sample.inputs());
    given.remove(Sample.STATE);
    HostTensor tokens = given.remove(Sample.TOKENS);
    if (tokens != null) {
      given.putAll(TokenInputs.of(dataInputs).make(tokens, sample.origin()));
    }
    // One array and one input need no name; a name that is another input's is still wrong.
    if (given.size() == 1 && dataInputs.size() == 1) {
      String name = given.keySet().iterator().next();
      if (inputs.stream().noneMatch(input -> input.name().equals(name))) {
        return Map.of(dataInputs.get(0).name(), given.get(name));
      }
    }
    if (given.containsKey(Sample.ONLY)) {
      throw new DataException(
          "sample '"
              + sample.origin()
              + "' has one unnamed array, but the model has the inputs "
              + dataInputs.stream().map(ModelInput::name).toList()
              + "; give a folder of .npy files or an .npz with an array named after each");
    }
    return given;
  }
}
