import dev.octet.quantize.demo.DemoImages;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes demo images in the binary format of CIFAR-10: per image one label byte, then 3072 bytes, [3, 32, 32].
 *
 * <p>Run from the project root after a build: {@code java -cp octet-quantize/target/classes
 * tools/demo-model/ExportImages.java FILE SEED COUNT}.
 */
final class ExportImages {
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println("usage: ExportImages FILE SEED COUNT");
      System.exit(2);
    }
    DemoImages images = new DemoImages(Long.parseLong(args[1]));
    int count = Integer.parseInt(args[2]);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(Path.of(args[0])))) {
      for (int i = 0; i < count; i++) {
        out.write(images.label(i));
        out.write(images.image(i));
      }
    }
  }
}
