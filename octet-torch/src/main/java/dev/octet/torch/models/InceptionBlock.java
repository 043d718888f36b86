package dev.octet.torch.models;

import dev.octet.torch.nn.AvgPool2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Branches side by side, as {@link InceptionV3} has them in five forms: figures 5, 6, 7 and 10 of
 * its paper. Convolutions are the block's own children, by torchvision's names.
 */
final class InceptionBlock extends Module {
  /** Steps one after the other, and what reads the last of them; without ends, the steps alone. */
  private record Branch(List<Child<?>> steps, List<Child<?>> ends) {}

  private final List<Branch> branches = new ArrayList<>();
  private final Child<Concat> cat = child("cat", Concat.of(1));

  private InceptionBlock() {}

  /** 1x1, 5x5, two 3x3, and the mean of neighbours. */
  static InceptionBlock a(long in, long poolFeatures) {
    InceptionBlock block = new InceptionBlock();
    block.branch(block.square("branch1x1", in, 64, 1));
    block.branch(block.square("branch5x5_1", in, 48, 1), block.square("branch5x5_2", 48, 64, 5));
    block.branch(
        block.square("branch3x3dbl_1", in, 64, 1),
        block.square("branch3x3dbl_2", 64, 96, 3),
        block.square("branch3x3dbl_3", 96, 96, 3));
    block.branch(block.mean(), block.square("branch_pool", in, poolFeatures, 1));
    return block;
  }

  /** Halves the size: 3x3, two 3x3, and the largest of neighbours. */
  static InceptionBlock b(long in) {
    InceptionBlock block = new InceptionBlock();
    block.branch(block.halving("branch3x3", in, 384));
    block.branch(
        block.square("branch3x3dbl_1", in, 64, 1),
        block.square("branch3x3dbl_2", 64, 96, 3),
        block.halving("branch3x3dbl_3", 96, 96));
    block.branch(block.largest());
    return block;
  }

  /** 1x1, 7x7 once and twice as rows and columns, and the mean of neighbours. */
  static InceptionBlock c(long in, long inside) {
    InceptionBlock block = new InceptionBlock();
    block.branch(block.square("branch1x1", in, 192, 1));
    block.branch(
        block.square("branch7x7_1", in, inside, 1),
        block.row("branch7x7_2", inside, inside, 7),
        block.column("branch7x7_3", inside, 192, 7));
    block.branch(
        block.square("branch7x7dbl_1", in, inside, 1),
        block.column("branch7x7dbl_2", inside, inside, 7),
        block.row("branch7x7dbl_3", inside, inside, 7),
        block.column("branch7x7dbl_4", inside, inside, 7),
        block.row("branch7x7dbl_5", inside, 192, 7));
    block.branch(block.mean(), block.square("branch_pool", in, 192, 1));
    return block;
  }

  /** Halves the size: 3x3, 7x7 and 3x3, and the largest of neighbours. */
  static InceptionBlock d(long in) {
    InceptionBlock block = new InceptionBlock();
    block.branch(block.square("branch3x3_1", in, 192, 1), block.halving("branch3x3_2", 192, 320));
    block.branch(
        block.square("branch7x7x3_1", in, 192, 1),
        block.row("branch7x7x3_2", 192, 192, 7),
        block.column("branch7x7x3_3", 192, 192, 7),
        block.halving("branch7x7x3_4", 192, 192));
    block.branch(block.largest());
    return block;
  }

  /** 1x1, a row and a column of 3 once and twice, and the mean of neighbours. */
  static InceptionBlock e(long in) {
    InceptionBlock block = new InceptionBlock();
    block.branch(block.square("branch1x1", in, 320, 1));
    block.fork(
        List.of(block.square("branch3x3_1", in, 384, 1)),
        List.of(block.row("branch3x3_2a", 384, 384, 3), block.column("branch3x3_2b", 384, 384, 3)));
    block.fork(
        List.of(
            block.square("branch3x3dbl_1", in, 448, 1),
            block.square("branch3x3dbl_2", 448, 384, 3)),
        List.of(
            block.row("branch3x3dbl_3a", 384, 384, 3),
            block.column("branch3x3dbl_3b", 384, 384, 3)));
    block.branch(block.mean(), block.square("branch_pool", in, 192, 1));
    return block;
  }

  private void branch(Child<?>... steps) {
    branches.add(new Branch(List.of(steps), List.of()));
  }

  private void fork(List<Child<?>> steps, List<Child<?>> ends) {
    branches.add(new Branch(steps, ends));
  }

  private Child<BasicConv2d> square(String name, long in, long out, long kernel) {
    return child(name, new BasicConv2d(in, out, kernel));
  }

  private Child<BasicConv2d> row(String name, long in, long out, long kernel) {
    return child(
        name, new BasicConv2d(Conv2d.builder(in, out, 1, kernel).padding(0, kernel / 2), out));
  }

  private Child<BasicConv2d> column(String name, long in, long out, long kernel) {
    return child(
        name, new BasicConv2d(Conv2d.builder(in, out, kernel, 1).padding(kernel / 2, 0), out));
  }

  private Child<BasicConv2d> halving(String name, long in, long out) {
    return child(name, new BasicConv2d(Conv2d.builder(in, out, 3).stride(2), out));
  }

  private Child<AvgPool2d> mean() {
    return child("avg_pool", AvgPool2d.builder(3).stride(1).padding(1).build());
  }

  private Child<MaxPool2d> largest() {
    return child("max_pool", MaxPool2d.builder(3).stride(2).build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    List<Tensor> outputs = new ArrayList<>();
    for (Branch branch : branches) {
      Tensor y = GoogLeNet.through(branch.steps, x);
      branch.ends.forEach(end -> outputs.add(end.call(y)));
      if (branch.ends.isEmpty()) {
        outputs.add(y);
      }
    }
    return cat.call(outputs.toArray(Tensor[]::new));
  }
}
