package dev.octet.torch.graph;

/** What a run is for. */
enum Phase {
  /** Running statistics are used, nothing drops. */
  EVAL,
  /** Statistics of the batch are used and followed. */
  TRAIN,
  /** As in training, but for running statistics, which are used as they are. */
  TRAIN_FROZEN
}
