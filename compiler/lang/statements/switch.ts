import { ts } from "ts-morph";
import type { Block } from "../../ir/ir.ts";
import { joinEnvs } from "../env.ts";
import type { Env, FunctionLowering } from "../function.ts";
import { contains, point } from "../interval.ts";
import { carriedAt, widthOf } from "../numeric.ts";

interface Clause {
  readonly values: { value: unknown; node: ts.Node }[];
  readonly isDefault: boolean;
  readonly statements: readonly ts.Statement[];
  readonly node: ts.CaseOrDefaultClause;
}

/** Clauses with the labels that share each body. */
function clausesOf(f: FunctionLowering, node: ts.SwitchStatement): Clause[] {
  const clauses: Clause[] = [];
  let values: Clause["values"] = [];
  let isDefault = false;
  node.caseBlock.clauses.forEach((clause, i) => {
    if (ts.isDefaultClause(clause)) isDefault = true;
    else {
      const operand = f.expression(clause.expression);
      if (operand.kind !== "known") f.refuse("not-known", clause.expression, { what: "a case" });
      values.push({ value: (operand as { value: unknown }).value, node: clause.expression });
    }
    if (clause.statements.length === 0 && i < node.caseBlock.clauses.length - 1) return;
    clauses.push({ values, isDefault, statements: clause.statements, node: clause });
    values = [];
    isDefault = false;
  });
  return clauses;
}

export function lowerSwitch(f: FunctionLowering, node: ts.SwitchStatement): void {
  const on = f.expression(node.expression);
  if (f.env === undefined) return;
  const clauses = clausesOf(f, node);
  const end = f.b.block("end");
  const breakEnvs: Env[] = [];
  const body = (clause: Clause, env: Env, block: Block): void => {
    f.resume(block, env);
    f.targets.push({ label: undefined, breakTo: end, breakEnvs, continueTo: undefined, continueEnvs: [] });
    for (const statement of clause.statements) f.statement(statement);
    f.targets.pop();
    if (f.env === undefined) return;
    if (clause !== clauses.at(-1)) f.refuse("fallthrough", clause.node);
    breakEnvs.push(f.env);
    f.b.jump(end);
    f.leave();
  };
  const finish = (): void => {
    f.resume(end, breakEnvs.reduce(joinEnvs, undefined));
  };

  if (on.kind === "known") {
    const chosen =
      clauses.find((c) => c.values.some((v) => v.value === on.value)) ?? clauses.find((c) => c.isDefault);
    if (chosen === undefined) return;
    const block = f.b.block("case");
    f.b.jump(block);
    body(chosen, f.env, block);
    return finish();
  }

  const a = f.int(on, node.expression);
  const before = f.env;
  const variable = ts.isIdentifier(node.expression) ? f.variableOf(node.expression) : undefined;
  const otherwise = f.b.block("default");
  const cases: { value: bigint; to: Block; weight: number }[] = [];
  const seen = new Set<bigint>();
  const blocks = clauses.map((clause) => {
    const block = f.b.block("case");
    for (const { value, node: at } of clause.values) {
      if (typeof value !== (a.big ? "bigint" : "number")) f.refuse("mixed-kinds", at);
      const constant = BigInt(value as number | bigint);
      if (seen.has(constant)) f.refuse("case-twice", at, { value: String(value) });
      seen.add(constant);
      if (contains(a.range, point(constant)))
        cases.push({ value: BigInt.asUintN(widthOf(a.value), constant), to: block, weight: 1 });
    }
    return block;
  });
  const hasDefault = clauses.some((c) => c.isDefault);
  const span = a.range.hi - a.range.lo;
  const complete = span < 4096n && BigInt(cases.length) === span + 1n;
  f.b.switch(carriedAt(f.b, a, widthOf(a.value)), cases, otherwise);
  clauses.forEach((clause, i) => {
    const reachable = cases.some((c) => c.to === blocks[i]!);
    if (reachable || (clause.isDefault && !complete)) {
      const [only] = clause.values;
      const env =
        variable !== undefined && !clause.isDefault && clause.values.length === 1
          ? new Map(before).set(variable, point(BigInt(only!.value as number | bigint)))
          : before;
      body(clause, env, blocks[i]!);
    }
  });
  f.resume(otherwise, complete ? undefined : before);
  if (!complete) {
    const fallback = clauses.findIndex((c) => c.isDefault);
    if (hasDefault) f.b.jump(blocks[fallback]!);
    else {
      breakEnvs.push(f.env);
      f.b.jump(end);
    }
  }
  finish();
}
