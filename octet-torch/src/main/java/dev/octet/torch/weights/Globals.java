package dev.octet.torch.weights;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.torch.weights.PickleValue.Callable;
import dev.octet.torch.weights.PickleValue.ElementType;
import dev.octet.torch.weights.PickleValue.Parameter;
import dev.octet.torch.weights.PickleValue.Storage;
import dev.octet.torch.weights.PickleValue.Tuple;
import dev.octet.torch.weights.PickleValue.View;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The allow-list: every Python name that a checkpoint may use, and what it means here. Nothing is
 * looked up by name outside of this class and no name leads to code but the methods below.
 */
final class Globals {
  private static final Map<String, DataType> STORAGES =
      Map.ofEntries(
          Map.entry("DoubleStorage", DataType.DOUBLE),
          Map.entry("FloatStorage", DataType.FLOAT),
          Map.entry("HalfStorage", DataType.FLOAT16),
          Map.entry("BFloat16Storage", DataType.BFLOAT16),
          Map.entry("LongStorage", DataType.INT64),
          Map.entry("IntStorage", DataType.INT32),
          Map.entry("ShortStorage", DataType.INT16),
          Map.entry("CharStorage", DataType.INT8),
          Map.entry("ByteStorage", DataType.UINT8),
          Map.entry("BoolStorage", DataType.BOOL),
          Map.entry("ComplexFloatStorage", DataType.COMPLEX64),
          Map.entry("ComplexDoubleStorage", DataType.COMPLEX128),
          Map.entry("UntypedStorage", DataType.UINT8));

  private static final Map<String, DataType> TYPES =
      Map.ofEntries(
          Map.entry("torch.float64", DataType.DOUBLE),
          Map.entry("torch.float32", DataType.FLOAT),
          Map.entry("torch.float16", DataType.FLOAT16),
          Map.entry("torch.bfloat16", DataType.BFLOAT16),
          Map.entry("torch.int64", DataType.INT64),
          Map.entry("torch.int32", DataType.INT32),
          Map.entry("torch.int16", DataType.INT16),
          Map.entry("torch.int8", DataType.INT8),
          Map.entry("torch.uint8", DataType.UINT8),
          Map.entry("torch.uint16", DataType.UINT16),
          Map.entry("torch.uint32", DataType.UINT32),
          Map.entry("torch.uint64", DataType.UINT64),
          Map.entry("torch.bool", DataType.BOOL),
          Map.entry("torch.complex64", DataType.COMPLEX64),
          Map.entry("torch.complex128", DataType.COMPLEX128),
          Map.entry("torch.float8_e4m3fn", DataType.FLOAT8E4M3FN),
          Map.entry("torch.float8_e4m3fnuz", DataType.FLOAT8E4M3FNUZ),
          Map.entry("torch.float8_e5m2", DataType.FLOAT8E5M2),
          Map.entry("torch.float8_e5m2fnuz", DataType.FLOAT8E5M2FNUZ));

  private final MemoryBudget budget;

  Globals(MemoryBudget budget) {
    this.budget = budget;
  }

  /** What {@code module.member} stands for. */
  Object find(String module, String member) {
    String name = module + "." + member;
    Object found = findOrNull(module, member, name);
    if (found == null) {
      found = NumpyGlobals.find(name);
    }
    if (found == null) {
      throw refusal(name);
    }
    return found;
  }

  private @Nullable Object findOrNull(String module, String member, String name) {
    DataType storage = STORAGES.get(member);
    if (storage != null && List.of("torch", "torch.cuda", "torch.storage").contains(module)) {
      return new ElementType(name, storage);
    }
    DataType type = TYPES.get(name);
    if (type != null) {
      return new ElementType(name, type);
    }
    return switch (name) {
      case "collections.OrderedDict", "collections.Counter" -> new Callable(name, this::dict);
      case "builtins.set", "__builtin__.set" -> new Callable(name, this::set);
      case "_codecs.encode" -> new Callable(name, this::encode);
      case "torch.Size" -> new Callable(name, (args, user) -> args.get(0, Tuple.class, user));
      case "torch.device" -> new Callable(name, Globals::device);
      case "torch.serialization._get_layout" ->
          new Callable(name, (args, user) -> args.get(0, String.class, user));
      case "torch._utils._rebuild_tensor" -> new Callable(name, Globals::tensor);
      case "torch._utils._rebuild_tensor_v2" -> new Callable(name, Globals::tensorV2);
      case "torch._utils._rebuild_tensor_v3" -> new Callable(name, Globals::tensorV3);
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" ->
          new Callable(name, (args, user) -> args.get(0, View.class, user));
      case "torch.nn.parameter.Parameter" ->
          new Callable(
              name,
              (args, user) -> args.size() == 0 ? new Parameter() : args.get(0, View.class, user));
      case "torch._tensor._rebuild_from_type_v2" -> new Callable(name, Globals::fromType);
      case "torch.Tensor" ->
          new Callable(
              name,
              (args, user) -> {
                throw new WeightsException(user + " is called directly, which no checkpoint does");
              });
      default -> null;
    };
  }

  private static WeightsException refusal(String name) {
    String advice =
        switch (name) {
          case "torch._utils._rebuild_qtensor" ->
              "it holds tensors that torch quantized; save them dequantized";
          case "torch.storage._load_from_bytes" ->
              "it holds a file within the file; save with torch.save only";
          default ->
              "save the plain state dict, torch.save(model.state_dict(), ...), or safetensors,"
                  + " where you trust the file";
        };
    return new WeightsException(
        "the pickle asks for the Python global '"
            + name
            + "', which is not among the few that weights need, so it is refused and nothing was"
            + " run; "
            + advice);
  }

  /** {@code OrderedDict()}, of pairs (as Python 2 wrote it), or of another dict. */
  private Object dict(Tuple arguments, String user) {
    LinkedHashMap<Object, Object> dict = new LinkedHashMap<>();
    if (arguments.size() == 0) {
      return dict;
    }
    Object content = arguments.get(0, Object.class, user);
    if (content instanceof Map<?, ?> map) {
      budget.take((long) Unpickler.VALUE_BYTES * map.size(), user);
      map.forEach(dict::put);
      return dict;
    }
    for (Object item : arguments.get(0, List.class, user)) {
      budget.take(Unpickler.VALUE_BYTES, user);
      List<?> pair =
          item instanceof Tuple tuple ? tuple.items() : item instanceof List<?> l ? l : List.of();
      if (pair.size() != 2) {
        throw new WeightsException(user + " is given something else than pairs");
      }
      dict.put(Unpickler.checkedKey(pair.get(0)), pair.get(1));
    }
    return dict;
  }

  private Object set(Tuple arguments, String user) {
    List<?> items = arguments.get(0, List.class, user);
    budget.take((long) Unpickler.VALUE_BYTES * items.size(), user);
    return new ArrayList<Object>(items);
  }

  /** How protocol 2 stores bytes: as text of the characters 0 to 255. */
  private Object encode(Tuple arguments, String user) {
    String text = arguments.get(0, String.class, user);
    if (!arguments.get(1, String.class, user).equals("latin1")
        || text.chars().anyMatch(character -> character > 0xFF)) {
      throw new WeightsException(user + " is used for something else than bytes");
    }
    budget.take(3L * text.length(), user);
    return Bytes.copyOf(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static Object device(Tuple arguments, String user) {
    String kind = arguments.get(0, String.class, user);
    return arguments.size() == 1 ? kind : kind + ":" + arguments.get(1, Long.class, user);
  }

  private static View tensor(Tuple arguments, String user) {
    return view(arguments, arguments.get(0, Storage.class, user).type(), user);
  }

  private static View tensorV2(Tuple arguments, String user) {
    refuseMetadata(arguments, 6);
    return tensor(arguments, user);
  }

  private static View tensorV3(Tuple arguments, String user) {
    refuseMetadata(arguments, 7);
    return view(arguments, arguments.get(6, ElementType.class, user).type(), user);
  }

  private static View view(Tuple arguments, DataType type, String user) {
    Storage storage = arguments.get(0, Storage.class, user);
    long offset = arguments.get(1, Long.class, user);
    List<Long> shape = arguments.get(2, Tuple.class, user).counts(user);
    List<Long> strides = arguments.get(3, Tuple.class, user).counts(user);
    if (strides.size() != shape.size()) {
      throw new WeightsException(
          user + " is given shape " + shape + " and strides " + strides + ", of another length");
    }
    if (offset < 0) {
      throw new WeightsException(user + " is given the negative offset " + offset);
    }
    View view = new View(storage, type, offset, shape, strides);
    Strided.checkBounds(view);
    return view;
  }

  /** Metadata says that the stored numbers are to be conjugated or negated. */
  private static void refuseMetadata(Tuple arguments, int index) {
    if (arguments.size() > index
        && arguments.items().get(index) instanceof Map<?, ?> metadata
        && metadata.containsValue(true)) {
      throw new WeightsException(
          "a tensor is stored as a conjugated or negated view; save"
              + " tensor.resolve_conj().resolve_neg()");
    }
  }

  /** A tensor or parameter that carries Python attributes, which are dropped. */
  private static Object fromType(Tuple arguments, String user) {
    Callable rebuild = arguments.get(0, Callable.class, user);
    if (!rebuild.name().startsWith("torch._utils._rebuild_")) {
      throw new WeightsException(user + " is given '" + rebuild.name() + "' to rebuild a tensor");
    }
    Callable type = arguments.get(1, Callable.class, user);
    if (!type.name().equals("torch.Tensor")
        && !type.name().equals("torch.nn.parameter.Parameter")) {
      throw new WeightsException(user + " is given '" + type.name() + "' as a kind of tensor");
    }
    return rebuild.call(arguments.get(2, Tuple.class, user));
  }
}
