/**
 * TorchScript files as models: {@link dev.octet.torch.script.TorchScript} loads a traced or
 * scripted {@code .pt} file with LibTorch, runs it once on made-up inputs of the given shapes and
 * writes down, operator by operator, what depends on the inputs.
 *
 * <p>{@code ScriptArchive} and {@code PickleCheck} look at a file before native code sees it;
 * {@code Interpreter} walks the graphs; the {@code *Operators} classes say what each operator is in
 * ONNX.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.torch.script;
