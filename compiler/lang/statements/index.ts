/** One table: which file lowers which kind of statement. What is not in it is refused. */
import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { refusedStatements } from "../refused.ts";
import { lowerBlock, lowerEmpty } from "./block.ts";
import { lowerExpressionStatement } from "./expression.ts";
import { lowerForOf } from "./for-of.ts";
import { lowerIf } from "./if.ts";
import { lowerBreak, lowerContinue, lowerLabeled } from "./jump.ts";
import { lowerDo, lowerFor, lowerWhile } from "./loop.ts";
import { lowerReturn } from "./return.ts";
import { lowerSwitch } from "./switch.ts";
import { lowerVariables } from "./variable.ts";

type Lower<N extends ts.Node> = (f: FunctionLowering, node: N, label?: string) => void;
export const statements: ReadonlyMap<ts.SyntaxKind, Lower<never>> = new Map<ts.SyntaxKind, Lower<never>>([
  [ts.SyntaxKind.Block, lowerBlock],
  [ts.SyntaxKind.EmptyStatement, lowerEmpty],
  [ts.SyntaxKind.VariableStatement, lowerVariables],
  [ts.SyntaxKind.ExpressionStatement, lowerExpressionStatement],
  [ts.SyntaxKind.IfStatement, lowerIf],
  [ts.SyntaxKind.ReturnStatement, lowerReturn],
  [ts.SyntaxKind.WhileStatement, lowerWhile],
  [ts.SyntaxKind.DoStatement, lowerDo],
  [ts.SyntaxKind.ForStatement, lowerFor],
  [ts.SyntaxKind.ForOfStatement, lowerForOf],
  [ts.SyntaxKind.SwitchStatement, lowerSwitch],
  [ts.SyntaxKind.BreakStatement, lowerBreak],
  [ts.SyntaxKind.ContinueStatement, lowerContinue],
  [ts.SyntaxKind.LabeledStatement, lowerLabeled],
] as unknown as [ts.SyntaxKind, Lower<never>][]);

/** Lowers a statement; `label` is the one in front of it. */
export function lowerStatement(f: FunctionLowering, node: ts.Statement, label?: string): void {
  const lower = statements.get(node.kind);
  if (lower !== undefined) return lower(f, node as never, label);
  // Types leave nothing behind.
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
  f.refuse(refusedStatements.get(node.kind) ?? "unsupported", node, { what: ts.SyntaxKind[node.kind] });
}
