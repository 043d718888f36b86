package dev.octet.graph.onnx;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file that appears under its name only when it is complete and on disk.
 *
 * <p>It is written beside the target under a name of its own, forced to disk, and then moved over
 * the target in one step, so a reader sees the former content or the new one and a crash leaves the
 * former. Where the target is a symbolic link the link is replaced; what it pointed to is left
 * alone.
 */
public final class AtomicFile implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 16;

  /** What fills the file. */
  @FunctionalInterface
  public interface Content {
    /** Writes everything to {@code out}, which it leaves open. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Replaces {@code target} by a file with this content; on failure the former file is untouched
   * and nothing else is left behind.
   *
   * @throws NoSuchFileException if the folder of {@code target} does not exist
   */
  public static void write(Path target, Content content) throws IOException {
    if (!Files.isDirectory(folderOf(target))) {
      throw new NoSuchFileException(
          target.toString(), null, "its folder does not exist; create it or choose another");
    }
    try (AtomicFile file = new AtomicFile(folderOf(target), content)) {
      file.moveTo(target);
    }
  }

  /** As {@link #write(Path, Content)}, with a text in UTF-8. */
  public static void write(Path target, String text) throws IOException {
    write(target, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  private final Path folder;
  private final Path draft;

  /** A file still without a name in {@code folder}; closing removes it unless it got one. */
  AtomicFile(Path folder, Content content) throws IOException {
    this.folder = folder;
    this.draft = folder.resolve(".octet-" + UUID.randomUUID() + ".tmp");
    if (draft.getFileSystem() == FileSystems.getDefault()) {
      draft.toFile().deleteOnExit(); // also when the user interrupts
    }
    try (FileChannel channel =
        FileChannel.open(draft, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
      content.writeTo(out);
      out.flush();
      channel.force(true);
    } catch (IOException | RuntimeException | Error e) {
      discard(e);
      throw e;
    }
  }

  /** The folder in which {@code file} lies or will lie. */
  static Path folderOf(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new FileSystemException(file.toString(), null, "this is the root of a file system");
    }
    return folder;
  }

  /** Puts the finished file under {@code target}, in the same folder. */
  void moveTo(Path target) throws IOException {
    Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    forceFolder();
  }

  /** Makes the new name itself durable; only some systems let a folder be opened for that. */
  private void forceFolder() {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException unsupported) {
      // The content is on disk already; at worst a power cut brings back the former file.
    }
  }

  private void discard(Throwable cause) {
    try {
      Files.deleteIfExists(draft);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(draft);
  }
}
