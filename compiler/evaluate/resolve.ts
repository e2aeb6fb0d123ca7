/** Resolves import specifiers of evaluated modules: relative paths to `.ts` files, and nothing else. */
import { dirname, resolve } from "node:path";
import { diagnostic, DiagnosticError } from "../diagnostics/diagnostic.ts";
import { ts } from "../source/ts.ts";

/** Absolute path of an imported module. Throws DiagnosticError for a package. */
export function resolveModule(from: ts.SourceFile, specifier: string): string {
  if (!specifier.startsWith(".")) {
    throw new DiagnosticError(diagnostic("package", specifierNode(from, specifier), { specifier }));
  }
  return resolve(dirname(from.fileName), specifier);
}

function specifierNode(from: ts.SourceFile, specifier: string): ts.Node {
  for (const statement of from.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const node = statement.moduleSpecifier;
    if (node && ts.isStringLiteral(node) && node.text === specifier) return node;
  }
  return from;
}
