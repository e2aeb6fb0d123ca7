import type { ts } from "ts-morph";
import { lowerCondition } from "../condition.ts";
import type { FunctionLowering } from "../function.ts";
import { nothing } from "../operand.ts";
import type { Intrinsic } from "./index.ts";

function message(f: FunctionLowering, node: ts.Node, operand: ReturnType<Parameters<Intrinsic>[3]>): string {
  if (operand.kind === "known" && typeof operand.value === "string") return operand.value;
  return f.refuse("not-known", node, { what: "the message" });
}

export const faultIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  [
    "trap",
    (f, node, nodes, argument) => {
      if (f.strict) f.refuse("trap-in-model", node, { name: "trap" });
      const text = message(f, nodes[0] ?? node, argument(0));
      f.trap(text, node);
      f.leave();
      return nothing;
    },
  ],
  [
    "assert",
    (f, node, nodes, argument) => {
      if (f.strict) f.refuse("trap-in-model", node, { name: "assert" });
      const text = message(f, nodes[1] ?? node, argument(1));
      const holds = f.b.block("holds");
      const fails = f.b.block("fails");
      const sides = lowerCondition(f, nodes[0] as ts.Expression, holds, fails);
      if (sides.whenFalse !== undefined) {
        f.resume(fails, sides.whenFalse);
        f.trap(text, node);
      }
      f.resume(holds, sides.whenTrue);
      return nothing;
    },
  ],
];
