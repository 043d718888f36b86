package dev.octet.torch.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Damages real files in a fixed number of ways; each is read or refused. The seed of a failure is
 * printed and gives the same bytes again.
 */
final class DamagedWeightsProperties {
  private static final List<byte[]> CHECKPOINTS = samples("pth");
  private static final List<byte[]> SAFETENSORS = samples("safetensors");

  /** Bytes on the edges of lengths and signs, and operations of pickle that move much. */
  private static final byte[] EDGES = {
    0, 1, 0x7F, (byte) 0x80, (byte) 0xFF, '(', 't', 'R', 'b', 'e', 'u', 'h', '0', 'Q', '.', ')', ']'
  };

  @Property(tries = 1500)
  void damagedCheckpointsAreReadOrRefused(@ForAll long seed) {
    ReadOrRefuse.checkpoint(damaged(CHECKPOINTS, new Random(seed)));
  }

  @Property(tries = 800)
  void damagedSafetensorsAreReadOrRefused(@ForAll long seed) {
    ReadOrRefuse.safetensors(damaged(SAFETENSORS, new Random(seed)));
  }

  private static byte[] damaged(List<byte[]> samples, Random random) {
    byte[] content = samples.get(random.nextInt(samples.size())).clone();
    for (int i = random.nextInt(6); i >= 0 && content.length > 0; i--) {
      content = damage(content, samples, random);
    }
    return content;
  }

  private static byte[] damage(byte[] content, List<byte[]> samples, Random random) {
    // Half of the damage near the head, where names, shapes and the pickle are.
    int at = random.nextInt(random.nextBoolean() ? content.length : Math.min(content.length, 800));
    int length = 1 + random.nextInt(Math.min(64, content.length - at));
    switch (random.nextInt(6)) {
      case 0 -> content[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> content[at] = EDGES[random.nextInt(EDGES.length)];
      case 2 -> content[at] = (byte) random.nextInt(256);
      case 3 -> {
        return splice(content, at, at + length, new byte[0]); // leave out
      }
      case 4 -> {
        byte[] again = Arrays.copyOfRange(content, at, at + length);
        return splice(content, at, at, again); // repeat
      }
      default -> { // overwrite by a piece of another, which keeps the offsets
        byte[] other = samples.get(random.nextInt(samples.size()));
        int from = random.nextInt(other.length);
        System.arraycopy(other, from, content, at, Math.min(length, other.length - from));
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

  private static List<byte[]> samples(String extension) {
    Path folder = Fixtures.file("types.pth").resolveSibling("");
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith("." + extension))
          .sorted()
          .map(DamagedWeightsProperties::bytes)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
