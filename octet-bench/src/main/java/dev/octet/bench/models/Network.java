package dev.octet.bench.models;

import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A network of the suite.
 *
 * @param name what its files are called
 * @param model builds it, with the same weights every time
 * @param sample makes the inputs of one sample, each with a batch axis of 1
 */
public record Network(
    String name, Supplier<Model> model, Function<Random, Map<String, HostTensor>> sample) {}
