/** PyTorch's eager mode: qconfigs, prepare and convert, under the names that its users know. */
@NullMarked
package dev.octet.workflows.pytorch;

import org.jspecify.annotations.NullMarked;
