import type { ts } from "ts-morph";
import { lowerCondition } from "../condition.ts";
import { joinEnvs } from "../env.ts";
import type { FunctionLowering } from "../function.ts";

export function lowerIf(f: FunctionLowering, node: ts.IfStatement): void {
  const then = f.b.block("then");
  const otherwise = f.b.block("else");
  const end = f.b.block("end");
  const sides = lowerCondition(f, node.expression, then, otherwise);
  let env = undefined as typeof sides.whenTrue;
  if (sides.whenTrue !== undefined) {
    f.resume(then, sides.whenTrue);
    f.statement(node.thenStatement);
    if (f.env !== undefined) f.b.jump(end);
    env = f.env;
  }
  if (sides.whenFalse !== undefined) {
    f.resume(otherwise, sides.whenFalse);
    if (node.elseStatement !== undefined) f.statement(node.elseStatement);
    if (f.env !== undefined) f.b.jump(end);
    env = joinEnvs(env, f.env);
  }
  f.resume(end, env);
}
