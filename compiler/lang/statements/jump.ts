import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { lowerStatement } from "./index.ts";

export function lowerBreak(f: FunctionLowering, node: ts.BreakStatement): void {
  const target = f.targets.findLast((t) => (node.label === undefined ? true : t.label === node.label.text));
  if (target === undefined) return f.refuse("unsupported", node, { what: "a break out of nothing" });
  target.breakEnvs.push(f.env);
  f.b.jump(target.breakTo);
  f.leave();
}

export function lowerContinue(f: FunctionLowering, node: ts.ContinueStatement): void {
  const target = f.targets.findLast(
    (t) => t.continueTo !== undefined && (node.label === undefined ? true : t.label === node.label.text),
  );
  if (target?.continueTo === undefined)
    return f.refuse("unsupported", node, { what: "a continue of nothing" });
  target.continueEnvs.push(f.env);
  f.b.jump(target.continueTo);
  f.leave();
}

export function lowerLabeled(f: FunctionLowering, node: ts.LabeledStatement): void {
  if (!ts.isIterationStatement(node.statement, false))
    f.refuse("unsupported", node, { what: "a label on something that is no loop" });
  lowerStatement(f, node.statement, node.label.text);
}
