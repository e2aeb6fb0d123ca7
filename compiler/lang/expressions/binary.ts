import { ts } from "ts-morph";
import { arithmetic } from "../arithmetic.ts";
import { isComparison, lowerCondition } from "../condition.ts";
import type { FunctionLowering } from "../function.ts";
import { known, type Operand } from "../operand.ts";

const { SyntaxKind } = ts;
const operators = new Map<ts.SyntaxKind, string>([
  [SyntaxKind.PlusToken, "+"],
  [SyntaxKind.MinusToken, "-"],
  [SyntaxKind.AsteriskToken, "*"],
  [SyntaxKind.SlashToken, "/"],
  [SyntaxKind.PercentToken, "%"],
  [SyntaxKind.AmpersandToken, "&"],
  [SyntaxKind.BarToken, "|"],
  [SyntaxKind.CaretToken, "^"],
  [SyntaxKind.LessThanLessThanToken, "<<"],
  [SyntaxKind.GreaterThanGreaterThanToken, ">>"],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, ">>>"],
]);

export function lowerBinary(f: FunctionLowering, node: ts.BinaryExpression): Operand {
  const { kind } = node.operatorToken;
  if (isComparison(kind) || kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken)
    return lowerBoolean(f, node);
  if (kind === SyntaxKind.EqualsEqualsToken || kind === SyntaxKind.ExclamationEqualsToken)
    f.refuse("loose-equality", node.operatorToken);
  if (kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment)
    f.refuse("assignment-value", node);
  if (kind === SyntaxKind.InKeyword) f.refuse("in", node.operatorToken);
  if (kind === SyntaxKind.InstanceOfKeyword) f.refuse("class", node.operatorToken);
  if (kind === SyntaxKind.QuestionQuestionToken) return lowerDefault(f, node);
  const operator = operators.get(kind);
  if (operator === undefined)
    f.refuse("unsupported", node.operatorToken, { what: `the operator ${node.operatorToken.getText()}` });
  const left = f.expression(node.left);
  const right = f.expression(node.right);
  return combine(f, operator!, left, right, node);
}

/** `left operator right` on integers; at build time where both are known. */
export function combine(
  f: FunctionLowering,
  operator: string,
  left: Operand,
  right: Operand,
  node: ts.BinaryExpression,
): Operand {
  if (left.kind === "known" && right.kind === "known") {
    const folded = fold(operator, left.value, right.value);
    if (folded !== undefined) return known(folded);
  }
  return arithmetic(f, operator, f.int(left, node.left), f.int(right, node.right), node);
}

export function operatorOf(kind: ts.SyntaxKind): string | undefined {
  return operators.get(kind);
}

/** What JavaScript makes of two known integers or strings; undefined where the general rule must look. */
function fold(operator: string, a: unknown, b: unknown): unknown {
  if (typeof a === "string" && typeof b === "string" && operator === "+") return a + b;
  if (typeof a === "number" && typeof b === "number") {
    const shift = operator === "<<" || operator === ">>" || operator === ">>>";
    if (shift && (b < 0 || b > 31)) return undefined;
    if ((operator === "%" && b === 0) || operator === "/") return undefined;
    const value = numberFold[operator]?.(a, b);
    return value !== undefined && Number.isSafeInteger(value) ? value || 0 : undefined;
  }
  if (typeof a === "bigint" && typeof b === "bigint") {
    if ((operator === "/" || operator === "%") && b === 0n) return undefined;
    if ((operator === "<<" || operator === ">>") && (b < 0n || b > 127n)) return undefined;
    const value = bigFold[operator]?.(a, b);
    return value !== undefined && value >= -(1n << 127n) && value < 1n << 128n ? value : undefined;
  }
  return undefined;
}

const numberFold: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "%": (a, b) => a % b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  ">>>": (a, b) => a >>> b,
};
const bigFold: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
};

function lowerBoolean(f: FunctionLowering, node: ts.BinaryExpression): Operand {
  const yes = f.b.block("yes");
  const no = f.b.block("no");
  const sides = lowerCondition(f, node, yes, no);
  return f.choose(
    [
      { block: yes, env: sides.whenTrue, lower: () => known(true) },
      { block: no, env: sides.whenFalse, lower: () => known(false) },
    ],
    node,
  );
}

/** `a ?? b` on build-time data. */
function lowerDefault(f: FunctionLowering, node: ts.BinaryExpression): Operand {
  const left = f.expression(node.left);
  if (left.kind !== "known")
    return left.kind === "struct" && left.nullable
      ? f.refuse("unsupported", node, { what: "?? on a reference" })
      : left;
  return left.value === undefined || left.value === null ? f.expression(node.right) : left;
}
