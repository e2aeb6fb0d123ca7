/** The edits that the catalogue's fixes are, where the place of a diagnostic says all that there is to change. */
import { ts } from "../source/ts.ts";

/** Text that takes the place of the source's from `start` to `end`, UTF-16 offsets, the end exclusive. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const integer = /^(?:u8|u16|u32|i32|u64|i64)$/;

function replace(node: ts.Node, text: string): TextEdit {
  return { start: node.getStart(), end: node.getEnd(), text };
}

/** What binds tighter than every operator. */
function isAtom(node: ts.Expression): boolean {
  return (
    ts.isIdentifier(node) ||
    ts.isLiteralExpression(node) ||
    ts.isParenthesizedExpression(node) ||
    ts.isCallExpression(node) ||
    ts.isPropertyAccessExpression(node) ||
    ts.isElementAccessExpression(node) ||
    ts.isNonNullExpression(node)
  );
}
const atom = (node: ts.Expression): string => (isAtom(node) ? node.getText() : `(${node.getText()})`);

function inner(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? inner(node.expression) : node;
}

/** `a op= b` and `a++` as what is assigned to what; undefined for anything else. */
function assignment(node: ts.Node): { readonly target: string; readonly value: string } | undefined {
  if (ts.isBinaryExpression(node)) {
    const operator = /^(.+)=$/.exec(node.operatorToken.getText())?.[1];
    const { kind } = node.operatorToken;
    if (operator === undefined || kind < ts.SyntaxKind.FirstCompoundAssignment) return undefined;
    if (kind > ts.SyntaxKind.LastCompoundAssignment) return undefined;
    const target = node.left.getText();
    return { target, value: `${target} ${operator} ${atom(node.right)}` };
  }
  if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) return undefined;
  const operator = ts.tokenToString(node.operator);
  if (operator !== "++" && operator !== "--") return undefined;
  const target = node.operand.getText();
  return { target, value: `${target} ${operator[0]!} 1` };
}

/** `u8(…)` around the value that does not fit, wherever it comes from. */
export function narrowed(node: ts.Node, type: string): TextEdit | undefined {
  if (!integer.test(type)) return undefined;
  const assigned = assignment(node);
  if (assigned !== undefined) {
    // A step of a bigint is one bigint.
    const value = /^[ui]64$/.test(type) ? assigned.value.replace(/ 1$/, " 1n") : assigned.value;
    return replace(node, `${assigned.target} = ${type}(${value})`);
  }
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) && parent.name === node)
    return parent.initializer && replace(parent.initializer, `${type}(${parent.initializer.getText()})`);
  return ts.isExpression(node) ? replace(node, `${type}(${inner(node).getText()})`) : undefined;
}

/** `x as u8` as `u8(x)`. */
export function converted(node: ts.Node, type: string): TextEdit | undefined {
  if (!ts.isAsExpression(node) || !integer.test(type)) return undefined;
  return replace(node, `${type}(${inner(node.expression).getText()})`);
}

/** `===` for `==`. */
export function strictEquality(node: ts.Node): TextEdit | undefined {
  const text = node.getText();
  return text === "==" || text === "!=" ? replace(node, `${text}=`) : undefined;
}

/** A parameter without `?` and default; undefined where its type follows from the default. */
export function required(node: ts.Node): TextEdit | undefined {
  if (!ts.isParameter(node) || node.type === undefined) return undefined;
  return replace(node, `${node.name.getText()}: ${node.type.getText()}`);
}

/** `break;` behind the last statement of a case. */
export function ended(node: ts.Node): TextEdit | undefined {
  if (!ts.isCaseOrDefaultClause(node)) return undefined;
  const last = node.statements.at(-1);
  if (last === undefined) return undefined;
  const { text } = node.getSourceFile();
  const line = text.slice(text.lastIndexOf("\n", last.getStart()) + 1, last.getStart());
  return {
    start: last.getEnd(),
    end: last.getEnd(),
    text: /^\s*$/.test(line) ? `\n${line}break;` : " break;",
  };
}

/** Nothing in place of a statement, with its line where it stands alone. */
export function removed(node: ts.Node): TextEdit | undefined {
  const statement = node.parent;
  if (!ts.isExpressionStatement(statement)) return undefined;
  const { text } = node.getSourceFile();
  const before = text.lastIndexOf("\n", statement.getStart()) + 1;
  const after = /^[ \t]*\r?\n/.exec(text.slice(statement.getEnd()))?.[0].length;
  const alone = after !== undefined && /^\s*$/.test(text.slice(before, statement.getStart()));
  return alone ? { start: before, end: statement.getEnd() + after, text: "" } : replace(statement, "");
}

/** `idiv(a, b)` for `a / b`. */
export function dividedWhole(node: ts.Node): TextEdit | undefined {
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [node.left, node.right].map((side) => inner(side).getText());
  const quotient = `idiv(${left}, ${right})`;
  return replace(node, assignment(node) === undefined ? quotient : `${left} = ${quotient}`);
}

/** `& mask` behind a value; a number outside every mask is a mistake of another kind. */
export function masked(node: ts.Node, mask: string): TextEdit | undefined {
  if (!ts.isExpression(node) || ts.isNumericLiteral(node) || ts.isBigIntLiteral(node)) return undefined;
  const text = `${atom(node)} & ${mask}`;
  return replace(node, ts.isElementAccessExpression(node.parent) ? text : `(${text})`);
}

/** `& (length - 1)` in an index that may be right, where the length is a power of two. */
export function maskedIndex(node: ts.Node, range: string, length: number): TextEdit | undefined {
  const neverRight = /, -/.test(range);
  const power = length > 0 && (length & (length - 1)) === 0;
  return power && !neverRight ? masked(node, String(length - 1)) : undefined;
}

/** `BigInt(…)` around the side that is a `number`. */
export function widened(node: ts.Node, side: string | undefined): TextEdit | undefined {
  if (!ts.isBinaryExpression(node) || (side !== "left" && side !== "right")) return undefined;
  if (assignment(node) !== undefined && side === "left") return undefined;
  return replace(node[side], `BigInt(${inner(node[side]).getText()})`);
}

/** `u64(…)` around arithmetic. */
export function wrapped(node: ts.Node): TextEdit | undefined {
  if (!ts.isBinaryExpression(node) || !/^(?:[+*-]|<<)$/.test(node.operatorToken.getText())) return undefined;
  return replace(node, `u64(${node.getText()})`);
}

/** A comparison with what is false of that kind: `x !== 0`. */
export function compared(node: ts.Node, what: string): TextEdit | undefined {
  const zero = { "a number": "0", "a bigint": "0n" }[what];
  if (!ts.isExpression(node) || zero === undefined) return undefined;
  const text = `${atom(node)} !== ${zero}`;
  return replace(node, ts.isPrefixUnaryExpression(node.parent) ? `(${text})` : text);
}

/** `let` for `var`. */
export function blockScoped(node: ts.Node): TextEdit | undefined {
  const start = node.getStart();
  return /^var\b/.test(node.getText()) ? { start, end: start + "var".length, text: "let" } : undefined;
}
