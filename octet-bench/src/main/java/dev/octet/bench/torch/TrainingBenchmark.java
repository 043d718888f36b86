package dev.octet.bench.torch;

import dev.octet.core.rules.Rules;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.nn.QuantModules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

/**
 * Times a training step of ResNet-18 on 3x32x32 images: float, and with 8-bit fake quantization of
 * the inputs and (by output channel) the weights of every layer. Steps of the two take turns; the
 * figures are medians, after two steps each that do not count. The twin in Python is {@code
 * training-peer.py}.
 *
 * <p>Arguments: batch, steps, and any of {@code channels_last}, {@code learned} (learned step
 * sizes) and {@code profile}, which adds the same step with no quantizer on, with those of the
 * weights, and with those of the inputs. Prints one JSON object a line.
 */
public final class TrainingBenchmark {
  private static final int WARM_UPS = 2;

  private TrainingBenchmark() {}

  /** See the class. */
  public static void main(String[] args) {
    if (args.length < 2) {
      throw new IllegalArgumentException(
          "give BATCH STEPS [channels_last] [learned] [profile], not " + Arrays.toString(args));
    }
    int batch = Integer.parseInt(args[0]);
    int steps = Integer.parseInt(args[1]);
    List<String> options = Arrays.asList(args).subList(2, args.length);
    boolean channelsLast = options.contains("channels_last");
    boolean learned = options.contains("learned");
    Torch.seed(1);
    try (Scope scope = Scope.open()) {
      Tensor images = torch.randn(batch, 3, 32, 32);
      if (channelsLast) {
        images = images.contiguous(MemoryFormat.ChannelsLast);
      }
      Tensor labels = labels(batch);
      Module quantized = model(channelsLast);
      quantize(quantized, images, learned);
      Map<String, Double> seconds;
      try (TrainingStep plain = new TrainingStep(model(channelsLast));
          TrainingStep qat = new TrainingStep(quantized)) {
        Map<String, Runnable> sides = new LinkedHashMap<>();
        sides.put("float", () -> {});
        sides.put("qat", () -> switchOn(quantized, true, true));
        if (options.contains("profile")) {
          sides.put("none", () -> switchOn(quantized, false, false));
          sides.put("weights", () -> switchOn(quantized, false, true));
          sides.put("inputs", () -> switchOn(quantized, true, false));
        }
        seconds = medians(sides, plain, qat, images, labels, steps);
      }
      print(learned ? "octet learned" : "octet", batch, channelsLast, steps, seconds);
    }
  }

  private static Tensor labels(int batch) {
    long[] classes = new long[batch];
    for (int i = 0; i < batch; i++) {
      classes[i] = i % 10;
    }
    return Tensors.of(classes, batch);
  }

  private static Module model(boolean channelsLast) {
    Module model = ResNet.cifar18(10);
    if (channelsLast) {
      TrainingStep.channelsLast(model);
    }
    return model;
  }

  private static void quantize(Module model, Tensor images, boolean learned) {
    QuantModules.replace(model, Rules.NONE);
    Calibration.collect(model, List.of(images));
    Calibration.loadAmax(model);
    if (learned) {
      for (Module module : model.modules().values()) {
        if (module instanceof TensorQuantizer quantizer) {
          quantizer.learnScale();
        }
      }
    }
  }

  private static void switchOn(Module model, boolean inputs, boolean weights) {
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof TensorQuantizer quantizer) {
                if (path.endsWith("_weight_quantizer") ? weights : inputs) {
                  quantizer.enable();
                } else {
                  quantizer.disable();
                }
              }
            });
  }

  private static Map<String, Double> medians(
      Map<String, Runnable> sides,
      TrainingStep plain,
      TrainingStep qat,
      Tensor images,
      Tensor labels,
      int steps) {
    Map<String, List<Double>> times = new LinkedHashMap<>();
    for (int round = 0; round < steps + WARM_UPS; round++) {
      for (Map.Entry<String, Runnable> side : sides.entrySet()) {
        side.getValue().run();
        double took = (side.getKey().equals("float") ? plain : qat).run(images, labels);
        if (round >= WARM_UPS) {
          times.computeIfAbsent(side.getKey(), name -> new ArrayList<>()).add(took);
        }
      }
    }
    Map<String, Double> medians = new LinkedHashMap<>();
    times.forEach((name, values) -> medians.put(name, median(values)));
    return medians;
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int half = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(half)
        : (sorted.get(half - 1) + sorted.get(half)) / 2;
  }

  private static void print(
      String side, int batch, boolean channelsLast, int steps, Map<String, Double> seconds) {
    double plain = seconds.getOrDefault("float", Double.NaN);
    double qat = seconds.getOrDefault("qat", Double.NaN);
    StringBuilder line =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "{\"side\": \"%s\", \"batch\": %d, \"channels_last\": %b, \"threads\": %d,"
                    + " \"steps\": %d",
                side,
                batch,
                channelsLast,
                Torch.threads(),
                steps));
    seconds.forEach(
        (name, value) -> line.append(String.format(Locale.ROOT, ", \"%s_s\": %.4f", name, value)));
    line.append(String.format(Locale.ROOT, ", \"ratio\": %.3f}", qat / plain));
    System.out.println(line);
  }
}
