package dev.octet.torch.data;

/** Some samples of another set, in an order of their own. */
final class Subset implements Dataset {

  private final Dataset all;
  private final int[] indices;
  private final String description;

  Subset(Dataset all, int[] indices, String description) {
    if (indices.length == 0) {
      throw new IllegalArgumentException("the subset is empty; choose one or more samples");
    }
    for (int index : indices) {
      if (index < 0 || index >= all.size()) {
        throw new IllegalArgumentException(
            "sample " + index + " is not there; the set has 0 to " + (all.size() - 1));
      }
    }
    this.all = all;
    this.indices = indices;
    this.description = description;
  }

  @Override
  public int size() {
    return indices.length;
  }

  @Override
  public Example get(int index) {
    return all.get(indices[index]);
  }

  @Override
  public int label(int index) {
    return all.label(indices[index]);
  }

  @Override
  public String description() {
    return description;
  }
}
