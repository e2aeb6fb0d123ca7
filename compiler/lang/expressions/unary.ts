import { ts } from "ts-morph";
import { constant } from "../../ir/builder.ts";
import { lowerCondition } from "../condition.ts";
import type { FunctionLowering } from "../function.ts";
import { complement, contains, i32Range, negate, point } from "../interval.ts";
import { known, type Operand } from "../operand.ts";
import { exact, toInt32 } from "../arithmetic.ts";
import { irInt } from "../shape.ts";

export function lowerPrefix(f: FunctionLowering, node: ts.PrefixUnaryExpression): Operand {
  switch (node.operator) {
    case ts.SyntaxKind.ExclamationToken: {
      const yes = f.b.block("yes");
      const no = f.b.block("no");
      const sides = lowerCondition(f, node.operand, yes, no);
      return f.choose(
        [
          { block: yes, env: sides.whenTrue, lower: () => known(false) },
          { block: no, env: sides.whenFalse, lower: () => known(true) },
        ],
        node,
      );
    }
    case ts.SyntaxKind.MinusToken: {
      const operand = f.expression(node.operand);
      if (operand.kind === "known" && typeof operand.value === "number") return known(-operand.value || 0);
      if (operand.kind === "known" && typeof operand.value === "bigint") return known(-operand.value);
      const a = f.int(operand, node.operand);
      return exact(
        f,
        "sub",
        { kind: "int", big: a.big, range: point(0n), value: constant(irInt(a.big ? 64 : 32), 0n) },
        a,
        negate(a.range),
        node,
      );
    }
    case ts.SyntaxKind.TildeToken: {
      const operand = f.expression(node.operand);
      if (operand.kind === "known" && typeof operand.value === "number") return known(~operand.value);
      if (operand.kind === "known" && typeof operand.value === "bigint") return known(~operand.value);
      const a = f.int(operand, node.operand);
      if (a.big) {
        const minusOne = {
          kind: "int" as const,
          big: true,
          range: point(-1n),
          value: constant(irInt(64), -1n),
        };
        return exact(f, "xor", a, minusOne, complement(a.range), node);
      }
      const value = f.b.binary("xor", toInt32(f, a).value, constant(irInt(32), -1n));
      const range = contains(i32Range, a.range) ? complement(a.range) : i32Range;
      return { kind: "int", big: false, range, value };
    }
    case ts.SyntaxKind.PlusToken: {
      const a = f.int(f.expression(node.operand), node.operand);
      return a.big ? f.refuse("mixed-kinds", node) : a;
    }
    default:
      return f.refuse("assignment-value", node);
  }
}
