package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import java.util.List;
import java.util.function.Function;

/**
 * A group of modules that fuse in a way of your own: an entry of PyTorch's {@code
 * additional_fuser_method_mapping}. It counts before the groups that are there.
 *
 * @param types what the modules are, in the order in which they compute: simple names of classes,
 *     for activations those of the functions, such as {@code Conv2d} and {@code GELU}
 * @param fused makes what stands in the place of the first, and owns the modules from there on:
 *     those that it does not go on using it closes. The others' places get an {@link
 *     dev.octet.torch.nn.Identity}
 */
public record Fuser(List<String> types, Function<List<Module>, Module> fused) {
  /** Copies the list. */
  public Fuser {
    types = List.copyOf(types);
    if (types.size() < 2) {
      throw new IllegalArgumentException("at least two modules fuse, not " + types);
    }
  }
}
