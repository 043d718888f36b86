package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a path gives to a training run.
 *
 * @param training the training part, where the path holds one
 * @param evaluation the test part, where the path holds one
 * @param sameSet whether both are the same samples, so that accuracy on them proves nothing
 * @param preprocessing how images are prepared; empty for arrays and tokens
 */
public record TrainingData(
    Dataset training, Dataset evaluation, boolean sameSet, Optional<Preprocessing> preprocessing) {

  /**
   * Opens whatever {@code path} is: see {@link Samples#open}.
   *
   * @param inputs the model's inputs, which decide the default preprocessing; none if not known
   * @throws DataException if the path cannot be read or recognised, or a sample has no label
   */
  public static TrainingData open(Path path, List<ModelInput> inputs, SamplesOptions options) {
    return of(Samples.open(path, inputs, options));
  }

  /** The same for what is open already. */
  public static TrainingData of(DataSet found) {
    Dataset training = Dataset.of(found.calibration());
    return new TrainingData(
        training,
        found.sameSet() ? training : Dataset.of(found.evaluation()),
        found.sameSet(),
        found.preprocessing());
  }
}
