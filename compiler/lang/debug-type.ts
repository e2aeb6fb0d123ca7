import type { Descriptor } from "../../dsl/core/layout.ts";
import type { DebugType } from "../ir/ir.ts";
import type { Shape } from "./shape.ts";

/** What a debugger is told of a descriptor. */
export function debugTypeOfDescriptor(descriptor: Descriptor): DebugType {
  switch (descriptor.kind) {
    case "int":
      return { kind: "int", name: descriptor.name, sizeBytes: descriptor.size, signed: descriptor.signed };
    case "bool":
      return { kind: "bool" };
    case "ref":
      return {
        kind: "pointer",
        to: {
          kind: "struct",
          name: descriptor.target().name,
          sizeBytes: descriptor.target().size,
          fields: [],
        },
      };
    case "array":
      return { kind: "array", of: debugTypeOfDescriptor(descriptor.element), count: descriptor.length };
    case "struct":
      return {
        kind: "struct",
        name: descriptor.name,
        sizeBytes: descriptor.size,
        fields: descriptor.fields.map((f) => ({
          name: f.name,
          offset: f.offset,
          type: () => debugTypeOfDescriptor(f.descriptor),
        })),
      };
  }
}

/** What a debugger is told of a value of a shape that is one IR value. */
export function debugTypeOf(shape: Shape): DebugType {
  switch (shape.kind) {
    case "int": {
      const signed = shape.range.lo < 0n;
      return { kind: "int", name: `${signed ? "i" : "u"}${shape.bits}`, sizeBytes: shape.bits / 8, signed };
    }
    case "bool":
      return { kind: "bool" };
    case "struct":
      return { kind: "pointer", to: shape.descriptor && debugTypeOfDescriptor(shape.descriptor) };
    case "array":
      return { kind: "pointer", to: debugTypeOfDescriptor(shape.descriptor) };
    default:
      return { kind: "int", name: "none", sizeBytes: 1, signed: false };
  }
}
