package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import java.util.List;

/** Examples in memory. */
record ExampleList(List<Example> all, String description) implements Dataset {

  ExampleList {
    all = List.copyOf(all);
    if (all.isEmpty()) {
      throw new DataException("there is no sample in " + description + "; give one or more");
    }
  }

  @Override
  public int size() {
    return all.size();
  }

  @Override
  public Example get(int index) {
    return all.get(index);
  }

  @Override
  public int label(int index) {
    return all.get(index).label();
  }
}
