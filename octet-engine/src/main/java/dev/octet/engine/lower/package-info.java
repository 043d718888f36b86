/** One lowering for each family of operators, and the registry that finds it. */
@NullMarked
package dev.octet.engine.lower;

import org.jspecify.annotations.NullMarked;
