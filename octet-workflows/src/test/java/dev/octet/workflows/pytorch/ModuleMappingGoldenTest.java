package dev.octet.workflows.pytorch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.GroupNorm;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.LayerNorm;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.nn.RNNCell;
import dev.octet.workflows.pytorch.quantized.DynamicSpec;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import dev.octet.workflows.pytorch.quantized.WeightFormat;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Which classes have a quantized form, against the module mappings of torch-qconfig.json. */
final class ModuleMappingGoldenTest {
  /** Layers by PyTorch's names. */
  private static final Map<String, Supplier<Module>> LAYERS = new TreeMap<>();

  static {
    LAYERS.put("Conv1d", () -> Conv1d.builder(2, 2, 1).build());
    LAYERS.put("Conv2d", () -> Conv2d.builder(2, 2, 1).build());
    LAYERS.put("Conv3d", () -> Conv3d.builder(2, 2, 1).build());
    LAYERS.put("ConvTranspose1d", () -> ConvTranspose1d.builder(2, 2, 1).build());
    LAYERS.put("ConvTranspose2d", () -> ConvTranspose2d.builder(2, 2, 1).build());
    LAYERS.put("ConvTranspose3d", () -> ConvTranspose3d.builder(2, 2, 1).build());
    LAYERS.put("Linear", () -> Linear.builder(2, 2).build());
    LAYERS.put("BatchNorm2d", () -> BatchNorm2d.builder(2).build());
    LAYERS.put("BatchNorm3d", () -> BatchNorm3d.builder(2).build());
    LAYERS.put("InstanceNorm1d", () -> InstanceNorm1d.builder(2).build());
    LAYERS.put("InstanceNorm2d", () -> InstanceNorm2d.builder(2).build());
    LAYERS.put("InstanceNorm3d", () -> InstanceNorm3d.builder(2).build());
    LAYERS.put("GroupNorm", () -> GroupNorm.builder(1, 2).build());
    LAYERS.put("LayerNorm", () -> LayerNorm.builder(2).build());
    LAYERS.put("ELU", () -> Activation.elu(1));
    LAYERS.put("Hardswish", Activation::hardswish);
    LAYERS.put("LeakyReLU", () -> Activation.leakyRelu(0.1));
    LAYERS.put("ReLU6", Activation::relu6);
    LAYERS.put("PReLU", PReLU::new);
    LAYERS.put("Embedding", () -> Embedding.builder(2, 2).build());
    LAYERS.put("EmbeddingBag", () -> EmbeddingBag.builder(2, 2).build());
    LAYERS.put("LSTM", () -> LSTM.builder(2, 2).build());
    LAYERS.put("GRU", () -> GRU.builder(2, 2).build());
    LAYERS.put("LSTMCell", () -> LSTMCell.builder(2, 2).build());
    LAYERS.put("GRUCell", () -> GRUCell.builder(2, 2).build());
    LAYERS.put("RNNCell", () -> RNNCell.builder(2, 2).build());
    LAYERS.put("FloatFunctional", FloatFunctional::new);
  }

  /** Checked elsewhere: stubs, and fused classes by FusionTest. */
  private static final Set<String> ELSEWHERE =
      Set.of(
          "QuantStub",
          "DeQuantStub",
          "BNReLU2d",
          "BNReLU3d",
          "ConvReLU1d",
          "ConvReLU2d",
          "ConvReLU3d",
          "LinearReLU",
          "ConvBn1d",
          "ConvBn2d",
          "ConvBn3d",
          "ConvBnReLU1d",
          "ConvBnReLU2d",
          "ConvBnReLU3d",
          "LinearBn1d");

  /**
   * Left out: a dropout does nothing in eval and stays; attention's own Linear has no class here;
   * graph mode makes the others for onednn.
   */
  private static final Set<String> WITHOUT =
      Set.of(
          "Dropout",
          "NonDynamicallyQuantizableLinear",
          "ConvAdd2d",
          "ConvAddReLU2d",
          "LinearLeakyReLU",
          "LinearTanh");

  @Test
  void staticForms() throws IOException {
    for (String name : keys("module_mapping_static")) {
      if (ELSEWHERE.contains(name) || WITHOUT.contains(name)) {
        continue;
      }
      Supplier<Module> make = LAYERS.get(name);
      assertThat(make).as(name).isNotNull();
      if (make != null) {
        try (Module module = make.get()) {
          assertThat(QuantizedModules.whyNot(module)).as(name).isNull();
        }
      }
    }
  }

  @Test
  void dynamicForms() throws IOException {
    for (String name : keys("module_mapping_dynamic")) {
      if (ELSEWHERE.contains(name) || WITHOUT.contains(name)) {
        continue;
      }
      Supplier<Module> make = LAYERS.get(name);
      assertThat(make).as(name).isNotNull();
      if (make != null) {
        WeightFormat format = name.startsWith("Embedding") ? WeightFormat.UINT8 : WeightFormat.INT8;
        try (Module module = make.get()) {
          Module made = QuantizedModules.dynamic(module, DynamicSpec.Settings.of(format), false);
          assertThat(QuantizedModules.isQuantized(made)).as(name).isTrue();
          made.close();
        }
      }
    }
  }

  private static Set<String> keys(String name) throws IOException {
    JsonNode file =
        new ObjectMapper().readTree(SharedFolder.require("golden/torch-qconfig.json").toFile());
    for (JsonNode golden : file.get("cases")) {
      if (golden.get("name").asText().equals(name)) {
        Set<String> keys = new TreeSet<>();
        for (JsonNode pair : golden.get("expected").get("map")) {
          List<String> parts = List.of(pair.get(0).asText().split("\\.", -1));
          keys.add(parts.get(parts.size() - 1));
        }
        assertThat(keys).isNotEmpty();
        return keys;
      }
    }
    throw new AssertionError("no case " + name);
  }
}
