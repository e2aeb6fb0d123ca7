import { ts } from "ts-morph";
import { readProperty } from "./expressions/property.ts";
import type { FunctionLowering } from "./function.ts";
import { operandOf } from "./known.ts";
import type { Operand } from "./operand.ts";

/** Binds the names of an object pattern to the fields of a record or of build-time data. */
export function bindPattern(f: FunctionLowering, pattern: ts.BindingName, operand: Operand): void {
  if (ts.isIdentifier(pattern)) {
    const symbol = f.program.facts.symbolOf(pattern);
    f.declare(pattern, operand, symbol !== undefined && f.assigned.has(symbol));
    return;
  }
  pattern.elements.forEach((element, i) => {
    if (ts.isOmittedExpression(element)) return;
    if (element.dotDotDotToken !== undefined) f.refuse("spread", element);
    if (element.initializer !== undefined)
      f.refuse("unsupported", element, { what: "a default in a pattern" });
    if (ts.isArrayBindingPattern(pattern)) {
      if (operand.kind !== "known" || !Array.isArray(operand.value))
        f.refuse("unsupported", element, { what: "taking an array apart" });
      bindPattern(f, element.name, operandOf(f, (operand.value as unknown[])[i], element));
      return;
    }
    const name = element.propertyName ?? element.name;
    if (!ts.isIdentifier(name) && !ts.isStringLiteral(name))
      return f.refuse("unsupported", name, { what: "a computed name" });
    bindPattern(f, element.name, readProperty(f, operand, name.text, element));
  });
}
