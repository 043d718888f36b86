package dev.octet.quantize.emit;

import static dev.octet.quantize.emit.SmallNet.integer;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.quantize.data.HostTensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every operator with weights keeps computing in float, from integers behind DequantizeLinear. */
class WeightOnlyTest {
  @TempDir Path folder;

  /**
   * Weights over +-3 sigma in 255 steps have noise (6/254)^2/12 of their power, 43 dB; recurrent
   * layers carry it on from step to step.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "LSTM", "GRU", "RNN"})
  void everyOperatorReadsEightBitWeights(String op) throws IOException {
    Trial trial = Trial.of(network(op), "weight-only-int8", folder);
    assertThat(trial.operators()).contains(op, "DequantizeLinear").doesNotContain("QuantizeLinear");
    assertThat(trial.storedTypes(1000)).containsOnly(DataType.INT8);
    assertThat(trial.bytesAfter).isLessThan(trial.bytesBefore / 2);
    assertThat(trial.difference(inputs(op)).sqnr()).isGreaterThan(36);
  }

  /**
   * 15 steps over the +-2 sigma that a block of 32 spans have noise (4/14)^2/12, 21 dB. Tables of
   * rows are left out: nothing averages their errors out, so they keep 8 bits.
   */
  @ParameterizedTest
  @CsvSource({"Conv, 17", "ConvTranspose, 14", "Gemm, 17", "MatMul, 17", "LSTM, 14", "GRU, 14"})
  void fourBitWeightsInBlocksTakeAQuarterOfEight(String op, double leastDb) throws IOException {
    Trial trial = Trial.of(network(op), "weight-only-int4", folder);
    assertThat(trial.storedTypes(1000)).containsOnly(DataType.INT4);
    assertThat(trial.bytesAfter).isLessThan(trial.bytesBefore / 3);
    assertThat(trial.difference(inputs(op)).sqnr()).isGreaterThan(leastDb);
  }

  private static Model network(String op) {
    SmallNet net = new SmallNet();
    return switch (op) {
      case "Conv", "ConvTranspose" -> {
        Value x = net.input("x", DataType.FLOAT, "n", 32, 6, 6);
        yield net.returning(net.apply(op, "y", x, net.weights("w", 32, 32, 3, 3)));
      }
      case "Gemm", "MatMul" -> {
        Value x = net.input("x", DataType.FLOAT, "n", 128);
        yield net.returning(net.apply(op, "y", x, net.weights("w", 128, 64)));
      }
      case "Gather" -> {
        Value ids = net.input("x", DataType.INT64, "n");
        yield net.returning(net.apply(op, "y", net.weights("w", 256, 32), ids));
      }
      default -> {
        int gates = op.equals("LSTM") ? 4 : op.equals("GRU") ? 3 : 1;
        Value x = net.input("x", DataType.FLOAT, "t", 2, 64);
        yield net.returning(
            net.apply(
                op,
                "y",
                Map.of("hidden_size", integer(64)),
                x,
                net.weights("w", 1, gates * 64, 64),
                net.weights("r", 1, gates * 64, 64)));
      }
    };
  }

  private static Map<String, HostTensor> inputs(String op) {
    HostTensor x =
        switch (op) {
          case "Conv", "ConvTranspose" -> Trial.noise(1, 2, 32, 6, 6);
          case "Gemm", "MatMul" -> Trial.noise(1, 4, 128);
          case "Gather" -> HostTensor.ofLongs(new int[] {4}, new long[] {0, 255, 17, 99});
          default -> Trial.noise(1, 3, 2, 64);
        };
    return Map.of("x", x);
  }
}
