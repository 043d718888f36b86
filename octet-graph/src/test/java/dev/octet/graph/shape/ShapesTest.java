package dev.octet.graph.shape;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.ModelsNearby;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.Value;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShapesTest {

  /** Every value of the model becomes an output; what was inferred must be what comes out. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "mnist-cnn",
        "resnet20-cifar10",
        "squeezenet1_1-imagenet",
        "mobilenetv2-cifar10",
        "sst2-transformer",
        "dtln-1"
      })
  void agreeWithWhatRealModelsMake(String name) {
    Model model = ModelsNearby.read(name);
    Shapes shapes = Shapes.infer(model.graph());
    List<Value> made = new ArrayList<>();
    for (Value value : model.graph().values()) {
      if (value.producer() != null && !value.producer().is("Constant")) {
        assertThat(shapes.rank(value)).as(value.name()).isPresent();
        assertThat(shapes.elementType(value)).as(value.name()).isNotNull();
        made.add(value);
        if (!value.isOutput()) {
          model.graph().addOutput(value);
        }
      }
    }
    Map<String, Object> outputs = OrtEquality.run(model);
    for (Value value : made) {
      List<Long> actual = dimensions(outputs.get(value.name()));
      List<Dimension> inferred = shapes.shape(value);
      assertThat(inferred).as(value.name()).hasSameSizeAs(actual);
      for (int i = 0; i < actual.size(); i++) {
        if (inferred.get(i) instanceof Dimension.Fixed fixed) {
          assertThat(fixed.size()).as(value.name() + " " + inferred).isEqualTo(actual.get(i));
        }
      }
    }
  }

  private static List<Long> dimensions(Object value) {
    List<Long> result = new ArrayList<>();
    for (Object at = value; at.getClass().isArray(); at = Array.get(at, 0)) {
      result.add((long) Array.getLength(at));
    }
    return result;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Relu(x) | float[n, 3, 8, 6]",
        "Add(x, row) | float[n, 3, 8, 6]",
        "Equal(x, row) | bool[n, 3, 8, 6]",
        "Cast(x) to=7 | int64[n, 3, 8, 6]",
        "Conv(x, w) | float[n, 4, 6, 4]",
        "Conv(x, w) pads=[1,1,1,1] strides=[2,2] | float[n, 4, 4, 3]",
        "Conv(x, w) dilations=[2,2] | float[n, 4, 4, 2]",
        "Conv(x, w) auto_pad=\"SAME_UPPER\" strides=[2,2] | float[n, 4, 4, 3]",
        "ConvTranspose(x, wt) group=3 | float[n, 6, ?, ?]",
        "MaxPool(x) kernel_shape=[2,2] strides=[2,2] | float[n, 3, 4, 3]",
        "AveragePool(x) kernel_shape=[3,3] strides=[2,2] ceil_mode=1 | float[n, 3, ?, ?]",
        "GlobalAveragePool(x) | float[n, 3, 1, 1]",
        "Flatten(x) | float[n, 144]",
        "Flatten(x) axis=2 | float[?, 48]",
        "Flatten(x) axis=-1 | float[?, 6]",
        "Transpose(x) | float[6, 8, 3, n]",
        "Transpose(x) perm=[0,2,3,1] | float[n, 8, 6, 3]",
        "Concat(x, x) axis=1 | float[n, 6, 8, 6]",
        "Concat(x, x) axis=0 | float[?, 3, 8, 6]",
        "Reshape(x, target) | float[n, ?, 2]",
        "Reshape(fixed, target) | float[5, 3, 2]",
        "Squeeze(m, axis0) | float[4]",
        "Squeeze(m) | float[4]",
        "Unsqueeze(m, axis0) | float[1, 1, 4]",
        "Gather(x, ids) axis=1 | float[n, b, 2, 8, 6]",
        "MatMul(x, mat) | float[n, 3, 8, 5]",
        "MatMul(m, m2) | float[1, 7]",
        "Gemm(m, m3) transB=1 | float[1, 9]",
        "Shape(x) | int64[4]",
        "ReduceMean(x) axes=[-1,-2] | float[n, 3, 1, 1]",
        "ReduceMean(x) axes=[1] keepdims=0 | float[n, 8, 6]",
        "ArgMax(x) axis=1 keepdims=0 | int64[n, 8, 6]",
        "Where(cond, x, row) | float[n, 3, 8, 6]",
        "Expand(m, target) | unknown",
        "Expand(row, shape4) | float[2, 1, 8, 6]",
        "ConstantOfShape(shape4) | float[2, 1, 8, 1]",
        "Slice(x, axis0, axis0) | float[?, ?, ?, ?]",
        "my.Op(x) | unknown",
        "Transpose(x) perm=[7] | unknown",
        "Squeeze(x, computed) | unknown"
      })
  void followFromTheOperator(String node, String expected) {
    Graph graph =
        GraphText.parse(
            """
            input x float[n,3,8,6]
            input fixed float[5,6]
            input ids int64[b,2]
            input cond bool[n,1,1,1]
            input computed int64[k]
            const row float[6] 1
            const w float[4,3,3,3] 1
            const wt float[3,2,2,2] 1
            const mat float[6,5] 1
            const m float[1,4] 1
            const m2 float[4,7] 1
            const m3 float[9,4] 1
            const target int64[3] 0 -1 2
            const shape4 int64[4] 2 1 8 1
            const axis0 int64[1] 0
            y = %s
            return y
            """
                .formatted(node));
    Shapes shapes = Shapes.infer(graph);
    Value y = graph.value("y");
    DataType element = shapes.elementType(y);
    String actual =
        shapes.shape(y) == null
            ? "unknown"
            : element.name().toLowerCase(java.util.Locale.ROOT) + shapes.shape(y);
    assertThat(actual).isEqualTo(expected);
  }

  @Test
  void completeWhatIsDeclaredButNeverContradictIt() {
    Graph graph =
        GraphText.parse(
            """
            input x float[n,3]
            y = Relu(x)
            type y float[batch,?]
            z = Relu(y)
            type z float[2,3]
            return z
            """);
    Shapes shapes = Shapes.infer(graph);
    assertThat(shapes.shape(graph.value("y")))
        .containsExactly(new Dimension.Symbolic("batch"), new Dimension.Fixed(3));
    assertThat(shapes.shape(graph.value("z")))
        .containsExactly(new Dimension.Fixed(2), new Dimension.Fixed(3));
  }
}
