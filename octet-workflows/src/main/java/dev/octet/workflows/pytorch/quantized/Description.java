package dev.octet.workflows.pytorch.quantized;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.nn.ExtraState;
import dev.octet.torch.nn.RNN;
import dev.octet.torch.op.EmbeddingOps;
import dev.octet.torch.op.Recurrence;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a quantized module is, beside its tensors: enough to build it again. As JSON it is the
 * module's extra state, and so part of the file that a model is saved in.
 *
 * @param kind which module
 * @param relu whether negative results become zero
 * @param inputs parameters of the inputs, null where unknown
 * @param output parameters of the result
 * @param weight how the weight is stored
 * @param conv of convolutions
 * @param recurrence of recurrent layers and cells
 * @param table of embeddings
 * @param dynamic of dynamic products
 * @param call of operations between tensors: what a call of the module computes
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Description(
    String kind,
    boolean relu,
    @Nullable List<@Nullable Activation> inputs,
    @Nullable Activation output,
    @Nullable Weight weight,
    @Nullable ConvSettings conv,
    @Nullable Recurrence recurrence,
    @Nullable Table table,
    @Nullable Dynamic dynamic,
    Functional.@Nullable Call call)
    implements ExtraState {

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  /** Parameters of an activation. */
  record Activation(float scale, int zeroPoint, int qmin, int qmax) {
    static @Nullable Activation of(@Nullable QuantParams params) {
      return params == null
          ? null
          : new Activation(params.scale(0), params.zeroPoint(0), params.qmin(), params.qmax());
    }

    QuantParams params() {
      return QuantParams.affine(scale, zeroPoint, qmin, qmax);
    }
  }

  /**
   * How a weight is stored.
   *
   * @param axis what keeps its own scale; null for one scale
   */
  record Weight(WeightFormat format, @Nullable Integer axis) {}

  /** The settings of an embedding. */
  record Table(
      long features,
      @Nullable Long paddingIdx,
      EmbeddingOps.@Nullable Reduction mode,
      boolean includeLastOffset) {
    OptionalLong padding() {
      return paddingIdx == null ? OptionalLong.empty() : OptionalLong.of(paddingIdx);
    }
  }

  /** How a dynamic product finds the integers of its input. */
  record Dynamic(boolean perToken, boolean reduceRange) {}

  /** As the file has it. */
  @Override
  public String text() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads {@link #text}.
   *
   * @throws IllegalArgumentException if it is no description
   */
  static Description parse(String text) {
    try {
      Description read = JSON.readValue(text, Description.class);
      if (read == null || read.kind == null) {
        throw new IllegalArgumentException("the description of a quantized module has no kind");
      }
      return read;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "this is no description of a quantized module: " + e.getOriginalMessage(), e);
    }
  }

  /** Whether tensors of one fit the other; what is known of inputs may differ. */
  boolean sameModule(Description other) {
    return kind.equals(other.kind)
        && relu == other.relu
        && Objects.equals(output, other.output)
        && Objects.equals(weight, other.weight)
        && Objects.equals(String.valueOf(conv), String.valueOf(other.conv))
        && Objects.equals(recurrence, other.recurrence)
        && Objects.equals(table, other.table)
        && Objects.equals(dynamic, other.dynamic)
        && Objects.equals(call, other.call);
  }

  /** Makes sure that a state is of this module; there is nothing more to take over. */
  @Override
  public void load(String text) {
    if (!parse(text).sameModule(this)) {
      throw new IllegalArgumentException(
          "the state is of another module than this "
              + kind
              + "; QuantizedModules.load builds the modules that a file is of");
    }
  }

  /** Parameters of the inputs that are known, up to the first that is not. */
  List<QuantParams> knownInputs() {
    List<QuantParams> known = new ArrayList<>();
    for (Activation each : inputs == null ? List.<Activation>of() : inputs) {
      if (each == null) {
        return known;
      }
      known.add(each.params());
    }
    return known;
  }

  /** Parameters of the result, if it has some. */
  @Nullable QuantParams knownOutput() {
    return output == null ? null : output.params();
  }

  /**
   * A part that must be there.
   *
   * @throws IllegalArgumentException if it is not
   */
  static <T> T need(@Nullable T part, String what) {
    if (part == null) {
      throw new IllegalArgumentException("the description of a module has no " + what);
    }
    return part;
  }

  /** Collects a description. */
  static final class Builder {
    private final String kind;
    private boolean relu;
    private @Nullable List<@Nullable Activation> inputs;
    private @Nullable Activation output;
    private @Nullable Weight weight;
    private @Nullable ConvSettings conv;
    private @Nullable Recurrence recurrence;
    private @Nullable Table table;
    private @Nullable Dynamic dynamic;
    private Functional.@Nullable Call call;

    Builder(String kind) {
      this.kind = kind;
    }

    Builder relu(boolean on) {
      relu = on;
      return this;
    }

    Builder inputs(List<@Nullable QuantParams> known) {
      List<@Nullable Activation> all = new ArrayList<>();
      known.forEach(each -> all.add(Activation.of(each)));
      inputs = all.isEmpty() ? null : all;
      return this;
    }

    Builder output(@Nullable QuantParams params) {
      output = Activation.of(params);
      return this;
    }

    Builder weight(Weight form) {
      weight = form;
      return this;
    }

    Builder conv(ConvSettings settings) {
      conv = settings;
      return this;
    }

    Builder recurrence(Recurrence settings) {
      recurrence = settings;
      return this;
    }

    Builder cell(Recurrence.Kind cell, int in, int hidden, boolean bias) {
      return recurrence(new Recurrence(cell, in, hidden, 1, bias, false, 0, false, 0));
    }

    Builder table(Table settings) {
      table = settings;
      return this;
    }

    Builder dynamic(Dynamic settings) {
      dynamic = settings;
      return this;
    }

    Builder call(Functional.@Nullable Call operation) {
      call = operation;
      return this;
    }

    Description build() {
      return new Description(
          kind, relu, inputs, output, weight, conv, recurrence, table, dynamic, call);
    }
  }

  /** The function of a cell's step. */
  static RNN.Nonlinearity nonlinearity(Recurrence recurrence) {
    return recurrence.kind() == Recurrence.Kind.RNN_RELU
        ? RNN.Nonlinearity.RELU
        : RNN.Nonlinearity.TANH;
  }
}
