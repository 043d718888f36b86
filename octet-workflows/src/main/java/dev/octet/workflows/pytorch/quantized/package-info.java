/**
 * PyTorch's quantized tensor and quantized modules, which run on the engine: static ones, whose
 * activations have parameters, and dynamic ones, which find them in every call; and layers taken
 * apart, whose parts become such modules.
 *
 * <p>Start at {@link dev.octet.workflows.pytorch.quantized.QuantizedModules}. Between modules
 * travel real numbers, as LibTorch's tensors: those that a quantized module gives are multiples of
 * its scale, so nothing is lost, and any operation may stand between two modules. Integers are what
 * the engine computes with inside a module, and from module to module where {@link
 * dev.octet.workflows.pytorch.quantized.EngineModel} compiles a whole tree.
 */
@NullMarked
package dev.octet.workflows.pytorch.quantized;

import org.jspecify.annotations.NullMarked;
