package dev.octet.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A text as numbers of words, for a language model.
 *
 * @param vocabulary the frequent words, after the end of a line and the word for all others
 * @param training the first nine tenths of the lines, one after the other
 * @param heldOut the rest
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Words(List<String> vocabulary, long[] training, long[] heldOut) {
  private static final String END = "<eos>";
  private static final String OTHER = "<unk>";

  /** The words of a file, in small letters, with at most so many different ones. */
  static Words read(Path file, int limit) throws IOException {
    return of(Files.readAllLines(file), limit);
  }

  /**
   * Lines of a small grammar: noun phrase, verb, noun phrase, adverb. Each noun is the subject of a
   * few verbs alone and each verb has its own few objects, which is what there is to learn; within
   * a class, the n-th word is drawn with a weight of 1 / n.
   */
  static Words drawn(long seed, int lines) {
    Random random = new Random(seed);
    List<String> made = new ArrayList<>();
    for (int i = 0; i < lines; i++) {
      int subject = draw(random, 300);
      int verb = (7 * subject + draw(random, 4)) % 150;
      int object = (11 * verb + draw(random, 12)) % 300;
      StringBuilder line = new StringBuilder();
      phrase(random, subject, line);
      line.append("verb").append(verb).append(' ');
      phrase(random, object, line);
      if (random.nextInt(3) == 0) {
        line.append("adverb").append((verb + draw(random, 3)) % 60);
      }
      made.add(line.toString());
    }
    return of(made, Integer.MAX_VALUE);
  }

  private static void phrase(Random random, int noun, StringBuilder line) {
    line.append(random.nextInt(3) == 0 ? "a " : "the ");
    for (int i = random.nextInt(3); i > 0; i--) {
      line.append("adjective").append((noun + draw(random, 8)) % 120).append(' ');
    }
    line.append("noun").append(noun).append(' ');
  }

  /** 0 to {@code count - 1}, the n-th with a weight of 1 / n. */
  private static int draw(Random random, int count) {
    return (int) Math.pow(count + 1.0, random.nextDouble()) - 1;
  }

  private static Words of(List<String> lines, int limit) {
    List<List<String>> split =
        lines.stream()
            .map(line -> List.of(line.toLowerCase(Locale.ROOT).strip().split("\\s+")))
            .filter(words -> !words.get(0).isEmpty())
            .toList();
    if (split.size() < 10) {
      throw new IllegalArgumentException("the text has fewer than 10 lines");
    }
    Map<String, Integer> counts = new LinkedHashMap<>();
    split.forEach(words -> words.forEach(word -> counts.merge(word, 1, Integer::sum)));
    List<String> vocabulary =
        Stream.concat(
                Stream.of(END, OTHER),
                counts.entrySet().stream()
                    .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                    .map(Map.Entry::getKey)
                    .filter(word -> !word.equals(END) && !word.equals(OTHER))
                    .limit(limit))
            .toList();
    Map<String, Integer> numbers = new HashMap<>();
    vocabulary.forEach(word -> numbers.put(word, numbers.size()));
    int border = split.size() * 9 / 10;
    return new Words(
        vocabulary,
        numbers(split.subList(0, border), numbers),
        numbers(split.subList(border, split.size()), numbers));
  }

  private static long[] numbers(List<List<String>> lines, Map<String, Integer> numbers) {
    return lines.stream()
        .flatMap(line -> Stream.concat(line.stream(), Stream.of(END)))
        .mapToLong(word -> numbers.getOrDefault(word, 1))
        .toArray();
  }

  /** How many pieces of this length a part has, with a word behind the last. */
  static int pieces(long[] part, int length) {
    return (part.length - 1) / length;
  }

  /** Pieces of a part, one after the other, {@code shift} words further on. */
  static long[] rows(long[] part, int[] pieces, int length, int shift) {
    long[] rows = new long[pieces.length * length];
    for (int i = 0; i < pieces.length; i++) {
      int from = pieces[i] * length + shift;
      System.arraycopy(Arrays.copyOfRange(part, from, from + length), 0, rows, i * length, length);
    }
    return rows;
  }
}
