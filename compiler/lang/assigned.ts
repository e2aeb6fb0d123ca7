import { ts } from "ts-morph";

/** The locals that a node assigns after their declaration. */
export function assignedSymbols(root: ts.Node, checker: ts.TypeChecker): ReadonlySet<ts.Symbol> {
  const found = new Set<ts.Symbol>();
  const add = (target: ts.Expression): void => {
    if (ts.isParenthesizedExpression(target)) add(target.expression);
    if (!ts.isIdentifier(target)) return;
    const symbol = checker.getSymbolAtLocation(target);
    if (symbol !== undefined) found.add(symbol);
  };
  const visit = (node: ts.Node): void => {
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
      node.operatorToken.kind <= ts.SyntaxKind.LastAssignment
    )
      add(node.left);
    if (
      (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
      (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
    ) {
      add(node.operand);
    }
    // `let x: u8;` without a value is assigned later.
    if (
      ts.isVariableDeclaration(node) &&
      node.initializer === undefined &&
      ts.isIdentifier(node.name) &&
      !ts.isForOfStatement(node.parent.parent)
    )
      add(node.name);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}
