package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.io.ByteArrayInputStream;
import java.io.RandomAccessFile;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxReaderTest {
  private static final int MANY = 3_000_000;

  static Stream<Arguments> broken() {
    return BrokenModels.models().entrySet().stream()
        .map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void refusesABrokenModelAndNamesTheFault(String name, BrokenModels.Broken broken) {
    byte[] content = broken.model().toByteArray();
    assertThatThrownBy(() -> OnnxReader.read(content, "broken.onnx"))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("broken.onnx: ")
        .hasMessageContaining(broken.message());
  }

  @Test
  void namesGraphAndNodeInOneSentence() {
    byte[] content = BrokenModels.models().get("dangling").model().toByteArray();
    assertThatThrownBy(() -> OnnxReader.read(content, "a.onnx"))
        .hasMessage("a.onnx: graph 'main': node 0 (Add) reads 'ghost', which nobody makes");
  }

  @Test
  void refusesEveryPrefixOfAModel() {
    byte[] whole = SampleModels.branches().toByteArray();
    for (int length = 0; length < whole.length; length++) {
      byte[] prefix = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> OnnxReader.read(prefix, "cut"))
          .as("the first %d bytes", length)
          .isInstanceOf(ModelException.class);
    }
  }

  @Test
  void refusesALengthThatTheFileDoesNotHave() {
    assertThatThrownBy(() -> OnnxReader.read(BrokenModels.claim(Integer.MAX_VALUE), "liar"))
        .hasMessage(
            "liar: the file is damaged or no ONNX model that can be read: a part of 2147483647"
                + " bytes begins, but 0 are left (byte 6)");
    assertThatThrownBy(() -> OnnxReader.read(BrokenModels.claim(-1), "liar"))
        .hasMessageContaining("a part of 18446744073709551615 bytes begins");
  }

  @Test
  void refusesMillionsOfEmptyNodesBeforeBuildingThem() {
    assertThatThrownBy(() -> OnnxReader.read(BrokenModels.emptyNodes(MANY), "bomb"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the limit (maxNodes) of 1000000");
    ReadLimits limits = ReadLimits.defaults().withMaxNodes(MANY).withMaxTotalBytes(1 << 30);
    assertThatThrownBy(() -> OnnxReader.read(BrokenModels.emptyNodes(MANY), "bomb", limits))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the limit (maxTotalBytes) is 1073741824");
  }

  @Test
  void refusesUnknownGroupsWithinEachOther() {
    assertThatThrownBy(() -> OnnxReader.read(BrokenModels.groups(MANY), "deep"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("messages nest deeper than 80 levels");
  }

  @Test
  void readsGraphsAsDeepAsTheLimitAllows() {
    ReadLimits deepest = ReadLimits.defaults().withMaxNesting(64);
    byte[] content = BrokenModels.nested(64).toByteArray();
    assertThat(OnnxReader.read(content, "deep", deepest).graph().nodeCount()).isEqualTo(1);
    assertThatThrownBy(() -> OnnxReader.read(content, "deep", deepest.withMaxNesting(63)))
        .hasMessageContaining("(maxNesting) of 63");
  }

  @Test
  void keepsToTheOtherLimits() {
    byte[] content = SampleModels.typedData().toByteArray();
    ReadLimits limits = ReadLimits.defaults();
    assertThatThrownBy(() -> OnnxReader.read(content, "m", limits.withMaxFileBytes(100)))
        .hasMessageContaining("the limit (maxFileBytes) is 100");
    assertThatThrownBy(
            () ->
                OnnxReader.read(
                    new ByteArrayInputStream(content), "m", limits.withMaxFileBytes(100)))
        .hasMessageContaining("the limit (maxFileBytes) is 100");
    assertThatThrownBy(() -> OnnxReader.read(content, "m", limits.withMaxTensors(3)))
        .hasMessageContaining("the limit (maxTensors) of 3");
    assertThatThrownBy(() -> OnnxReader.read(content, "m", limits.withMaxTensorBytes(8)))
        .hasMessageContaining("needs 16 bytes; the limit (maxTensorBytes) is 8");
    assertThatThrownBy(() -> limits.withMaxNesting(65)).hasMessageContaining("choose 0 to 64");
    assertThatThrownBy(() -> limits.withMaxNodes(0)).hasMessage("maxNodes is 0; choose 1 or more");
  }

  @Test
  void readsEveryElementTypeFromItsTypedField() {
    Model model = OnnxReader.read(SampleModels.typedData().toByteArray(), "typed");
    assertThat(longs(model, "int64")).containsExactly(Long.MIN_VALUE);
    assertThat(longs(model, "uint64")).containsExactly(-1);
    assertThat(longs(model, "uint32")).containsExactly(0xFFFF_FFFFL);
    assertThat(longs(model, "int32")).containsExactly(-5);
    assertThat(longs(model, "int16")).containsExactly(-300);
    assertThat(longs(model, "uint16")).containsExactly(65535);
    assertThat(longs(model, "int8")).containsExactly(-128, 127);
    assertThat(longs(model, "uint8")).containsExactly(255);
    assertThat(longs(model, "bool")).containsExactly(1, 0);
    assertThat(raw(model, "float")).containsExactly(0, 0, 0x80, 0x3F, 0, 0, 0xC0, 0x7F);
    assertThat(raw(model, "complex64")).containsExactly(0, 0, 0x80, 0x3F, 0, 0, 0, 0x40);
    assertThat(raw(model, "float16")).containsExactly(0x00, 0x3C);
    assertThat(raw(model, "bfloat16")).containsExactly(0x80, 0x3F);
    assertThat(raw(model, "float8")).containsExactly(0x38);
    assertThat(raw(model, "int4")).containsExactly(0x21, 0x0F);
    assertThat(raw(model, "uint4")).containsExactly(0xFF);
    assertThat(raw(model, "float4")).containsExactly(0x07);
    assertThat(raw(model, "empty")).isEmpty();
    assertThat(model.graph().value("complex128").initializer().sizeBytes()).isEqualTo(16);
    assertThat(model.graph().value("string").initializer().type()).isEqualTo(DataType.STRING);
    assertThat(model.graph().value("string").initializer().strings().get(1).toArray())
        .containsExactly(0xFF);
  }

  @Test
  void linksNodesOfBranchesToTheValueAround() {
    Model model = OnnxReader.read(SampleModels.branches().toByteArray(), "if");
    Value x = model.graph().value("x");
    assertThat(x.consumers()).extracting(Node::op).containsExactly("Relu", "Mul");
    Node branch = model.graph().nodes().get(0);
    assertThat(branch.nestedGraphs()).extracting(g -> g.parent()).containsOnly(model.graph());
  }

  @Test
  void sortsNodesAndKeepsLinksThatAreLeftOut() {
    Model model = OnnxReader.read(SampleModels.optionalLinks().toByteArray(), "order");
    assertThat(model.graph().nodes())
        .extracting(Node::op)
        .containsExactly("Dropout", "Relu", "Clip");
    assertThat(model.graph().nodes().get(0).outputs()).hasSize(2).last().isNull();
    assertThat(model.graph().nodes().get(2).inputs()).hasSize(3).last().isNull();
  }

  @Test
  void anInitializerThatIsAnInputIsNoConstant() {
    Model model = OnnxReader.read(SampleModels.initializerIsInput().toByteArray(), "old");
    Value w = model.graph().value("w");
    assertThat(w.isInput()).isTrue();
    assertThat(w.initializer()).isNotNull();
    assertThat(w.constant()).isNull();
  }

  @Test
  void takesTheLongNameOfOnnxsDomainForTheShortOne() {
    var proto = SampleModels.relu().toBuilder();
    proto.getOpsetImportBuilder(0).setDomain("ai.onnx");
    proto.getGraphBuilder().getNodeBuilder(0).setDomain("ai.onnx");
    Model model = OnnxReader.read(proto.build().toByteArray(), "long");
    assertThat(model.opset()).isEqualTo(13);
    assertThat(model.graph().nodes().get(0).is("Relu")).isTrue();
  }

  @Test
  void keepsAttributesItHasNoUseFor() {
    Model model = OnnxReader.read(SampleModels.attributes().toByteArray(), "attributes");
    Node node = model.graph().nodes().get(0);
    assertThat(node.intAttribute("i", 0)).isEqualTo(-1);
    assertThat(node.stringAttribute("s", "")).isEqualTo("ß");
    assertThat(node.attribute("sp")).isInstanceOf(Attribute.Opaque.class);
    assertThat(node.attribute("ref")).isInstanceOf(Attribute.Opaque.class);
    assertThat(node.attribute("bytes")).isInstanceOf(Attribute.Opaque.class);
  }

  @Test
  void refusesAFileLargerThanHalfTheHeapWithoutReadingIt(@TempDir Path folder) throws Exception {
    long heap = Runtime.getRuntime().maxMemory();
    Assumptions.assumeTrue(heap / 2 < Integer.MAX_VALUE, "the heap is too large for the test");
    Path sparse = folder.resolve("sparse.onnx");
    try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
      file.setLength(heap / 2 + 1);
    }
    assertThatThrownBy(() -> OnnxReader.read(sparse))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("more than half of the heap; give the JVM more (-Xmx)");
  }

  @Test
  void readsAStreamToItsEnd() {
    byte[] content = BrokenModels.emptyNodes(MANY); // longer than the first buffer
    assertThatThrownBy(() -> OnnxReader.read(new ByteArrayInputStream(content), "stream"))
        .hasMessageContaining("the limit (maxNodes)");
    byte[] small = SampleModels.relu().toByteArray();
    Model model = OnnxReader.read(new ByteArrayInputStream(small), "stream");
    assertThat(OnnxWriter.toBytes(model))
        .isEqualTo(OnnxWriter.toBytes(OnnxReader.read(small, "bytes")));
  }

  @Test
  void readingAFileLeavesNoNativeMemoryOfItsSize(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("zeros.onnx"), new byte[16 << 20]);
    long before = nativeBytes();
    assertThatThrownBy(() -> OnnxReader.read(file)).isInstanceOf(ModelException.class);
    assertThat(nativeBytes() - before).isLessThan(1 << 20);
  }

  private static long nativeBytes() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .mapToLong(BufferPoolMXBean::getTotalCapacity)
        .sum();
  }

  @Test
  void saysWhenThereIsNoSuchFileOrNoFileAtAll(@TempDir Path folder) {
    assertThatThrownBy(() -> OnnxReader.read(folder.resolve("none.onnx")))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("none.onnx: there is no such file");
    assertThatThrownBy(() -> OnnxReader.read(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("this is not a regular file");
  }

  private static long[] longs(Model model, String name) {
    return model.graph().value(name).initializer().toLongs();
  }

  private static int[] raw(Model model, String name) {
    var data = model.graph().value(name).initializer().data();
    int[] bytes = new int[data.remaining()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = data.get(i) & 0xFF;
    }
    return bytes;
  }
}
