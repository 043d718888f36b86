/** Every operator of the engine, on small graphs, against ONNX Runtime. */
@NullMarked
package dev.octet.engine.operators;

import org.jspecify.annotations.NullMarked;
