/**
 * oneDNN's primitives, memory and layouts as owned Java objects: the only package that touches
 * native code, and the one that checks what native code would not.
 */
@NullMarked
package dev.octet.engine.dnnl;

import org.jspecify.annotations.NullMarked;
