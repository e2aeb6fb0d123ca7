import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import type { Operand } from "../operand.ts";
import { known } from "../operand.ts";

/** An object literal is a by-value record; where all its fields are known, it is build-time data. */
export function lowerObject(f: FunctionLowering, node: ts.ObjectLiteralExpression): Operand {
  const fields = new Map<string, Operand>();
  for (const property of node.properties) {
    if (ts.isSpreadAssignment(property)) f.refuse("spread", property);
    if (ts.isPropertyAssignment(property)) {
      if (!ts.isIdentifier(property.name) && !ts.isStringLiteral(property.name))
        f.refuse("unsupported", property.name, { what: "a computed name" });
      fields.set((property.name as ts.Identifier).text, f.expression(property.initializer));
    } else if (ts.isShorthandPropertyAssignment(property))
      fields.set(property.name.text, f.expression(property.name));
    else f.refuse("closure", property);
  }
  const aggregate = [...fields.values()].some(
    (v) =>
      v.kind === "known" &&
      ((typeof v.value === "object" && v.value !== null) ||
        typeof v.value === "function" ||
        typeof v.value === "string"),
  );
  if (aggregate && [...fields.values()].every((v) => v.kind === "known")) {
    return known(
      Object.freeze(
        Object.fromEntries([...fields].map(([name, v]) => [name, (v as { value: unknown }).value])),
      ),
    );
  }
  return { kind: "record", fields };
}
