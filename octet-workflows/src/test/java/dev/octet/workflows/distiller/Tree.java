package dev.octet.workflows.distiller;

import com.fasterxml.jackson.databind.JsonNode;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;

/** Modules by path, in containers that compute nothing. */
final class Tree extends Module {
  static Tree of(JsonNode modules) {
    Tree root = new Tree();
    modules.forEach(each -> root.add(each.get(0).asText(), layer(each.get(1).asText())));
    return root;
  }

  void add(String path, Module module) {
    int dot = path.indexOf('.');
    if (dot < 0) {
      child(path, module);
      return;
    }
    String name = path.substring(0, dot);
    Module inner = children().get(name);
    if (inner == null) {
      inner = new Tree();
      child(name, inner);
    }
    ((Tree) inner).add(path.substring(dot + 1), module);
  }

  private static Module layer(String type) {
    return switch (type) {
      case "Conv1d" -> Conv1d.builder(2, 2, 1).build();
      case "Conv2d" -> Conv2d.builder(2, 2, 1).build();
      case "Conv3d" -> Conv3d.builder(2, 2, 1).build();
      case "ConvTranspose2d" -> ConvTranspose2d.builder(2, 2, 1).build();
      case "BatchNorm2d" -> BatchNorm2d.builder(2).build();
      case "ReLU" -> Activation.relu();
      case "Linear" -> Linear.builder(2, 2).build();
      case "Embedding" -> Embedding.builder(3, 2).build();
      default -> throw new IllegalArgumentException(type);
    };
  }
}
