/** Display names of functions, for backtraces, the ledger and diagnostics: `uart16550.write.thr`, `portReader.<arrow>`. */
import { ts } from "../source/ts.ts";

function keyText(name: ts.PropertyName): string {
  if (
    ts.isIdentifier(name) ||
    ts.isStringLiteral(name) ||
    ts.isNumericLiteral(name) ||
    ts.isPrivateIdentifier(name)
  )
    return name.text;
  return "[…]";
}

/** The name of a function after where it stands: the keys and the variable that hold it, inside the function that makes it. */
export function functionName(node: ts.FunctionLikeDeclaration): string {
  const parts: string[] = [];
  let named = false;
  const own = node.name;
  if (ts.isConstructorDeclaration(node)) {
    parts.unshift("constructor");
    named = true;
  } else if (own !== undefined) {
    parts.unshift(keyText(own as ts.PropertyName));
    named = true;
  }
  let settled = ts.isFunctionDeclaration(node);
  for (let at: ts.Node = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isFunctionLike(at)) {
      if ("body" in at) parts.unshift(functionName(at as ts.FunctionLikeDeclaration));
      if (!named) parts.push(ts.isArrowFunction(node) ? "<arrow>" : "<function>");
      return parts.join(".");
    }
    if (settled) continue;
    if (ts.isPropertyAssignment(at) || ts.isPropertyDeclaration(at)) {
      parts.unshift(keyText(at.name));
      named = true;
    } else if (ts.isVariableDeclaration(at)) {
      if (ts.isIdentifier(at.name)) {
        parts.unshift(at.name.text);
        named = true;
      }
      settled = true;
    } else if (ts.isClassLike(at) && at.name) {
      parts.unshift(at.name.text);
      settled = true;
    } else if (ts.isExportAssignment(at)) {
      parts.unshift("default");
      named = true;
      settled = true;
    } else if (ts.isStatement(at) && !ts.isBlock(at)) {
      settled = true;
    }
  }
  if (!named) parts.push(ts.isArrowFunction(node) ? "<arrow>" : "<function>");
  return parts.join(".");
}
