package dev.octet.workflows.pytorch;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which qconfig holds where. From weak to strong: the global one, that of an object type, of a
 * regular expression that a module's name starts with (the first that was set wins), of a module's
 * name, or else that of the nearest module around it; of a name, a type and a place in the order of
 * calls. Null means "do not quantize" at each level.
 *
 * <p>An object type is a class of modules ({@code Conv2d}, {@code ReLU}), a function ({@code
 * torch.nn.functional.layer_norm}) or a method ({@code sigmoid_}). The last word counts, without
 * underscores and capitals: a module computes by the function of its name, and a traced graph does
 * not tell them apart.
 */
public final class QConfigMapping {
  private record Choice(@Nullable QConfig qconfig) {}

  private record Named(Pattern pattern, Choice choice) {}

  private record Call(String moduleName, String objectType, int index) {}

  private Choice global = new Choice(null);
  private final Map<String, Choice> objectTypes = new LinkedHashMap<>();
  private final Map<String, Named> regexes = new LinkedHashMap<>();
  private final Map<String, Choice> moduleNames = new LinkedHashMap<>();
  private final Map<Call, Choice> calls = new LinkedHashMap<>();

  /** Quantizes nothing until told otherwise. */
  public QConfigMapping() {}

  /** A copy that can be changed on its own. */
  public QConfigMapping(QConfigMapping from) {
    global = from.global;
    objectTypes.putAll(from.objectTypes);
    regexes.putAll(from.regexes);
    moduleNames.putAll(from.moduleNames);
    calls.putAll(from.calls);
  }

  /** Sets what holds where nothing else is said. */
  public QConfigMapping setGlobal(@Nullable QConfig qconfig) {
    global = new Choice(qconfig);
    return this;
  }

  /** Sets what holds for a type of object. */
  public QConfigMapping setObjectType(String objectType, @Nullable QConfig qconfig) {
    objectTypes.put(key(objectType), new Choice(qconfig));
    return this;
  }

  /** Sets what holds for a class of modules. */
  public QConfigMapping setObjectType(Class<?> moduleClass, @Nullable QConfig qconfig) {
    return setObjectType(moduleClass.getSimpleName(), qconfig);
  }

  /**
   * Sets what holds for modules whose path starts with a match.
   *
   * @param regex in Java's syntax, applied as Python's {@code re.match} is
   * @throws IllegalArgumentException if it is no regular expression
   */
  public QConfigMapping setModuleNameRegex(String regex, @Nullable QConfig qconfig) {
    try {
      regexes.put(regex, new Named(Pattern.compile(regex), new Choice(qconfig)));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "'" + regex + "' is no regular expression: " + e.getDescription(), e);
    }
    return this;
  }

  /** Sets what holds for the module at a path, and for those below it. */
  public QConfigMapping setModuleName(String path, @Nullable QConfig qconfig) {
    moduleNames.put(path, new Choice(qconfig));
    return this;
  }

  /**
   * Sets what holds for one call inside a module.
   *
   * @param path of the module that makes the call; "" is the model itself
   * @param objectType what is called
   * @param index counts the calls of that type inside that module, from 0
   */
  public QConfigMapping setModuleNameObjectTypeOrder(
      String path, String objectType, int index, @Nullable QConfig qconfig) {
    if (index < 0) {
      throw new IllegalArgumentException("the index is " + index + "; calls count from 0");
    }
    calls.put(new Call(path, key(objectType), index), new Choice(qconfig));
    return this;
  }

  /** The global qconfig, or null. */
  public @Nullable QConfig globalQConfig() {
    return global.qconfig();
  }

  /** The types that have a qconfig of their own, as they are compared. */
  public List<String> objectTypes() {
    return new ArrayList<>(objectTypes.keySet());
  }

  /** Whether any rule names modules or calls, so that types alone do not decide. */
  public boolean hasNames() {
    return !(regexes.isEmpty() && moduleNames.isEmpty() && calls.isEmpty());
  }

  /** What holds for a type alone, the global one where there is no rule. */
  public @Nullable QConfig forObjectType(String objectType) {
    return objectTypes.getOrDefault(key(objectType), global).qconfig();
  }

  /** What holds for the module at a path, or null for none. */
  public @Nullable QConfig resolve(String path, String objectType) {
    Choice named = byName(path);
    if (named != null) {
      return named.qconfig();
    }
    for (Named each : regexes.values()) {
      if (each.pattern().matcher(path).lookingAt()) {
        return each.choice().qconfig();
      }
    }
    return forObjectType(objectType);
  }

  /**
   * What holds for one call inside a module, or null for none.
   *
   * @param path of the module that is called, or of the one around a function's call
   * @param around the module that makes the call
   * @param index counts the calls of that type inside {@code around}, from 0
   */
  public @Nullable QConfig resolve(String path, String objectType, String around, int index) {
    Choice call = calls.get(new Call(around, key(objectType), index));
    return call != null ? call.qconfig() : resolve(path, objectType);
  }

  /** Whether a rule names the module at a path, itself or by a regular expression. */
  boolean names(String path) {
    return moduleNames.containsKey(path)
        || regexes.values().stream().anyMatch(each -> each.pattern().matcher(path).lookingAt());
  }

  private @Nullable Choice byName(String path) {
    String at = path;
    while (!at.isEmpty()) {
      Choice choice = moduleNames.get(at);
      if (choice != null) {
        return choice;
      }
      int dot = at.lastIndexOf('.');
      at = dot < 0 ? "" : at.substring(0, dot);
    }
    return null;
  }

  private static String key(String objectType) {
    String last = objectType.substring(objectType.lastIndexOf('.') + 1);
    return last.replace("_", "").toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return "QConfigMapping of %d types, %d expressions, %d names, %d calls"
        .formatted(objectTypes.size(), regexes.size(), moduleNames.size(), calls.size());
  }
}
