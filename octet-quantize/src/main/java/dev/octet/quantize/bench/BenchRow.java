package dev.octet.quantize.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One model in one setting on both sides.
 *
 * @param model the name of its file
 * @param batch the batch size asked for
 * @param threads threads inside an operator
 * @param inputs what it ran on, such as {@code image float32 [1, 3, 224, 224]}
 * @param engine the engine's side
 * @param onnxRuntime ONNX Runtime's side
 * @param outputs how far their outputs are apart; null unless both were timed
 */
public record BenchRow(
    String model,
    int batch,
    int threads,
    List<String> inputs,
    Side engine,
    Side onnxRuntime,
    @Nullable Likeness outputs) {

  /**
   * One side: its timing, or why there is none.
   *
   * @param timing null if it was refused
   * @param refused one sentence; null if it was timed
   */
  public record Side(@Nullable Timing timing, @Nullable String refused) {}

  public BenchRow {
    inputs = List.copyOf(inputs);
  }

  /** How many times as long as the engine ONNX Runtime takes; null unless both were timed. */
  @JsonProperty
  public @Nullable Double ratio() {
    Timing mine = engine.timing();
    Timing other = onnxRuntime.timing();
    return mine == null || other == null ? null : other.medianMs() / mine.medianMs();
  }
}
