/** Build-time values as operands: what a captured value means in a compiled body. */
import { ts } from "ts-morph";
import { constant, symbolAddress } from "../ir/builder.ts";
import { i64, ptr, type Value } from "../ir/ir.ts";
import { unsupportedKind } from "../evaluate/unsupported.ts";
import type { FunctionLowering } from "./function.ts";
import { point, u64Range } from "./interval.ts";
import { known, type Operand } from "./operand.ts";

/** The operand for a captured value: storage and texts have addresses, the rest stays known. */
export function operandOf(f: FunctionLowering, value: unknown, node: ts.Node): Operand {
  if (typeof value !== "object" || value === null) return known(value);
  const { core } = f.front;
  const place = core.layout.location(value);
  if (place !== undefined) {
    const at = f.program.data.storageAddress(value, f.locOf(node));
    if (at === undefined) f.refuse("not-storage", node);
    const address = f.b.offset(symbolAddress(at.symbol), at.offset);
    const { descriptor } = place;
    if (descriptor.kind === "struct") return { kind: "struct", descriptor, nullable: false, value: address };
    if (descriptor.kind === "array") return { kind: "array", descriptor, value: address };
  }
  if (core.intrinsics.isText(value)) {
    const address: Value = f.b.cast(
      "ptrtoint",
      symbolAddress(f.program.data.textSymbol(value, f.locOf(node))),
      i64,
    );
    return {
      kind: "record",
      fields: new Map<string, Operand>([
        ["address", { kind: "int", big: true, range: u64Range, value: address }],
        [
          "length",
          {
            kind: "int",
            big: false,
            range: point(BigInt(value.length)),
            value: constant({ kind: "int", bits: 32 }, BigInt(value.length)),
          },
        ],
      ]),
    };
  }
  const bound = core.binding.bindingOf(value);
  if (bound !== undefined) {
    if (bound.implementation === undefined) f.refuse("unprovided", node, { name: bound.name });
    return known(bound.implementation);
  }
  const what = unsupportedKind(value);
  if (what !== undefined) f.refuse("unsupported-capture", node, { path: node.getText(), what });
  return known(value);
}

/** Null as a pointer. */
export const nullPointer: Value = { kind: "null", type: ptr };

/** The name under which a global function or object is known to the language, or undefined where it is not one. */
export function globalName(f: FunctionLowering, node: ts.Expression): string | undefined {
  if (ts.isIdentifier(node))
    return f.variableOf(node) === undefined && !f.hasCapture(node.text) ? node.text : undefined;
  if (ts.isPropertyAccessExpression(node)) {
    const object = globalName(f, node.expression);
    return object === undefined ? undefined : `${object}.${node.name.text}`;
  }
  return undefined;
}
