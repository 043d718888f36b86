/** What the tensors of a model's layers hold, as Distiller collects it and keeps it in YAML. */
@NullMarked
package dev.octet.workflows.distiller.stats;

import org.jspecify.annotations.NullMarked;
