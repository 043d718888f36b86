package dev.octet.quantize.data;

import java.util.List;
import java.util.OptionalInt;

/** Pictures in memory. */
record PictureList(List<Picture> all, Preprocessing preprocessing) implements Pictures {

  PictureList {
    all = List.copyOf(all);
  }

  @Override
  public int size() {
    return all.size();
  }

  @Override
  public Picture get(int index) {
    return all.get(index);
  }

  @Override
  public OptionalInt label(int index) {
    return all.get(index).label();
  }

  @Override
  public String origin(int index) {
    return all.get(index).origin();
  }

  @Override
  public boolean areDecodedOnDemand() {
    return false;
  }
}
