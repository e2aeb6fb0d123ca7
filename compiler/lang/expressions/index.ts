/** One table: which file lowers which kind of expression. What is not in it is refused. */
import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import type { Operand } from "../operand.ts";
import { lowerBinary } from "./binary.ts";
import { lowerCall } from "./call.ts";
import { lowerConditional } from "./conditional.ts";
import { lowerElement } from "./element.ts";
import { lowerIdentifier } from "./identifier.ts";
import { lowerAs, lowerNonNull, lowerParenthesized, lowerSatisfies } from "./assertion.ts";
import {
  lowerArrayLiteral,
  lowerBigInt,
  lowerFalse,
  lowerNull,
  lowerNumber,
  lowerString,
  lowerTemplate,
  lowerTrue,
} from "./literal.ts";
import { lowerObject } from "./object.ts";
import { lowerPropertyAccess } from "./property.ts";
import { lowerPrefix } from "./unary.ts";
import { refusedExpressions } from "../refused.ts";

type Lower<N extends ts.Node> = (f: FunctionLowering, node: N) => Operand;
export const expressions: ReadonlyMap<ts.SyntaxKind, Lower<never>> = new Map<ts.SyntaxKind, Lower<never>>([
  [ts.SyntaxKind.Identifier, lowerIdentifier],
  [ts.SyntaxKind.NumericLiteral, lowerNumber],
  [ts.SyntaxKind.BigIntLiteral, lowerBigInt],
  [ts.SyntaxKind.StringLiteral, lowerString],
  [ts.SyntaxKind.NoSubstitutionTemplateLiteral, lowerString],
  [ts.SyntaxKind.TemplateExpression, lowerTemplate],
  [ts.SyntaxKind.TrueKeyword, lowerTrue],
  [ts.SyntaxKind.FalseKeyword, lowerFalse],
  [ts.SyntaxKind.NullKeyword, lowerNull],
  [ts.SyntaxKind.ParenthesizedExpression, lowerParenthesized],
  [ts.SyntaxKind.AsExpression, lowerAs],
  [ts.SyntaxKind.SatisfiesExpression, lowerSatisfies],
  [ts.SyntaxKind.NonNullExpression, lowerNonNull],
  [ts.SyntaxKind.BinaryExpression, lowerBinary],
  [ts.SyntaxKind.PrefixUnaryExpression, lowerPrefix],
  [ts.SyntaxKind.ConditionalExpression, lowerConditional],
  [ts.SyntaxKind.CallExpression, lowerCall],
  [ts.SyntaxKind.PropertyAccessExpression, lowerPropertyAccess],
  [ts.SyntaxKind.ElementAccessExpression, lowerElement],
  [ts.SyntaxKind.ObjectLiteralExpression, lowerObject],
  [ts.SyntaxKind.ArrayLiteralExpression, lowerArrayLiteral],
] as unknown as [ts.SyntaxKind, Lower<never>][]);

/** Lowers an expression to an operand. */
export function lowerExpression(f: FunctionLowering, node: ts.Expression): Operand {
  const lower = expressions.get(node.kind);
  if (lower !== undefined) return lower(f, node as never);
  const code = refusedExpressions.get(node.kind);
  return f.refuse(code ?? "unsupported", node, { what: ts.SyntaxKind[node.kind] });
}
