import type { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { operandOf } from "../known.ts";
import { known, type Operand } from "../operand.ts";

export function lowerIdentifier(f: FunctionLowering, node: ts.Identifier): Operand {
  const variable = f.variableOf(node);
  if (variable !== undefined) return f.read(variable);
  if (f.hasCapture(node.text)) {
    f.typed(node);
    return operandOf(f, f.capture(node.text), node);
  }
  if (node.text === "undefined") return known(undefined);
  if (node.text === "arguments") f.refuse("arguments", node);
  return f.refuse("unknown-name", node, { name: node.text });
}
