/** Reading and writing plain data as YAML, without tags that make objects. */
@NullMarked
package dev.octet.workflows.distiller.yaml;

import org.jspecify.annotations.NullMarked;
