package dev.octet.torch.script;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Looks a file over before LibTorch opens it: that it is a zip archive with all its bytes as
 * written (LibTorch does not compare checksums), that it holds a TorchScript module, and that
 * neither its pickles nor its code would take LibTorch's readers where they do not look.
 */
final class ScriptArchive {
  private static final int MAX_ENTRIES = 1_000_000;

  /** Of one pickle or source file; the numbers of a model are in entries of their own. */
  private static final long MAX_TEXT = 64L << 20;

  private static final long MAX_TOTAL = 1L << 36;

  /** How deep brackets and blocks of code may nest; LibTorch's parser is recursive. */
  private static final int MAX_NESTING = 100;

  /** The longest piece of code without a comma, which bounds chains such as a+b+c... */
  private static final int MAX_PIECE = 20_000;

  private static final byte[] ZIP = {'P', 'K', 3, 4};

  private ScriptArchive() {}

  /**
   * Checks {@code file}.
   *
   * @throws TorchScriptException if LibTorch should not see it
   */
  static void check(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new TorchScriptException("there is no file");
    }
    try {
      byte[] start;
      try (InputStream in = Files.newInputStream(file)) {
        start = in.readNBytes(4);
      }
      if (!java.util.Arrays.equals(start, ZIP)) {
        throw new TorchScriptException(notZip(start));
      }
      try (ZipFile zip = new ZipFile(file.toFile(), StandardCharsets.UTF_8)) {
        check(zip);
      }
    } catch (ZipException | IllegalArgumentException e) {
      throw new TorchScriptException("damaged zip archive: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new TorchScriptException("cannot be read: " + e.getMessage(), e);
    }
  }

  private static String notZip(byte[] start) {
    boolean pickle = start.length > 1 && (start[0] & 0xFF) == 0x80 && start[1] <= 5;
    return pickle
        ? "a pickle of PyTorch before 1.6, not TorchScript; read weights with"
            + " dev.octet.torch.weights"
        : "not a zip archive, so not TorchScript";
  }

  private static void check(ZipFile zip) throws IOException {
    if (zip.size() > MAX_ENTRIES) {
      throw new TorchScriptException(
          "has " + zip.size() + " entries; " + MAX_ENTRIES + " is the limit");
    }
    List<? extends ZipEntry> entries = Collections.list(zip.entries());
    Map<String, ZipEntry> names = new HashMap<>();
    String folder = "";
    Set<String> folders = new HashSet<>();
    for (ZipEntry entry : entries) {
      String name = entry.getName();
      if (names.put(name, entry) != null) {
        throw new TorchScriptException("has entry '" + name + "' twice");
      }
      int slash = name.indexOf('/');
      if (slash < 1 || name.contains("..") || name.contains("\\")) {
        throw new TorchScriptException("has an entry named '" + name + "'");
      }
      folder = name.substring(0, slash);
      folders.add(folder);
    }
    if (folders.size() != 1) {
      throw new TorchScriptException("has " + folders.size() + " folders at its top, not one");
    }
    require(names, folder);
    long total = 0;
    for (ZipEntry entry : entries) {
      total += Math.max(0, entry.getSize());
      if (total > MAX_TOTAL) {
        throw new TorchScriptException("unpacks to more than " + MAX_TOTAL + " bytes");
      }
      check(zip, entry, entry.getName().substring(folder.length() + 1));
    }
  }

  private static void require(Map<String, ZipEntry> names, String folder) {
    boolean code = names.keySet().stream().anyMatch(n -> n.startsWith(folder + "/code/"));
    boolean constants = names.containsKey(folder + "/constants.pkl");
    boolean data = names.containsKey(folder + "/data.pkl");
    if (data && !code) {
      throw new TorchScriptException(
          "holds pickled objects without code (a state dict or a module saved by torch.save);"
              + " read weights with dev.octet.torch.weights, or save with torch.jit.save");
    }
    if (names.keySet().stream().anyMatch(n -> n.startsWith(folder + "/models/"))) {
      throw new TorchScriptException(
          "is a program of torch.export, not TorchScript; save with torch.jit.save");
    }
    if (!data || !constants) {
      throw new TorchScriptException(
          "lacks '" + (data ? "constants.pkl" : "data.pkl") + "', so it is no TorchScript module");
    }
    if (!names.containsKey(folder + "/version") && !names.containsKey(folder + "/.data/version")) {
      throw new TorchScriptException("lacks 'version', so it is no TorchScript module");
    }
  }

  /** Reads every byte: sizes and checksum must be those that the archive states. */
  private static void check(ZipFile zip, ZipEntry entry, String name) throws IOException {
    boolean pickle = name.endsWith(".pkl") || name.endsWith("_pkl");
    boolean code = name.startsWith("code/") && name.endsWith(".py");
    boolean small = pickle || code || isVersion(name) || name.equals("byteorder");
    if (entry.getSize() < 0 || (small && entry.getSize() > MAX_TEXT)) {
      throw new TorchScriptException("'" + name + "' unpacks to " + entry.getSize() + " bytes");
    }
    CRC32 crc = new CRC32();
    long size = 0;
    byte[] content = new byte[0];
    try (InputStream in = zip.getInputStream(entry)) {
      if (in == null) {
        throw new TorchScriptException("'" + name + "' cannot be read");
      }
      if (small) {
        content = in.readNBytes((int) entry.getSize() + 1);
        size = content.length;
        crc.update(content);
      } else {
        byte[] buffer = new byte[1 << 16];
        for (int n = in.read(buffer); n >= 0 && size <= entry.getSize(); n = in.read(buffer)) {
          crc.update(buffer, 0, n);
          size += n;
        }
      }
    }
    if (size != entry.getSize() || crc.getValue() != entry.getCrc()) {
      throw new TorchScriptException("'" + name + "' is damaged: size or checksum is wrong");
    }
    if (pickle) {
      PickleCheck.run(content, name);
    } else if (code) {
      checkCode(content, name);
    } else if (isVersion(name)) {
      checkVersion(content);
    } else if (name.equals("byteorder")
        && !new String(content, StandardCharsets.US_ASCII).equals("little")) {
      throw new TorchScriptException("was saved on a big-endian machine");
    }
  }

  private static boolean isVersion(String name) {
    return name.equals("version") || name.equals(".data/version");
  }

  private static void checkVersion(byte[] content) {
    String text = new String(content, StandardCharsets.US_ASCII).strip();
    if (!text.matches("\\d{1,4}")) {
      throw new TorchScriptException("'version' is no number");
    }
  }

  private static void checkCode(byte[] content, String name) {
    int depth = 0;
    int piece = 0;
    int indent = 0;
    boolean lineStart = true;
    for (byte b : content) {
      if (b == '\n') {
        lineStart = true;
        indent = 0;
      } else if (lineStart && b == ' ') {
        indent++;
      } else {
        lineStart = false;
      }
      depth += b == '(' || b == '[' || b == '{' ? 1 : b == ')' || b == ']' || b == '}' ? -1 : 0;
      piece = b == ',' || b == '\n' ? 0 : piece + 1;
      if (depth > MAX_NESTING || indent > 2 * MAX_NESTING || piece > MAX_PIECE || b == 0) {
        throw new TorchScriptException("'" + name + "' is no code that PyTorch would write");
      }
    }
  }
}
