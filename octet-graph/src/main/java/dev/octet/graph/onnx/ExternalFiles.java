package dev.octet.graph.onnx;

import dev.octet.graph.ModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * External data confined to the folder of the model.
 *
 * <p>Four layers, each enough against the attack it names: the path is relative and goes only down
 * (traversal); no part of it below the folder is a symbolic link and the resolved path lies in the
 * folder (links); what was opened, folder by folder where the system can, is the very file that was
 * checked (swapping in between); and that file is regular with one name only (hard links to files
 * elsewhere). A model whose folder is itself reached through a link is fine: the user chose it.
 */
final class ExternalFiles implements ExternalData, AutoCloseable {
  private static final Set<OpenOption> READ =
      Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);

  private static final int PIECE = 1 << 16;

  private final Path folder;
  private @Nullable String openLocation;
  private @Nullable SeekableByteChannel open;

  /** Files in or below the folder of {@code model}. */
  ExternalFiles(Path model) {
    this.folder = Objects.requireNonNull(model.toAbsolutePath().getParent(), "a file has a folder");
  }

  @Override
  public ByteBuffer read(String location, long offset, int length, String where) {
    String place = where + ", external data '" + Texts.shown(location) + "'";
    try {
      SeekableByteChannel channel = channel(location, place);
      long size = channel.size();
      if (offset > size || length > size - offset) {
        throw new ModelException(
            place
                + " has "
                + size
                + " bytes, but "
                + length
                + " from offset "
                + offset
                + " are asked for; the file is cut short or not the model's");
      }
      ByteBuffer data = ByteBuffer.allocate(length);
      channel.position(offset);
      while (data.position() < length) {
        // A channel keeps native memory as large as the largest piece that was asked for.
        data.limit(Math.min(length, data.position() + PIECE));
        if (channel.read(data) < 0) {
          throw new ModelException(place + " became shorter while it was read");
        }
      }
      return data.flip();
    } catch (NoSuchFileException e) {
      throw new ModelException(place + " is not there; it belongs beside the model", e);
    } catch (IOException e) {
      throw new ModelException(place + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Tensors of one file mostly follow each other, so one open file at a time is enough. */
  private SeekableByteChannel channel(String location, String place) throws IOException {
    SeekableByteChannel current = open;
    if (current != null && location.equals(openLocation)) {
      return current;
    }
    close();
    Path relative = relative(location, place);
    Path root = folder.toRealPath();
    BasicFileAttributes checked = check(root, relative, place);
    SeekableByteChannel opened = openBelow(root, relative, checked, place);
    open = opened;
    openLocation = location;
    return opened;
  }

  private Path relative(String location, String place) {
    if (location.isEmpty() || location.indexOf('\0') >= 0 || location.indexOf('\\') >= 0) {
      throw outside(place);
    }
    Path path;
    try {
      path = folder.getFileSystem().getPath(location);
    } catch (InvalidPathException e) {
      throw new ModelException(place + " is no file name: " + e.getReason(), e);
    }
    if (path.isAbsolute() || path.getRoot() != null) {
      throw outside(place);
    }
    for (Path part : path) {
      String name = part.toString();
      if (name.isEmpty() || name.equals("..") || (name.equals(".") && path.getNameCount() == 1)) {
        throw outside(place);
      }
    }
    return path.normalize();
  }

  /** Looks at every part of the path without following links. */
  private static BasicFileAttributes check(Path root, Path relative, String place)
      throws IOException {
    Path at = root;
    for (int i = 0; i < relative.getNameCount() - 1; i++) {
      at = at.resolve(relative.getName(i));
      if (!attributes(at).isDirectory()) {
        throw new ModelException(place + " is reached through a link; only plain folders may be");
      }
    }
    Path file = root.resolve(relative);
    BasicFileAttributes found = attributes(file);
    checkRegular(found, place);
    if (!file.toRealPath().startsWith(root)) {
      throw outside(place);
    }
    checkOneName(file, place);
    return found;
  }

  private static BasicFileAttributes attributes(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static void checkRegular(BasicFileAttributes found, String place) {
    if (!found.isRegularFile()) {
      throw new ModelException(
          place
              + " is "
              + (found.isSymbolicLink() ? "a symbolic link" : "not a regular file")
              + "; put the file itself beside the model");
    }
  }

  private static void checkOneName(Path file, String place) throws IOException {
    if (file.getFileSystem().supportedFileAttributeViews().contains("unix")) {
      Object names = Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS);
      if (names instanceof Number count && count.longValue() > 1) {
        throw new ModelException(
            place
                + " is one of "
                + count
                + " hard links to the same file; put a copy beside the model");
      }
    }
  }

  private static SeekableByteChannel openBelow(
      Path root, Path relative, BasicFileAttributes checked, String place) throws IOException {
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(root)) {
      if (stream instanceof SecureDirectoryStream<Path> secure) {
        return openBelow(secure, relative, checked, place);
      }
    }
    Path file = root.resolve(relative);
    SeekableByteChannel channel = Files.newByteChannel(file, READ);
    return sameFile(channel, check(root, relative, place), checked, place);
  }

  /** Descends through open folders, so that nothing can be swapped in above the file. */
  private static SeekableByteChannel openBelow(
      SecureDirectoryStream<Path> folder, Path relative, BasicFileAttributes checked, String place)
      throws IOException {
    Path first = relative.getName(0);
    if (relative.getNameCount() > 1) {
      try (SecureDirectoryStream<Path> below =
          folder.newDirectoryStream(first, LinkOption.NOFOLLOW_LINKS)) {
        return openBelow(below, relative.subpath(1, relative.getNameCount()), checked, place);
      }
    }
    SeekableByteChannel channel = folder.newByteChannel(first, READ);
    BasicFileAttributes opened =
        folder
            .getFileAttributeView(first, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
            .readAttributes();
    return sameFile(channel, opened, checked, place);
  }

  private static SeekableByteChannel sameFile(
      SeekableByteChannel channel,
      BasicFileAttributes opened,
      BasicFileAttributes checked,
      String place)
      throws IOException {
    try {
      checkRegular(opened, place);
      if (!Objects.equals(opened.fileKey(), checked.fileKey())
          || channel.size() != checked.size()) {
        throw new ModelException(place + " was exchanged while it was opened");
      }
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static ModelException outside(String place) {
    return new ModelException(
        place + " is not a plain path below the model's folder; keep the file beside the model");
  }

  @Override
  public void close() throws IOException {
    SeekableByteChannel current = open;
    open = null;
    openLocation = null;
    if (current != null) {
      current.close();
    }
  }
}
