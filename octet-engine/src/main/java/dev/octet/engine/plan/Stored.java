package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Layout;

/** A tensor in memory: which buffer, and how it lies there. */
public record Stored(Buffer buffer, Layout layout) {}
