package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Where real numbers become integers: what a {@code QuantStub} is converted to. */
public final class Quantize extends QuantizedModule {
  static final String KIND = "Quantize";

  /** The border of a quantized part, of a scale and zero point. */
  public Quantize(QuantParams params) {
    super(List.of(), 0, params, true);
  }

  static Quantize of(Parts parts) {
    return new Quantize(Description.need(parts.description().knownOutput(), "output"));
  }

  @Override
  Tensor compute(Tensor... x) {
    return x[0];
  }

  @Override
  protected Description extraState() {
    return description(KIND).build();
  }

  @Override
  protected String settings() {
    return scaleText().substring(2);
  }
}
