import type { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { nothing } from "../operand.ts";

export function lowerReturn(f: FunctionLowering, node: ts.ReturnStatement): void {
  const operand = node.expression === undefined ? nothing : f.expression(node.expression);
  if (f.env === undefined) return;
  f.returns.push({ block: f.b.current, operand, node: node.expression ?? node });
  f.leave();
}
