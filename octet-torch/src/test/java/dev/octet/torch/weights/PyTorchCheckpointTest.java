package dev.octet.torch.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads what torch itself wrote; the values are those of {@code checkpoints.py}. */
final class PyTorchCheckpointTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"types.pth", "types-legacy.pth"})
  void readsEveryType(String name) {
    Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(Fixtures.file(name));
    assertThat(tensors.keySet())
        .containsExactly(
            "float64",
            "float32",
            "float16",
            "bfloat16",
            "int64",
            "int32",
            "int16",
            "int8",
            "uint8",
            "bool",
            "scalar",
            "empty");
    for (String type : List.of("int64", "int32", "int16", "int8", "uint8")) {
      assertThat(tensors.get(type).toLongs()).as(type).containsExactly(0, 1, 2, 3);
      assertThat(tensors.get(type).type().name()).isEqualToIgnoringCase(type);
    }
    assertThat(tensors.get("float64").type()).isEqualTo(DataType.DOUBLE);
    assertThat(tensors.get("float64").toFloats()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("float32").toFloats()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("float16").type()).isEqualTo(DataType.FLOAT16);
    assertThat(tensors.get("float16").data().getShort(6)).isEqualTo((short) 0x4200);
    assertThat(tensors.get("bfloat16").type()).isEqualTo(DataType.BFLOAT16);
    assertThat(tensors.get("bfloat16").data().getShort(6)).isEqualTo((short) 0x4040);
    assertThat(tensors.get("bool").type()).isEqualTo(DataType.BOOL);
    assertThat(tensors.get("bool").toLongs()).containsExactly(1, 0, 1);
    assertThat(tensors.get("scalar").rank()).isZero();
    assertThat(tensors.get("scalar").toFloats()).containsExactly(2.5f);
    assertThat(tensors.get("empty").shape()).containsExactly(0, 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"types-new.pth", "types-new-legacy.pth"})
  void readsTypesOverUntypedStorage(String name) {
    Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(Fixtures.file(name));
    assertThat(tensors.get("uint16").toLongs()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("uint32").toLongs()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("uint64").toLongs()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("float8_e4m3fn"))
        .isEqualTo(Tensor.ofRaw(DataType.FLOAT8E4M3FN, new byte[] {0, 0x38, 0x40, 0x44}, 4));
    assertThat(tensors.get("float8_e5m2"))
        .isEqualTo(Tensor.ofRaw(DataType.FLOAT8E5M2, new byte[] {0, 0x3C, 0x40, 0x42}, 4));
  }

  @ParameterizedTest
  @ValueSource(strings = {"views.pth", "views-legacy.pth"})
  void laysViewsOutRowByRow(String name) {
    Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(Fixtures.file(name));
    assertThat(tensors.get("base")).isEqualTo(Tensor.ofFloats(ramp(24), 4, 6));
    float[] transposed = new float[24];
    for (int i = 0; i < 24; i++) {
      transposed[i] = i % 4 * 6 + i / 4;
    }
    assertThat(tensors.get("transposed")).isEqualTo(Tensor.ofFloats(transposed, 6, 4));
    assertThat(tensors.get("column")).isEqualTo(Tensor.ofFloats(new float[] {2, 8, 14, 20}, 4));
    assertThat(tensors.get("block"))
        .isEqualTo(Tensor.ofFloats(new float[] {7, 9, 11, 13, 15, 17}, 2, 3));
    assertThat(tensors.get("row"))
        .isEqualTo(Tensor.ofFloats(new float[] {12, 13, 14, 15, 16, 17}, 6));
    assertThat(tensors.get("expanded"))
        .isEqualTo(Tensor.ofFloats(new float[] {7, 7, 7, 7, 7, 7}, 2, 3));
    assertThat(tensors.get("channels_last")).isEqualTo(Tensor.ofFloats(ramp(24), 1, 2, 3, 4));
  }

  @ParameterizedTest
  @ValueSource(strings = {"module.pth", "parallel.pth", "training.pth"})
  void findsTheStateDictOfAModule(String name) {
    Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(Fixtures.file(name));
    assertThat(tensors.keySet())
        .containsExactly(
            "conv.weight",
            "conv.bias",
            "bn.weight",
            "bn.bias",
            "bn.running_mean",
            "bn.running_var",
            "bn.num_batches_tracked");
    assertThat(tensors.get("conv.weight")).isEqualTo(Tensor.ofFloats(ramp(18), 2, 1, 3, 3));
    assertThat(tensors.get("bn.num_batches_tracked").type()).isEqualTo(DataType.INT64);
  }

  @Test
  void readsTheWholeOfATrainingRun() {
    Map<?, ?> tree = tree("training.pth");
    assertThat(tree.get("epoch")).isEqualTo(3L);
    assertThat(tree.get("best")).isEqualTo(91.5);
    assertThat(tree.get("history")).isEqualTo(Tensor.ofInts(new int[] {1, 2, 3, 4, 5, 6}, 2, 3));
    assertThat(tree.get("name")).isEqualTo("tiny");
    assertThat(tree.get("done")).isEqualTo(false);
    assertThat(tree.containsKey("nothing")).isTrue();
    assertThat(tree.get("nothing")).isNull();
    assertThat(tree.get("shape")).isEqualTo(List.of(2L, 1L, 3L, 3L));
    assertThat(tree.get("dtype")).isEqualTo("torch.float16");
    assertThat(tree.get("device")).isEqualTo("cpu");
    assertThat(tree.get("big")).isEqualTo(BigInteger.ONE.shiftLeft(80));
    assertThat(tree.get("lists")).isEqualTo(List.of(1L, 2.5, List.of("a", List.of(true))));
    Map<?, ?> optimizer = (Map<?, ?>) tree.get("optimizer");
    Map<?, ?> state = (Map<?, ?>) ((Map<?, ?>) optimizer.get("state")).get(0L);
    assertThat(state.get("step")).isEqualTo(Tensor.ofFloats(new float[] {1}));
    assertThat(((Tensor) state.get("exp_avg")).shape()).containsExactly(2, 1, 3, 3);
    Map<?, ?> group = (Map<?, ?>) ((List<?>) optimizer.get("param_groups")).get(0);
    assertThat(group.get("lr")).isEqualTo(0.25);
    Map<?, ?> scheduler = (Map<?, ?>) tree.get("scheduler");
    assertThat(scheduler.get("milestones")).isEqualTo(Map.of(2L, 1L, 4L, 1L));
  }

  @Test
  void readsParametersWithAndWithoutAttributes() {
    Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(Fixtures.file("parameters.pth"));
    assertThat(tensors.get("plain")).isEqualTo(Tensor.ofFloats(ramp(2), 2));
    assertThat(tensors.get("noted")).isEqualTo(Tensor.ofFloats(ramp(3), 3));
  }

  @Test
  void readsLaterProtocols() {
    Map<?, ?> tree = tree("protocol4.pth");
    assertThat(tree.get("é")).isEqualTo(Tensor.ofFloats(ramp(2), 2));
    assertThat(tree.get("set")).isEqualTo(List.of(5L));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "refused-module.pth|'torch.nn.modules.flatten.Flatten', which is not among",
        "refused-quantized.pth|save them dequantized",
        "refused-conjugate.pth|resolve_conj",
        "refused-torchscript.pt|this is a TorchScript program"
      })
  void refusesWhatTorchWroteButIsNoPlainData(String name, String message) {
    assertThatThrownBy(() -> PyTorchCheckpoint.read(Fixtures.file(name)))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(message);
  }

  @Test
  void saysWhereTheStateDictCouldHaveBeen() throws IOException {
    Path file = folder.resolve("other.pth");
    Files.write(file, new PickleWriter().ops("}").text("epoch").ops("K\u0001s").zip());
    assertThatThrownBy(() -> PyTorchCheckpoint.stateDict(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("[state_dict, model_state_dict, model, net]")
        .hasMessageContaining("[epoch]");
    Files.write(file, new PickleWriter().ops("]").zip());
    assertThatThrownBy(() -> PyTorchCheckpoint.stateDict(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("no dict");
  }

  @Test
  void readsNothingAtAll() throws IOException {
    Path file = folder.resolve("none.pth");
    Files.write(file, new PickleWriter().ops("N").zip());
    assertThat(PyTorchCheckpoint.read(file)).isNull();
  }

  /** As the first versions of torch and Python 2 wrote it. */
  @Test
  void readsAVeryOldStateDict() throws IOException {
    PickleWriter pickle = new PickleWriter().global("collections", "OrderedDict").ops("]]");
    pickle.ops("U\u0001wa").global("torch.nn.parameter", "Parameter");
    pickle.global("torch._utils", "_rebuild_tensor").ops("(").storage("FloatStorage", "0", 4);
    pickle.number(2).tuple(2).tuple(1).raw('t', 'R', 0x85, 'R', 0x88, 0x89, '}', 0x87, 'b');
    pickle.raw('a', 'a', 0x85, 'R');
    Path file = folder.resolve("old.pth");
    Files.write(file, pickle.zip());
    assertThat(PyTorchCheckpoint.stateDict(file))
        .containsExactly(Map.entry("w", Tensor.ofFloats(new float[2], 2)));
  }

  private static Map<?, ?> tree(String name) {
    return (Map<?, ?>) PyTorchCheckpoint.read(Fixtures.file(name));
  }

  private static float[] ramp(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    return values;
  }
}
