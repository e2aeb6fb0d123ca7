/** Resolves import specifiers of evaluated modules: relative paths to `.ts` files, and nothing else. */
import { dirname, resolve } from "node:path";
import { diagnostic, DiagnosticError } from "../diagnostics/diagnostic.ts";
import type { Sources } from "../source/load.ts";
import { ts } from "../source/ts.ts";

/** The imported module. Throws DiagnosticError for a package, and for what does not exist. */
export function resolveModule(sources: Sources, from: ts.SourceFile, specifier: string): ts.SourceFile {
  if (!specifier.startsWith(".")) {
    throw new DiagnosticError(diagnostic("package", specifierNode(from, specifier), { specifier }));
  }
  const path = resolve(dirname(from.fileName), specifier);
  const module = sources.file(path);
  if (module === undefined) {
    const at = specifierNode(from, specifier);
    throw new DiagnosticError(diagnostic("no-such-module", at, { path: sources.displayPath(path) }));
  }
  return module;
}

function specifierNode(from: ts.SourceFile, specifier: string): ts.Node {
  for (const statement of from.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const node = statement.moduleSpecifier;
    if (node && ts.isStringLiteral(node) && node.text === specifier) return node;
  }
  return from;
}
