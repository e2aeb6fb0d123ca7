import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { known, type Operand } from "../operand.ts";

export function lowerNumber(f: FunctionLowering, node: ts.NumericLiteral): Operand {
  const value = Number(node.text);
  if (!Number.isSafeInteger(value)) f.refuse("float", node, { value: node.getText() });
  return known(value);
}
export function lowerBigInt(_f: FunctionLowering, node: ts.BigIntLiteral): Operand {
  return known(BigInt(node.text.replace(/n$/, "")));
}
export function lowerString(_f: FunctionLowering, node: ts.StringLiteralLike): Operand {
  return known(node.text);
}
/** A template whose parts are all known is a string. */
export function lowerTemplate(f: FunctionLowering, node: ts.TemplateExpression): Operand {
  let text = node.head.text;
  for (const span of node.templateSpans) {
    const part = f.expression(span.expression);
    if (part.kind !== "known" || typeof part.value === "object" || typeof part.value === "function")
      f.refuse("run-time-string", span.expression);
    text += String((part as { value: unknown }).value) + span.literal.text;
  }
  return known(text);
}
export const lowerTrue = (): Operand => known(true);
export const lowerFalse = (): Operand => known(false);
export const lowerNull = (): Operand => known(null);

/** An array is build-time data where all its elements are. */
export function lowerArrayLiteral(f: FunctionLowering, node: ts.ArrayLiteralExpression): Operand {
  const values = node.elements.map((element) => {
    if (ts.isSpreadElement(element)) f.refuse("spread", element);
    const operand = f.expression(element);
    if (operand.kind !== "known") f.refuse("run-time-array", element);
    return (operand as { value: unknown }).value;
  });
  return known(Object.freeze(values));
}
