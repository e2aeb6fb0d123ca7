import { ts } from "ts-morph";
import { combine, operatorOf } from "../expressions/binary.ts";
import { elementAddress } from "../expressions/element.ts";
import { readProperty, writeProperty } from "../expressions/property.ts";
import { loadField, storeField } from "../fields.ts";
import type { FunctionLowering } from "../function.ts";
import { refusedExpressions } from "../refused.ts";
import { describe, known, type Operand } from "../operand.ts";

const { SyntaxKind } = ts;

/** Compound assignments and the operator in each. */
const compound = new Map<ts.SyntaxKind, ts.SyntaxKind>([
  [SyntaxKind.PlusEqualsToken, SyntaxKind.PlusToken],
  [SyntaxKind.MinusEqualsToken, SyntaxKind.MinusToken],
  [SyntaxKind.AsteriskEqualsToken, SyntaxKind.AsteriskToken],
  [SyntaxKind.SlashEqualsToken, SyntaxKind.SlashToken],
  [SyntaxKind.PercentEqualsToken, SyntaxKind.PercentToken],
  [SyntaxKind.AmpersandEqualsToken, SyntaxKind.AmpersandToken],
  [SyntaxKind.BarEqualsToken, SyntaxKind.BarToken],
  [SyntaxKind.CaretEqualsToken, SyntaxKind.CaretToken],
  [SyntaxKind.LessThanLessThanEqualsToken, SyntaxKind.LessThanLessThanToken],
  [SyntaxKind.GreaterThanGreaterThanEqualsToken, SyntaxKind.GreaterThanGreaterThanToken],
  [
    SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken,
    SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
  ],
]);

export function lowerExpressionStatement(f: FunctionLowering, node: ts.ExpressionStatement): void {
  lowerEffect(f, node.expression);
}

/** An expression for its effect: an assignment, a step, or a call. */
export function lowerEffect(f: FunctionLowering, node: ts.Expression): void {
  if (ts.isParenthesizedExpression(node)) return lowerEffect(f, node.expression);
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (kind === SyntaxKind.EqualsToken)
      return assign(f, node.left, () => f.expression(node.right), node.right);
    const inner = compound.get(kind);
    if (inner !== undefined)
      return update(
        f,
        node.left,
        (old) => combine(f, operatorOf(inner)!, old, f.expression(node.right), node),
        node,
      );
    if (kind === SyntaxKind.CommaToken) {
      lowerEffect(f, node.left);
      return lowerEffect(f, node.right);
    }
    if (kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment) {
      f.refuse("unsupported", node.operatorToken, { what: `the operator ${node.operatorToken.getText()}` });
    }
    f.refuse("void-statement", node);
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const operator =
      node.operator === SyntaxKind.PlusPlusToken
        ? "+"
        : node.operator === SyntaxKind.MinusMinusToken
          ? "-"
          : f.refuse("void-statement", node);
    const step = (old: Operand): Operand => {
      const one = known(
        old.kind === "int"
          ? old.big
            ? 1n
            : 1
          : old.kind === "known" && typeof old.value === "bigint"
            ? 1n
            : 1,
      );
      return combine(f, operator, old, one, node as unknown as ts.BinaryExpression);
    };
    return update(f, node.operand, step, node);
  }
  if (!ts.isCallExpression(node) && !refusedExpressions.has(node.kind)) f.refuse("void-statement", node);
  f.expression(node);
}

/** `target = value`; the target is computed first, as JavaScript does. */
function assign(f: FunctionLowering, target: ts.Expression, value: () => Operand, valueNode: ts.Node): void {
  if (ts.isParenthesizedExpression(target) || isElement(target))
    return assign(f, target.expression, value, valueNode);
  if (ts.isIdentifier(target)) {
    const operand = value();
    if (f.env !== undefined) assignVariable(f, target, operand, valueNode);
    return;
  }
  if (ts.isPropertyAccessExpression(target)) {
    const object = f.expression(target.expression);
    const operand = value();
    if (f.env !== undefined) writeProperty(f, object, target.name.text, operand, target, valueNode);
    return;
  }
  if (ts.isElementAccessExpression(target)) {
    const { array, at } = place(f, target);
    const operand = value();
    if (f.env !== undefined) storeField(f, array.descriptor.element, at, operand, valueNode);
    return;
  }
  f.refuse("unsupported", target, { what: "assigning to a pattern" });
}

/** `list[i]!`: TypeScript takes an element for possibly undefined, which indices of fixed arrays never are. */
function isElement(target: ts.Expression): target is ts.NonNullExpression {
  return ts.isNonNullExpression(target) && ts.isElementAccessExpression(target.expression);
}

/** `target = change(target)`, the target computed once. */
function update(
  f: FunctionLowering,
  target: ts.Expression,
  change: (old: Operand) => Operand,
  node: ts.Node,
): void {
  if (ts.isParenthesizedExpression(target) || isElement(target))
    return update(f, target.expression, change, node);
  if (ts.isIdentifier(target)) return assignVariable(f, target, change(f.expression(target)), node);
  if (ts.isPropertyAccessExpression(target)) {
    const object = f.expression(target.expression);
    writeProperty(
      f,
      object,
      target.name.text,
      change(readProperty(f, object, target.name.text, target)),
      target,
      node,
    );
    return;
  }
  if (ts.isElementAccessExpression(target)) {
    const { array, at } = place(f, target);
    storeField(f, array.descriptor.element, at, change(loadField(f, array.descriptor.element, at)), node);
    return;
  }
  f.refuse("unsupported", target, { what: "assigning to this" });
}

function assignVariable(f: FunctionLowering, target: ts.Identifier, operand: Operand, node: ts.Node): void {
  const variable = f.variableOf(target);
  if (variable === undefined) return f.refuse("assign-outer", target, { name: target.text });
  f.write(variable, operand, node);
}

function place(
  f: FunctionLowering,
  target: ts.ElementAccessExpression,
): { array: Extract<Operand, { kind: "array" }>; at: ReturnType<typeof elementAddress> } {
  const array = f.expression(target.expression);
  if (array.kind !== "array") return f.refuse("assign-known", target, { what: describe(array) });
  return { array, at: elementAddress(f, array, f.expression(target.argumentExpression), target) };
}
