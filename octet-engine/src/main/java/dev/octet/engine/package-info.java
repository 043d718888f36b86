/** Running a model: a graph is compiled into oneDNN primitives for the shapes at hand, and run. */
@org.jspecify.annotations.NullMarked
package dev.octet.engine;
