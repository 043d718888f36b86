package dev.octet.torch.quant.flow;

import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.report.TextTable;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * How far the outputs of each quantized layer are from what they are without quantization. Errors
 * are accumulated ones: each run goes on with its own values.
 *
 * @param byLayer the difference of each quantized layer's output by path, in the model's order, and
 *     of the model's own output under ""
 */
public record CrossCheck(Map<String, Difference> byLayer) {
  public CrossCheck {
    byLayer = Collections.unmodifiableMap(new LinkedHashMap<>(byLayer));
  }

  /**
   * Runs each batch twice, with quantizers off and on, in eval mode and without gradients.
   * Afterwards, also after an exception, all is as it was.
   *
   * @param model of one input and one output
   * @param batches its inputs; those made as they are asked for are freed after use
   * @throws IllegalArgumentException if there is no batch or no quantizer that is enabled
   */
  public static CrossCheck run(Module model, Iterable<Tensor> batches) {
    Map<String, Module> watched = new LinkedHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof QuantizedLayer) {
                watched.put(path, module);
              }
            });
    watched.put("", model);
    List<TensorQuantizer> enabled =
        Quantizers.of(model).values().stream().filter(each -> each.isEnabled()).toList();
    if (enabled.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no quantizer that is enabled; nothing can be compared");
    }
    Map<String, Difference> differences = new LinkedHashMap<>();
    Map<String, List<float[]>> outputs = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    boolean any = false;
    try (Evaluating evaluating = new Evaluating(model)) {
      watched.forEach(
          (path, module) ->
              hooks.add(
                  module.afterForward(
                      (each, inputs, output) -> {
                        outputs
                            .computeIfAbsent(path, key -> new ArrayList<>())
                            .add(Tensors.toFloats(output));
                        return output;
                      })));
      for (var all = batches.iterator(); ; any = true) {
        try (Scope scope = Scope.open()) {
          if (!all.hasNext()) {
            break;
          }
          Tensor batch = all.next();
          enabled.forEach(TensorQuantizer::disable);
          model.call(batch);
          Map<String, List<float[]>> expected = new LinkedHashMap<>(outputs);
          outputs.clear();
          enabled.forEach(TensorQuantizer::enable);
          model.call(batch);
          compare(expected, outputs, differences);
          outputs.clear();
        }
      }
    } finally {
      hooks.forEach(Module.Hook::close);
    }
    if (!any) {
      throw new IllegalArgumentException("there is no batch to run the model on");
    }
    Map<String, Difference> ordered = new LinkedHashMap<>();
    for (String path : watched.keySet()) {
      Difference difference = differences.get(path);
      if (difference != null) {
        ordered.put(path, difference);
      }
    }
    return new CrossCheck(ordered);
  }

  /** A table of signal to noise in dB, cosine and largest error. */
  @Override
  public String toString() {
    TextTable table = new TextTable(1).row("layer", "SQNR [dB]", "cosine", "largest error");
    byLayer.forEach(
        (path, difference) ->
            table.row(
                path.isEmpty() ? "(output)" : path,
                String.format(Locale.ROOT, "%.2f", difference.sqnr()),
                String.format(Locale.ROOT, "%.6f", difference.cosine()),
                String.format(Locale.ROOT, "%.6g", difference.maxError())));
    return table.print(0, 2);
  }

  /** A shared layer has an output for each of its calls. */
  private static void compare(
      Map<String, List<float[]>> expected,
      Map<String, List<float[]>> actual,
      Map<String, Difference> differences) {
    expected.forEach(
        (path, calls) -> {
          List<float[]> others = actual.getOrDefault(path, List.of());
          Difference difference = differences.computeIfAbsent(path, key -> new Difference());
          for (int i = 0; i < Math.min(calls.size(), others.size()); i++) {
            difference.add(FloatBuffer.wrap(calls.get(i)), FloatBuffer.wrap(others.get(i)));
          }
        });
  }
}
