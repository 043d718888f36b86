package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.quantized.ConversionReport;
import java.util.List;

/**
 * What a conversion made.
 *
 * @param model the converted model: the one that was prepared, with modules replaced, or what took
 *     its place where it was a single layer
 * @param report every layer, quantized or not
 * @param remarks what was not observed, not fused, not supported or left in float, with reasons
 */
public record Conversion(Module model, ConversionReport report, List<Remark> remarks) {
  /** Copies the list. */
  public Conversion {
    remarks = List.copyOf(remarks);
  }

  /** The remarks of a kind. */
  public List<Remark> remarks(Remark.Kind kind) {
    return remarks.stream().filter(each -> each.kind() == kind).toList();
  }
}
