import type { ts } from "ts-morph";
import { lowerCondition } from "../condition.ts";
import type { FunctionLowering } from "../function.ts";
import type { Operand } from "../operand.ts";

/** `c ? a : b`: where `c` is known, only one side is looked at. */
export function lowerConditional(f: FunctionLowering, node: ts.ConditionalExpression): Operand {
  const yes = f.b.block("yes");
  const no = f.b.block("no");
  const sides = lowerCondition(f, node.condition, yes, no);
  return f.choose(
    [
      { block: yes, env: sides.whenTrue, lower: () => f.expression(node.whenTrue) },
      { block: no, env: sides.whenFalse, lower: () => f.expression(node.whenFalse) },
    ],
    node,
  );
}
