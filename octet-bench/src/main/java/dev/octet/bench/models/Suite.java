package dev.octet.bench.models;

import dev.octet.quantize.data.HostTensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The networks that the engine is measured on. */
public final class Suite {
  /** Tokens or steps of a sample of a network that takes sequences. */
  public static final int SEQUENCE = 128;

  private Suite() {}

  /** All networks, in the order of the tables. */
  public static List<Network> networks() {
    return List.of(
        new Network("resnet18", ResNet::resNet18, random -> image(random, 224)),
        new Network("resnet50", ResNet::resNet50, random -> image(random, 224)),
        new Network("mobilenetv2", MobileNetV2::build, random -> image(random, 224)),
        new Network("squeezenet1_1", SqueezeNet::build, random -> image(random, 224)),
        new Network("resnet20", ResNet::resNet20, random -> image(random, 32)),
        bert("bert-base", 12),
        new Network("lstm", Lstm::build, Suite::features));
  }

  /** BERT-base with {@code layers} layers. */
  static Network bert(String name, int layers) {
    return new Network(name, () -> Bert.build(layers), Suite::tokens);
  }

  private static Map<String, HostTensor> image(Random random, int size) {
    int[] shape = {1, 3, size, size};
    return Map.of("input", HostTensor.ofFloats(shape, normal(random, 3 * size * size)));
  }

  private static Map<String, HostTensor> features(Random random) {
    int[] shape = {1, SEQUENCE, Lstm.FEATURES};
    return Map.of("input", HostTensor.ofFloats(shape, normal(random, SEQUENCE * Lstm.FEATURES)));
  }

  /** Two texts of any tokens without padding. */
  private static Map<String, HostTensor> tokens(Random random) {
    int[] shape = {1, SEQUENCE};
    long[] ones = new long[SEQUENCE];
    Arrays.fill(ones, 1);
    long[] types = new long[SEQUENCE];
    Arrays.fill(types, SEQUENCE / 2, SEQUENCE, 1);
    long[] ids = random.longs(SEQUENCE, 0, Bert.VOCABULARY).toArray();
    return Map.of(
        "input_ids", HostTensor.ofLongs(shape, ids),
        "attention_mask", HostTensor.ofLongs(shape, ones),
        "token_type_ids", HostTensor.ofLongs(shape, types));
  }

  /** Normal numbers. */
  static float[] normal(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
