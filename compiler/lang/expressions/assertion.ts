import { ts } from "ts-morph";
import { likely } from "../../ir/ir.ts";
import type { FunctionLowering } from "../function.ts";
import { nullPointer } from "../known.ts";
import type { Operand } from "../operand.ts";

export function lowerParenthesized(f: FunctionLowering, node: ts.ParenthesizedExpression): Operand {
  return f.expression(node.expression);
}

export function lowerSatisfies(f: FunctionLowering, node: ts.SatisfiesExpression): Operand {
  return f.expression(node.expression);
}

/** `as const` changes nothing; `as` on an integer would claim a width that nobody checks. */
export function lowerAs(f: FunctionLowering, node: ts.AsExpression): Operand {
  const operand = f.expression(node.expression);
  if (ts.isConstTypeReference(node.type)) return operand;
  if (f.checker.getTypeAtLocation(node.type).flags & ts.TypeFlags.Any) f.refuse("any", node.type);
  if (
    operand.kind === "int" ||
    operand.kind === "bool" ||
    (operand.kind === "known" && typeof operand.value !== "object" && typeof operand.value !== "function")
  ) {
    f.refuse("as-on-integer", node, { type: node.type.getText() });
  }
  return operand;
}

/** `x!` checks; where a trap is not allowed, it is refused. */
export function lowerNonNull(f: FunctionLowering, node: ts.NonNullExpression): Operand {
  const operand = f.expression(node.expression);
  if (operand.kind !== "struct" || !operand.nullable) {
    if (operand.kind === "known" && (operand.value === null || operand.value === undefined))
      f.refuse("null-here", node);
    return operand;
  }
  if (f.strict) f.refuse("non-null-in-model", node);
  const present = f.b.block("present");
  const missing = f.b.block("missing");
  f.b.branch(f.b.compare("ne", operand.value, nullPointer), present, missing, likely);
  f.b.place(missing);
  f.trap(`${node.expression.getText()} is null`, node);
  f.b.place(present);
  return { ...operand, nullable: false };
}
