package dev.octet.graph;

/** One dimension of a declared shape: a size, a name that stands for any size, or nothing known. */
public sealed interface Dimension {

  /** A size known when the model was made; zero or more. */
  record Fixed(long size) implements Dimension {
    public Fixed {
      if (size < 0) {
        throw new IllegalArgumentException("dimension is " + size + "; it must be 0 or more");
      }
    }

    @Override
    public String toString() {
      return Long.toString(size);
    }
  }

  /** A size chosen at run time; equal names mean equal sizes. */
  record Symbolic(String name) implements Dimension {
    @Override
    public String toString() {
      return name;
    }
  }

  /** A size of which the model says nothing. */
  record Unknown() implements Dimension {
    @Override
    public String toString() {
      return "?";
    }
  }
}
