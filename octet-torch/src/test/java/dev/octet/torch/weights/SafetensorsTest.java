package dev.octet.torch.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.testing.SharedFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SafetensorsTest {
  @TempDir private Path folder;

  @Test
  void readsEveryTypeOfTheReference() {
    Safetensors.Content content = Safetensors.read(Fixtures.file("reference.safetensors"));
    Map<String, Tensor> tensors = content.tensors();
    assertThat(content.metadata()).containsExactly(Map.entry("format", "pt"));
    for (String name : new String[] {"int64", "int32", "int16", "int8", "uint8", "uint16"}) {
      assertThat(tensors.get(name).toLongs()).as(name).containsExactly(0, 1, 2, 3);
    }
    assertThat(tensors.get("uint64").type()).isEqualTo(DataType.UINT64);
    assertThat(tensors.get("uint32").type()).isEqualTo(DataType.UINT32);
    assertThat(tensors.get("float64").toFloats()).containsExactly(0, 1, 2, 3);
    assertThat(tensors.get("float32").toFloats()).containsExactly(0, 1, 2, 3);
    assertThat(shorts(tensors.get("float16"))).containsExactly(0, 0x3C00, 0x4000, 0x4200);
    assertThat(shorts(tensors.get("bfloat16"))).containsExactly(0, 0x3F80, 0x4000, 0x4040);
    assertThat(tensors.get("bool").toLongs()).containsExactly(1, 0, 1);
    assertThat(tensors.get("scalar").rank()).isZero();
    assertThat(tensors.get("empty").shape()).containsExactly(0, 3);
    assertThat(bytes(tensors.get("float8_e4m3fn"))).containsExactly(0, 0x38, 0x40, 0x44);
    assertThat(bytes(tensors.get("float8_e5m2"))).containsExactly(0, 0x3C, 0x40, 0x42);
    assertThat(tensors.get("float8_e4m3fnuz").type()).isEqualTo(DataType.FLOAT8E4M3FNUZ);
    assertThat(tensors.get("float8_e5m2fnuz").type()).isEqualTo(DataType.FLOAT8E5M2FNUZ);
    assertThat(tensors.get("complex64").data().getFloat(4)).isEqualTo(2);
  }

  @Test
  void writesTheBytesOfTheReference() throws IOException {
    Path reference = Fixtures.file("reference.safetensors");
    Safetensors.Content content = Safetensors.read(reference);
    Path copy = folder.resolve("copy.safetensors");
    Safetensors.write(copy, content.tensors(), content.metadata());
    assertThat(copy).hasSameBinaryContentAs(reference);
  }

  @Test
  void readsATrainedNetwork() {
    Path file = SharedFolder.require("models/mobilenetv2-cifar10.safetensors");
    Map<String, Tensor> tensors = Safetensors.read(file).tensors();
    long elements = tensors.values().stream().mapToLong(Tensor::sizeBytes).sum();
    assertThat(elements).isBetween(1_000_000L, 1_087_760L);
    assertThat(tensors.keySet()).anyMatch(name -> name.endsWith("running_mean"));
  }

  @Test
  void keepsTheOrderOfTheHeader() throws IOException {
    Path file =
        file(
            "{'z':{'dtype':'U8','shape':[1],'data_offsets':[1,2]},"
                + "'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}",
            2);
    assertThat(Safetensors.read(file).tensors().keySet()).containsExactly("z", "a");
  }

  @Test
  void skipsFieldsItDoesNotKnow() throws IOException {
    Path file = file("{'a':{'x':[{'y':1}],'dtype':'U8','shape':[1],'data_offsets':[0,1]}}  \n", 1);
    assertThat(Safetensors.read(file).tensors()).containsOnlyKeys("a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '#',
      value = {
        "[]|0|does not begin with",
        "{'a':|0|not valid JSON",
        "{} {}|0|goes on after",
        "{'a':5}|0|'a' is not described by an object",
        "{'a':{'dtype':'U8','shape':[1]}}|1|lacks one of",
        "{'a':{'dtype':'U9','shape':[1],'data_offsets':[0,1]}}|1|dtype 'U9'; known are",
        "{'a':{'dtype':8,'shape':[1],'data_offsets':[0,1]}}|1|dtype that is not text",
        "{'a':{'dtype':'U8','dtype':'U8','shape':[1],'data_offsets':[0,1]}}|1|dtype twice",
        "{'a':{'dtype':'U8','shape':[1],'shape':[1],'data_offsets':[0,1]}}|1|shape twice",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1],'data_offsets':[0,1]}}|1|offsets twice",
        "{'a':{'dtype':'U8','shape':1,'data_offsets':[0,1]}}|1|is not a list",
        "{'a':{'dtype':'U8','shape':[1.0],'data_offsets':[0,1]}}|1|no whole number",
        "{'a':{'dtype':'U8','shape':['1'],'data_offsets':[0,1]}}|1|no whole number",
        "{'a':{'dtype':'U8','shape':[-1],'data_offsets':[0,1]}}|1|negative",
        "{'a':{'dtype':'U8','shape':[9223372036854775808],'data_offsets':[0,1]}}|1|not valid JSON",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0]}}|1|other than two",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1,2]}}|1|more than 2 numbers",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[1,2]}}|2|without holes",
        "{'a':{'dtype':'U8','shape':[0],'data_offsets':[0,0]}}|1|has something appended",
        "{'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}}|1|cut short",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,3]}}|3|need 4",
        "{'a':{'dtype':'U8','shape':[4294967296,4294967296],'data_offsets':[0,1]}}|1|counted",
        "{'a':{'dtype':'F64','shape':[9223372036854775807],'data_offsets':[0,1]}}|1|counted",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},"
            + "'b':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}}|2|without holes",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},"
            + "'b':{'dtype':'U8','shape':[0],'data_offsets':[1,0]}}|1|ends before it begins",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},"
            + "'a':{'dtype':'U8','shape':[1],'data_offsets':[1,2]}}|2|tensor 'a' twice",
        "{'__metadata__':{'k':1}}|0|entry 'k' is not text",
        "{'__metadata__':{'k':null}}|0|entry 'k' is not text",
        "{'__metadata__':{'k':'1','k':'2'}}|0|entry 'k' is there twice",
        "{'__metadata__':[]}|0|is not an object",
        "{'__metadata__':{},'__metadata__':{}}|0|__metadata__ twice"
      })
  void refusesABrokenHeader(String header, int dataBytes, String message) throws IOException {
    Path file = file(header, dataBytes);
    assertThatThrownBy(() -> Safetensors.read(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void refusesMoreDimensionsThanAnyLayerHas() throws IOException {
    String ones = "1" + ",1".repeat(64);
    Path file = file("{'a':{'dtype':'U8','shape':[" + ones + "],'data_offsets':[0,1]}}", 1);
    assertRefused(file, "more than 64 numbers");
  }

  @Test
  void refusesTruthValuesOtherThanZeroAndOne() throws IOException {
    Path file = file("{'a':{'dtype':'BOOL','shape':[1],'data_offsets':[0,1]}}", 1);
    byte[] content = Files.readAllBytes(file);
    content[content.length - 1] = 2;
    Files.write(file, content);
    assertRefused(file, "one is stored as 2");
  }

  @ParameterizedTest
  @ValueSource(longs = {100_000_001, Long.MAX_VALUE, -1})
  void refusesHeadersThatAreTooLong(long length) throws IOException {
    Path file = folder.resolve("long.safetensors");
    Files.write(
        file, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    assertRefused(file, Long.toUnsignedString(length) + " bytes, more than the 100000000");
  }

  @Test
  void refusesFilesThatEndInTheHeader() throws IOException {
    Path file = folder.resolve("short.safetensors");
    Files.write(file, new byte[7]);
    assertRefused(file, "the length of the header needs 8 bytes");
    Files.write(file, ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putLong(5).array());
    assertRefused(file, "the header needs 5 bytes");
  }

  @Test
  void refusesAHeaderThatIsNotUtf8() throws IOException {
    Path file = folder.resolve("latin.safetensors");
    byte[] content = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(2).array();
    content[8] = '{';
    content[9] = (byte) 0xE9;
    Files.write(file, content);
    assertRefused(file, "not UTF-8");
  }

  @Test
  void refusesWhatIsNoFile() {
    assertRefused(folder.resolve("missing"), "does not exist");
    assertRefused(folder, "not a regular file");
  }

  @Test
  void refusesMoreThanTheCallerAllows() throws IOException {
    Path file = file("{'a':{'dtype':'U8','shape':[5000],'data_offsets':[0,5000]}}", 5000);
    assertThat(Safetensors.read(file, 10_000).tensors()).containsOnlyKeys("a");
    assertThatThrownBy(() -> Safetensors.read(file, 5000))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("tensor 'a' would take the memory for this file above 5000");
  }

  @Test
  void writesTheSameBytesWhateverTheOrder() throws IOException {
    Map<String, Tensor> forward = new LinkedHashMap<>();
    forward.put("b", Tensor.ofLongs(new long[] {1}, 1));
    forward.put("a", Tensor.ofFloats(new float[] {2}));
    Map<String, Tensor> backward = new LinkedHashMap<>();
    backward.put("a", Tensor.ofFloats(new float[] {2}));
    backward.put("b", Tensor.ofLongs(new long[] {1}, 1));
    Path first = folder.resolve("1.safetensors");
    Path second = folder.resolve("2.safetensors");
    Safetensors.write(first, forward, Map.of("k", "v", "a", "b", "z", "y"));
    Safetensors.write(second, backward, Map.of("z", "y", "a", "b", "k", "v"));
    assertThat(first).hasSameBinaryContentAs(second);
    long header =
        ByteBuffer.wrap(Files.readAllBytes(first)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat(header % 8).isZero();
  }

  @Test
  void refusesToWriteWhatTheFormatCannotHold() throws IOException {
    Path file = folder.resolve("former.safetensors");
    Files.writeString(file, "former");
    Tensor packed = Tensor.ofRaw(DataType.INT4, new byte[1], 2);
    Tensor good = Tensor.ofFloats(new float[1], 1);
    assertThatThrownBy(() -> Safetensors.write(file, Map.of("w", packed), Map.of()))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("tensor 'w' is of INT4");
    assertThatThrownBy(() -> Safetensors.write(file, Map.of("__metadata__", good), Map.of()))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("cannot be called '__metadata__'");
    assertThatThrownBy(() -> Safetensors.write(file, Map.of("\uD83D", good), Map.of()))
        .isInstanceOf(WeightsException.class);
    assertThat(file).hasContent("former");
    assertThatThrownBy(() -> Safetensors.write(folder.resolve("no/f"), Map.of("w", good), Map.of()))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("folder does not exist");
  }

  private static void assertRefused(Path file, String message) {
    assertThatThrownBy(() -> Safetensors.read(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  /** A file with this header, in single quotes, and so many bytes of zeros. */
  private Path file(String header, int dataBytes) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer content =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    content.putLong(json.length).put(json);
    return Files.write(folder.resolve("f.safetensors"), content.array());
  }

  private static int[] shorts(Tensor tensor) {
    int[] values = new int[(int) tensor.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.data().getShort(2 * i) & 0xFFFF;
    }
    return values;
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] values = new byte[(int) tensor.elementCount()];
    tensor.data().get(values);
    return values;
  }
}
