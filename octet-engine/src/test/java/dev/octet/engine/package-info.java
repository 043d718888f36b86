/** The engine as users see it: against ONNX Runtime, under misuse, from many threads. */
@NullMarked
package dev.octet.engine;

import org.jspecify.annotations.NullMarked;
