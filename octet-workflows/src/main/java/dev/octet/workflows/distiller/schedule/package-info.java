/** What happens in which epoch: policies, the scheduler that calls them, and its YAML. */
@NullMarked
package dev.octet.workflows.distiller.schedule;

import org.jspecify.annotations.NullMarked;
