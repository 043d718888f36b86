package dev.octet.torch.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GenericDict;
import org.bytedeco.pytorch.GenericDictIterator;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Compares what LibTorch computes from a file with what ONNX Runtime computes from the model. */
final class Scripts {
  private static final long SEED = 3;

  private Scripts() {}

  /** Compiles {@code source}, methods of a module, and saves it. */
  static Path save(Path folder, String source) {
    return save(folder, source, Map.of());
  }

  /** The same with parameters. */
  static Path save(Path folder, String source, Map<String, Tensor> parameters) {
    try (PointerScope scope = new PointerScope()) {
      JitModule module = new JitModule(new org.bytedeco.pytorch.QualifiedName("M"));
      parameters.forEach((name, value) -> module.register_parameter(name, value, false));
      module.define(source);
      Path file = folder.resolve("m.pt");
      module.save(file.toString());
      return file;
    }
  }

  /** Converts {@code file}, compares both on random inputs and returns the model. */
  static Model check(Path file, double tolerance, ExampleInput... inputs) {
    Model model = TorchScript.read(file, inputs);
    Random random = new Random(SEED);
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    List<Object> arrays = new ArrayList<>();
    int position = 0;
    for (var input : model.graph().inputs()) {
      ExampleInput example = inputs[position++];
      int[] shape = example.shape().stream().mapToInt(Math::toIntExact).toArray();
      int count = 1;
      for (int size : shape) {
        count *= size;
      }
      if (example.type() == DataType.FLOAT) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = (float) random.nextGaussian();
        }
        arrays.add(values);
        feeds.put(input.name(), HostTensor.ofFloats(shape, values));
      } else {
        long[] values = random.longs(count, 0, 3).toArray();
        arrays.add(values);
        feeds.put(input.name(), HostTensor.ofLongs(shape, values));
      }
    }
    Map<String, double[]> actual = new LinkedHashMap<>();
    Map<String, String> shapes = new LinkedHashMap<>();
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(
          feeds,
          (name, value) -> {
            shapes.put(name, java.util.Arrays.toString(value.shape()));
            actual.put(name, doubles(value));
          });
    }
    List<double[]> expected = new ArrayList<>();
    List<String> expectedShapes = new ArrayList<>();
    try (PointerScope scope = new PointerScope()) {
      JitModule module = torch.load(file.toString());
      module.eval();
      IValueVector stack = new IValueVector();
      for (int i = 0; i < arrays.size(); i++) {
        long[] shape = inputs[i].shape().stream().mapToLong(Long::longValue).toArray();
        Tensor tensor =
            arrays.get(i) instanceof float[] floats
                ? Tensor.create(floats, shape)
                : Tensor.create((long[]) arrays.get(i), shape);
        stack.push_back(new IValue(tensor));
      }
      collect(module.forward(stack), expected, expectedShapes);
    }
    assertThat(shapes.values()).containsExactlyElementsOf(expectedShapes);
    int index = 0;
    for (Map.Entry<String, double[]> output : actual.entrySet()) {
      double[] wanted = expected.get(index++);
      double largest = 1e-30;
      for (double value : wanted) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < wanted.length; i++) {
        if (!(Double.isNaN(wanted[i]) && Double.isNaN(output.getValue()[i]))
            && wanted[i] != output.getValue()[i]) {
          assertThat(output.getValue()[i])
              .as(output.getKey() + " at " + i)
              .isCloseTo(wanted[i], within(tolerance * largest));
        }
      }
    }
    return model;
  }

  private static double[] doubles(HostTensor value) {
    double[] numbers = new double[Math.toIntExact(value.elementCount())];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          switch (value.type()) {
            case FLOAT32 -> value.floats()[i];
            case FLOAT64 -> value.doubles()[i];
            case INT64 -> value.longs()[i];
            case INT32 -> value.ints()[i];
            case INT8, UINT8, BOOL -> value.byteBuffer().get(i);
          };
    }
    return numbers;
  }

  private static void collect(IValue value, List<double[]> numbers, List<String> shapes) {
    if (value.isTensor()) {
      Tensor tensor = value.toTensor();
      long[] shape = NativeTensors.shape(tensor);
      shapes.add(java.util.Arrays.toString(shape));
      Tensor flat = tensor.to(torch.ScalarType.Double).contiguous().reshape(-1);
      double[] values = new double[Math.toIntExact(flat.numel())];
      for (int i = 0; i < values.length; i++) {
        values[i] = flat.select(0, i).item_double();
      }
      numbers.add(values);
    } else if (value.isTuple()) {
      var elements = value.toTuple().elements();
      for (long i = 0; i < elements.size(); i++) {
        collect(elements.at(i), numbers, shapes);
      }
    } else if (value.isList()) {
      var list = value.toList();
      for (long i = 0; i < list.size(); i++) {
        collect(list.get(i), numbers, shapes);
      }
    } else if (value.isGenericDict()) {
      GenericDict dict = value.toGenericDict();
      GenericDictIterator end = dict.end();
      for (GenericDictIterator i = dict.begin(); !i.equals(end); i.increment()) {
        collect(i.access().value(), numbers, shapes);
      }
    }
  }
}
