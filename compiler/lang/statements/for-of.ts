import { ts } from "ts-morph";
import { constant } from "../../ir/builder.ts";
import { i64 } from "../../ir/ir.ts";
import { bindPattern } from "../bind.ts";
import { joinEnvs } from "../env.ts";
import { loadField } from "../fields.ts";
import type { Env, FunctionLowering } from "../function.ts";
import { operandOf } from "../known.ts";
import { describe, type Operand } from "../operand.ts";

/** `for (const x of data)`: one copy of the body for each element of build-time data, or of a fixed array. */
export function lowerForOf(f: FunctionLowering, node: ts.ForOfStatement, label?: string): void {
  if (node.awaitModifier !== undefined) f.refuse("async", node);
  if (!ts.isVariableDeclarationList(node.initializer))
    return f.refuse("unsupported", node.initializer, { what: "for…of without a declaration" });
  if ((node.initializer.flags & ts.NodeFlags.BlockScoped) === 0) f.refuse("var", node.initializer);
  if ((node.initializer.flags & ts.NodeFlags.Using) !== 0)
    f.refuse("unsupported", node.initializer, { what: "`using`" });
  const { name } = node.initializer.declarations[0]!;
  const data = f.expression(node.expression);
  const exit = f.b.block("done");
  const breakEnvs: Env[] = [];
  for (const element of elements(f, data, node)) {
    if (f.env === undefined) break;
    // A `continue` goes to the next copy, a `break` behind the last.
    const next = f.b.block("turn");
    const continueEnvs: Env[] = [];
    f.targets.push({ label, breakTo: exit, breakEnvs, continueTo: next, continueEnvs });
    try {
      bindPattern(f, name, element());
      f.statement(node.statement);
    } finally {
      f.targets.pop();
    }
    if (f.env !== undefined) {
      continueEnvs.push(f.env);
      f.b.jump(next);
    }
    f.resume(next, continueEnvs.reduce(joinEnvs, undefined));
  }
  if (f.env !== undefined) {
    breakEnvs.push(f.env);
    f.b.jump(exit);
  }
  f.resume(exit, breakEnvs.reduce(joinEnvs, undefined));
}

/** Elements of a fixed array up to which a loop over it is unrolled. */
const mostUnrolled = 64;

function* elements(f: FunctionLowering, data: Operand, node: ts.ForOfStatement): Generator<() => Operand> {
  if (data.kind === "known" && Array.isArray(data.value)) {
    for (const value of data.value as unknown[]) yield () => operandOf(f, value, node.expression);
    return;
  }
  if (data.kind === "array") {
    const { element, length, stride } = data.descriptor;
    if (length > mostUnrolled)
      f.refuse("unroll", node, { length: String(length), most: String(mostUnrolled) });
    for (let i = 0; i < length; i++)
      yield () => loadField(f, element, f.b.index(data.value, constant(i64, BigInt(i)), stride));
    return;
  }
  f.refuse("not-iterable", node.expression, { what: describe(data) });
}
