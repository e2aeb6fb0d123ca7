/**
 * Bounds of a model's loops. A local that only the loop's update changes, by a constant step, has another value in each
 * turn; so there are no more turns than its interval at the loop's head has values.
 */
import { ts } from "ts-morph";
import { assignedSymbols } from "./assigned.ts";
import type { Env, FunctionLowering } from "./function.ts";

/** Turns that a loop of a model may at most take. */
const mostTurns = 65_536n;

/** Refuses a loop for which no bound can be derived. `head`: what is known at its head in every turn. */
export function requireBound(f: FunctionLowering, node: ts.IterationStatement, head: Env): void {
  const steps = ts.isForStatement(node) && node.incrementor !== undefined ? stepsIn(node.incrementor) : [];
  const inBody = assignedSymbols(node.statement, f.checker);
  const bounded = steps.some(({ counter, by }, i) => {
    const symbol = f.checker.getSymbolAtLocation(counter);
    const variable = f.variableOf(counter);
    const once = steps.every((other, j) => i === j || f.variableOf(other.counter) !== variable);
    const range = variable === undefined ? undefined : head?.get(variable);
    if (symbol === undefined || range === undefined || inBody.has(symbol) || !once || by === 0n) return false;
    return (range.hi - range.lo) / by <= mostTurns;
  });
  if (!bounded) f.refuse("unbounded-loop", node);
}

interface Step {
  readonly counter: ts.Identifier;
  /** How far each turn takes it, either way; 0 where that is not constant. */
  readonly by: bigint;
}

/** The locals that an update steps by constants: `i++, j -= 2`. */
function stepsIn(update: ts.Expression): Step[] {
  if (ts.isParenthesizedExpression(update)) return stepsIn(update.expression);
  if (ts.isPostfixUnaryExpression(update) || ts.isPrefixUnaryExpression(update)) {
    return ts.isIdentifier(update.operand) ? [{ counter: update.operand, by: 1n }] : [];
  }
  if (!ts.isBinaryExpression(update)) return [];
  const { kind } = update.operatorToken;
  if (kind === ts.SyntaxKind.CommaToken) return [...stepsIn(update.left), ...stepsIn(update.right)];
  if (!ts.isIdentifier(update.left)) return [];
  if (kind === ts.SyntaxKind.PlusEqualsToken || kind === ts.SyntaxKind.MinusEqualsToken) {
    const by =
      ts.isNumericLiteral(update.right) && Number.isSafeInteger(Number(update.right.text))
        ? BigInt(update.right.text)
        : 0n;
    return [{ counter: update.left, by }];
  }
  return [{ counter: update.left, by: 0n }];
}
