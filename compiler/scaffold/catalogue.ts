/** Enters a new device into a project's list of devices, `devices/catalogue.ts`, where it has one. */
import { InputFailure } from "../failure.ts";
import { ts } from "../source/ts.ts";
import { identifierOf } from "./name.ts";

/** The list of devices of a project, by its path in it. */
export const cataloguePath = "devices/catalogue.ts";

/** The text of the catalogue with a device of the folder added, in alphabetical order. Throws InputFailure where it cannot be told how. */
export function catalogueWith(text: string, name: string): string {
  const source = ts.createSourceFile(cataloguePath, text, ts.ScriptTarget.ES2022, true);
  const device = identifierOf(name);
  const imports = source.statements.filter(ts.isImportDeclaration);
  const list = listOf(source);
  const last = imports.at(-1);
  if (list === undefined || last === undefined)
    throw new InputFailure(`${cataloguePath} has no \`catalogue\` to which the device could be added`);
  const known = imports.flatMap((i) => {
    const bindings = i.importClause?.namedBindings;
    return bindings && ts.isNamedImports(bindings) ? bindings.elements.map((e) => e.name.text) : [];
  });
  if (known.includes(device)) throw new InputFailure(`${cataloguePath} has another \`${device}\` already`);
  const module = `./${name}.ts`;
  const specifierOf = (i: ts.ImportDeclaration): string => (i.moduleSpecifier as ts.StringLiteral).text;
  const nextImport = imports.find((i) => specifierOf(i).startsWith("./") && specifierOf(i) > module);
  const nextEntry = list.properties.find((p) => nameOf(p) > name);
  const entry = name === device ? name : `"${name}": ${device}`;
  const edits = [
    {
      at: nextImport?.getStart(source) ?? last.getEnd() + 1,
      text: `import { ${device} } from "${module}";\n`,
    },
    nextEntry === undefined
      ? { at: list.getEnd() - 1, text: `  ${entry},\n` }
      : { at: nextEntry.getStart(source), text: `${entry},\n  ` },
  ];
  return edits
    .sort((a, b) => b.at - a.at)
    .reduce((all, edit) => all.slice(0, edit.at) + edit.text + all.slice(edit.at), text);
}

function nameOf(property: ts.ObjectLiteralElementLike): string {
  const { name } = property;
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? name.text : "";
}

/** The object literal of `export const catalogue`, within whatever freezes or types it. */
function listOf(source: ts.SourceFile): ts.ObjectLiteralExpression | undefined {
  const find = (node: ts.Node): ts.ObjectLiteralExpression | undefined =>
    ts.isObjectLiteralExpression(node) ? node : ts.forEachChild(node, find);
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations)
      if (ts.isIdentifier(name) && name.text === "catalogue" && initializer) return find(initializer);
  }
  return undefined;
}
