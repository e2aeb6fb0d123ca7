import { ts } from "ts-morph";

/** Expressions that have a refusal of their own. */
export const refusedExpressions: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.ArrowFunction, "closure"],
  [ts.SyntaxKind.FunctionExpression, "closure"],
  [ts.SyntaxKind.ClassExpression, "class"],
  [ts.SyntaxKind.NewExpression, "class"],
  [ts.SyntaxKind.ThisKeyword, "this"],
  [ts.SyntaxKind.SuperKeyword, "this"],
  [ts.SyntaxKind.AwaitExpression, "async"],
  [ts.SyntaxKind.YieldExpression, "generator"],
  [ts.SyntaxKind.SpreadElement, "spread"],
  [ts.SyntaxKind.TypeOfExpression, "typeof"],
  [ts.SyntaxKind.DeleteExpression, "delete"],
  [ts.SyntaxKind.PostfixUnaryExpression, "assignment-value"],
  [ts.SyntaxKind.RegularExpressionLiteral, "regular-expression"],
]);

/** Statements that have a refusal of their own. */
export const refusedStatements: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.FunctionDeclaration, "closure"],
  [ts.SyntaxKind.ClassDeclaration, "class"],
  [ts.SyntaxKind.ThrowStatement, "exception"],
  [ts.SyntaxKind.TryStatement, "exception"],
  [ts.SyntaxKind.ForInStatement, "for-in"],
]);
