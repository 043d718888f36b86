package dev.octet.torch.nn;

import static dev.octet.torch.nn.Peer.assertSame;
import static dev.octet.torch.nn.Peer.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class PackedSequencesTest {
  @Test
  void packsAndPadsAsLibTorchDoes() {
    try (Scope scope = Scope.open()) {
      for (long[] lengths : new long[][] {{3, 2, 1}, {1, 3, 2}, {2, 2, 2}, {1, 1, 2}}) {
        for (boolean batchFirst : new boolean[] {false, true}) {
          Tensor x = batchFirst ? random(1, 3, 5, 2, 2) : random(1, 5, 3, 2, 2);
          var theirs = torch.pack_padded_sequence(x, Tensors.of(lengths, 3), batchFirst, false);
          PackedSequence ours = PackedSequences.pack(x, lengths, batchFirst, false);
          assertThat(ours.batchSizes())
              .containsExactly(boxed(Tensors.toLongs(theirs.batch_sizes())));
          // Sequences of one length may be packed in any order, so padded ones are compared.
          var back = torch.pad_packed_sequence(theirs, batchFirst, -1, new LongOptional());
          PackedSequences.Padded padded = PackedSequences.pad(ours, batchFirst, -1);
          assertSame(padded.data(), back.get0(), 0);
          assertThat(padded.lengths()).containsExactly(boxed(lengths));
        }
      }
    }
  }

  private static Long[] boxed(long[] values) {
    return java.util.Arrays.stream(values).boxed().toArray(Long[]::new);
  }

  @Test
  void keepsTheOrderOfTheBatch() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
      PackedSequence packed = PackedSequences.pack(x, new long[] {1, 3}, false, false);
      assertThat(Tensors.toFloats(packed.data())).containsExactly(2, 1, 4, 6);
      assertThat(packed.batchSizes()).containsExactly(2L, 1L, 1L);
      assertThat(packed.sortedIndices()).containsExactly(1L, 0L);
      assertThat(packed.unsortedIndices()).containsExactly(1L, 0L);
      assertThat(Tensors.toFloats(PackedSequences.pad(packed, false, 9).data()))
          .containsExactly(1, 2, 9, 4, 9, 6);
    }
  }

  @Test
  void gradientsFlowThroughBoth() {
    try (Scope scope = Scope.open()) {
      Tensor x = random(1, 3, 2, 1);
      x.set_requires_grad(true);
      PackedSequence packed = PackedSequences.pack(x, new long[] {1, 3}, false, false);
      PackedSequences.pad(packed, true, 5).data().sum().backward();
      assertThat(Tensors.toFloats(x.grad())).containsExactly(1, 1, 0, 1, 0, 1);
    }
  }

  @Test
  void refusesLengthsThatDoNotFit() {
    try (Scope scope = Scope.open()) {
      Tensor x = random(1, 3, 2, 1);
      assertThatThrownBy(() -> PackedSequences.pack(x, new long[] {3}, false, false))
          .hasMessageContaining("1 lengths for 2 sequences");
      assertThatThrownBy(() -> PackedSequences.pack(x, new long[] {3, 0}, false, false))
          .hasMessageContaining("sequence 1 has a length of 0");
      assertThatThrownBy(() -> PackedSequences.pack(x, new long[] {4, 1}, false, false))
          .hasMessageContaining("choose 1 to 3");
      assertThatThrownBy(() -> PackedSequences.pack(x, new long[] {1, 2}, false, true))
          .hasMessageContaining("sequence 1 is longer");
      assertThatThrownBy(() -> PackedSequences.pack(random(1, 3), new long[] {1, 2}, false, true))
          .hasMessageContaining("at least 2 dimensions");
    }
  }

  @Test
  void refusesAPackedSequenceThatDoesNotFitItself() {
    try (Scope scope = Scope.open()) {
      Tensor data = random(1, 3, 1);
      assertThatThrownBy(() -> new PackedSequence(data, List.of(2L), null, null))
          .hasMessageContaining("do not sum");
      assertThatThrownBy(() -> new PackedSequence(data, List.of(1L, 2L), null, null))
          .hasMessageContaining("never growing");
      assertThatThrownBy(() -> new PackedSequence(data, List.of(3L, 0L), null, null))
          .hasMessageContaining("positive");
      assertThatThrownBy(() -> new PackedSequence(data, List.of(), null, null))
          .hasMessageContaining("do not sum");
      assertThatThrownBy(
              () -> new PackedSequence(data, List.of(2L, 1L), List.of(0L, 2L), List.of(0L, 1L)))
          .hasMessageContaining("inverse");
      assertThatThrownBy(() -> new PackedSequence(data, List.of(2L, 1L), List.of(0L, 1L), null))
          .hasMessageContaining("together");
    }
  }
}
