/** Settings and plain data written as YAML, read safely, with messages that name line and key. */
@NullMarked
package dev.octet.core.yaml;

import org.jspecify.annotations.NullMarked;
