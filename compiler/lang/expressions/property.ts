import { ts } from "ts-morph";
import { loadField, storeField } from "../fields.ts";
import type { FunctionLowering } from "../function.ts";
import { callKnown } from "./call.ts";
import { globalName, operandOf } from "../known.ts";
import { describe, known, type Operand } from "../operand.ts";

export function lowerPropertyAccess(f: FunctionLowering, node: ts.PropertyAccessExpression): Operand {
  if (node.questionDotToken !== undefined) f.refuse("unsupported", node, { what: "`?.`" });
  const name = globalName(f, node);
  if (name !== undefined)
    return name.startsWith("arguments.")
      ? f.refuse("arguments", node.expression)
      : f.refuse("unknown-name", node, { name });
  const object = f.expression(node.expression);
  if (object.kind === "known") f.typed(node);
  return readProperty(f, object, node.name.text, node);
}

/** Reads `operand.name`. */
export function readProperty(f: FunctionLowering, operand: Operand, name: string, node: ts.Node): Operand {
  switch (operand.kind) {
    case "known": {
      if (operand.value === null || operand.value === undefined) f.refuse("null-here", node);
      return operandOf(f, (operand.value as Record<string, unknown>)[name], node);
    }
    case "record": {
      const field = operand.fields.get(name);
      // A field that an object does not have is undefined, as in JavaScript.
      return field ?? known(undefined);
    }
    case "struct": {
      const { descriptor } = operand;
      if (descriptor === undefined || operand.nullable) return f.refuse("null-here", node);
      const field = descriptor.fields.find((candidate) => candidate.name === name);
      if (field !== undefined)
        return loadField(
          f,
          field.descriptor,
          f.b.offset(operand.value, field.offset),
          fieldAlign(descriptor.align, field.offset, field.descriptor.align),
        );
      const property = descriptor.properties[name];
      if (property !== undefined) {
        if (property.get === undefined) f.refuse("write-only", node, { name });
        return callKnown(f, property.get as object, [operand], node, [node]);
      }
      return f.refuse("no-such-member", node, { name, type: descriptor.name });
    }
    case "array":
      if (name === "length") return known(operand.descriptor.length);
      break;
    default:
  }
  return f.refuse("no-such-member", node, { name, type: describe(operand) });
}

/** The alignment that a field's place guarantees. */
export function fieldAlign(structAlign: number, offset: number, natural: number): number {
  let align = Math.min(natural, structAlign);
  while (align > 1 && offset % align !== 0) align /= 2;
  return align;
}

/** Writes `operand.name`. */
export function writeProperty(
  f: FunctionLowering,
  operand: Operand,
  name: string,
  value: Operand,
  node: ts.PropertyAccessExpression,
  valueNode: ts.Node,
): void {
  if (operand.kind !== "struct" || operand.descriptor === undefined)
    return f.refuse("assign-known", node, { what: describe(operand) });
  if (operand.nullable) return f.refuse("null-here", node);
  const { descriptor } = operand;
  const field = descriptor.fields.find((candidate) => candidate.name === name);
  if (field !== undefined) {
    storeField(
      f,
      field.descriptor,
      f.b.offset(operand.value, field.offset),
      value,
      valueNode,
      fieldAlign(descriptor.align, field.offset, field.descriptor.align),
    );
    return;
  }
  const set = descriptor.properties[name]?.set;
  if (set === undefined) f.refuse("no-such-member", node, { name, type: descriptor.name });
  callKnown(f, set as object, [operand, value], node, [node, valueNode]);
}
