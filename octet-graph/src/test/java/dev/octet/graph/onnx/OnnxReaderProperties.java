package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * What the fuzzer does without its search: damages samples in a fixed number of ways. The seed of a
 * failure is printed and gives the same bytes again.
 */
class OnnxReaderProperties {
  private static final List<byte[]> SAMPLES = samples();

  /** Values that sit on the edges of varints, lengths and signs. */
  private static final byte[] EDGES = {0, 1, 2, 0x7F, (byte) 0x80, (byte) 0xFF, 0x08, 0x12, 0x0A};

  @Property(tries = 3000)
  void damagedModelsAreReadOrRefused(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] content = SAMPLES.get(random.nextInt(SAMPLES.size())).clone();
    for (int i = random.nextInt(8); i >= 0; i--) {
      content = damage(content, random);
    }
    ReaderChecks.readOrRefuse(content);
  }

  @Property(tries = 2000)
  void wellFormedModelsThatMakeNoSenseAreReadOrRefused(@ForAll long seed) {
    Random random = new Random(seed);
    List<ModelProto> samples = List.copyOf(SampleModels.all().values());
    Message model = samples.get(random.nextInt(samples.size()));
    for (int i = random.nextInt(4); i >= 0; i--) {
      model = ProtoDamage.once(model, random);
    }
    ReaderChecks.readOrRefuse(model.toByteArray());
  }

  private static byte[] damage(byte[] content, Random random) {
    if (content.length == 0) {
      return content;
    }
    int at = random.nextInt(content.length);
    int length = 1 + random.nextInt(Math.min(64, content.length - at));
    switch (random.nextInt(5)) {
      case 0 -> content[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> content[at] = EDGES[random.nextInt(EDGES.length)];
      case 2 -> {
        return splice(content, at, at + length, new byte[0]); // leave out
      }
      case 3 -> {
        byte[] again = Arrays.copyOfRange(content, at, at + length);
        return splice(content, at, at, again); // repeat
      }
      default -> {
        byte[] other = SAMPLES.get(random.nextInt(SAMPLES.size()));
        int from = random.nextInt(other.length);
        int to = from + random.nextInt(Math.min(64, other.length - from));
        return splice(content, at, at, Arrays.copyOfRange(other, from, to));
      }
    }
    return content;
  }

  private static byte[] splice(byte[] content, int from, int to, byte[] between) {
    byte[] result = new byte[content.length - (to - from) + between.length];
    System.arraycopy(content, 0, result, 0, from);
    System.arraycopy(between, 0, result, from, between.length);
    System.arraycopy(content, to, result, from + between.length, content.length - to);
    return result;
  }

  private static List<byte[]> samples() {
    List<byte[]> samples = new ArrayList<>();
    SampleModels.all().values().forEach(sample -> samples.add(sample.toByteArray()));
    BrokenModels.models().values().forEach(b -> samples.add(b.model().toByteArray()));
    return samples;
  }
}
