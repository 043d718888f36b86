package dev.octet.quantize.data;

import java.util.OptionalInt;

/** Labelled images in any order, decoded and not yet prepared. Safe for use by several threads. */
public interface Pictures {

  /** How many there are. */
  int size();

  /**
   * One of them.
   *
   * @param index from 0
   * @throws DataException if its file cannot be read or decoded
   */
  Picture get(int index);

  /** The right class of one of them, without decoding it, where the source knows it. */
  OptionalInt label(int index);

  /** Where one of them came from, without decoding it. */
  String origin(int index);

  /** Whether each is read and decoded anew when it is asked for. */
  boolean areDecodedOnDemand();

  /** How they are to be prepared. */
  Preprocessing preprocessing();
}
