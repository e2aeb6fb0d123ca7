/** Which identifiers of a tree are references to values, and which bindings of a file can change after they were made. */
import { ts } from "../source/ts.ts";

/** Whether a subtree holds types only, which do not exist at run time. */
export function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExpressionWithTypeArguments(node)) {
    return ts.isHeritageClause(node.parent) && node.parent.token === ts.SyntaxKind.ImplementsKeyword;
  }
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isTypeParameterDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

/** Whether an identifier outside types refers to a value by its name. */
export function isReference(id: ts.Identifier): boolean {
  const parent = id.parent;
  switch (parent.kind) {
    case ts.SyntaxKind.PropertyAccessExpression:
      return (parent as ts.PropertyAccessExpression).expression === id;
    case ts.SyntaxKind.PropertyAssignment:
    case ts.SyntaxKind.VariableDeclaration:
    case ts.SyntaxKind.Parameter:
    case ts.SyntaxKind.BindingElement:
    case ts.SyntaxKind.PropertyDeclaration:
    case ts.SyntaxKind.EnumMember:
      return (parent as ts.VariableDeclaration).initializer === id;
    case ts.SyntaxKind.FunctionDeclaration:
    case ts.SyntaxKind.FunctionExpression:
    case ts.SyntaxKind.MethodDeclaration:
    case ts.SyntaxKind.GetAccessor:
    case ts.SyntaxKind.SetAccessor:
    case ts.SyntaxKind.ClassDeclaration:
    case ts.SyntaxKind.ClassExpression:
    case ts.SyntaxKind.EnumDeclaration:
    case ts.SyntaxKind.ModuleDeclaration:
    case ts.SyntaxKind.LabeledStatement:
    case ts.SyntaxKind.BreakStatement:
    case ts.SyntaxKind.ContinueStatement:
    case ts.SyntaxKind.QualifiedName:
    case ts.SyntaxKind.MetaProperty:
    case ts.SyntaxKind.ImportEqualsDeclaration:
    case ts.SyntaxKind.PropertySignature:
    case ts.SyntaxKind.MethodSignature:
      return false;
    default:
      return true;
  }
}

/** The value symbol that a reference resolves to in its scope; imports are not followed. */
export function symbolOf(checker: ts.TypeChecker, id: ts.Identifier): ts.Symbol | undefined {
  return ts.isShorthandPropertyAssignment(id.parent) && id.parent.name === id
    ? checker.getShorthandAssignmentValueSymbol(id.parent)
    : checker.getSymbolAtLocation(id);
}

/** The identifiers that an assignment's left side writes to. */
export function assignmentTargets(left: ts.Node): ts.Identifier[] {
  if (ts.isIdentifier(left)) return [left];
  if (ts.isParenthesizedExpression(left) || ts.isNonNullExpression(left))
    return assignmentTargets(left.expression);
  if (ts.isArrayLiteralExpression(left)) return left.elements.flatMap(assignmentTargets);
  if (ts.isSpreadElement(left)) return assignmentTargets(left.expression);
  if (ts.isBinaryExpression(left) && left.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    return assignmentTargets(left.left);
  if (ts.isObjectLiteralExpression(left)) {
    return left.properties.flatMap((p) => {
      if (ts.isShorthandPropertyAssignment(p)) return [p.name];
      if (ts.isPropertyAssignment(p)) return assignmentTargets(p.initializer);
      return ts.isSpreadAssignment(p) ? assignmentTargets(p.expression) : [];
    });
  }
  return [];
}

/** The identifiers that a node writes to, not counting its children. */
export function writtenBy(node: ts.Node): ts.Identifier[] {
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.kind;
    const assigns = operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment;
    return assigns ? assignmentTargets(node.left) : [];
  }
  if (ts.isPostfixUnaryExpression(node)) return assignmentTargets(node.operand);
  if (ts.isPrefixUnaryExpression(node)) {
    const changes =
      node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
    return changes ? assignmentTargets(node.operand) : [];
  }
  if (
    (ts.isForOfStatement(node) || ts.isForInStatement(node)) &&
    !ts.isVariableDeclarationList(node.initializer)
  ) {
    return assignmentTargets(node.initializer);
  }
  return [];
}

/**
 * Whether a binding may hold another value later than when a function captured it. A loop's own `let` is a new
 * binding in each turn, so it counts only where the loop's body assigns it.
 */
export function isAssignable(
  checker: ts.TypeChecker,
  symbol: ts.Symbol,
  writes: ReadonlyMap<ts.Symbol, readonly ts.Node[]>,
): boolean {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declaration = target.valueDeclaration;
  if (declaration === undefined) return false;
  let root: ts.Node = declaration;
  while (ts.isBindingElement(root)) root = root.parent.parent;
  if (ts.isParameter(root)) return (writes.get(target)?.length ?? 0) > 0;
  if (!ts.isVariableDeclaration(root) || !ts.isVariableDeclarationList(root.parent)) return false;
  if (root.parent.flags & ts.NodeFlags.Const) return false;
  const loop = root.parent.parent;
  if (
    root.parent.flags & ts.NodeFlags.Let &&
    (ts.isForStatement(loop) || ts.isForOfStatement(loop) || ts.isForInStatement(loop))
  ) {
    const body = loop.statement;
    return (writes.get(target) ?? []).some((write) => write.pos >= body.pos && write.end <= body.end);
  }
  return true;
}
