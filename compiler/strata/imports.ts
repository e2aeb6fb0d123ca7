/**
 * What a stratum may import. The rules are DESIGN's: images → devices → dsl, images → kernel, kernel → dsl,
 * platforms → kernel, dsl. Types count like values, and no comment switches a rule off.
 */
import { dirname, resolve } from "node:path";
import { diagnostic, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { coreFile, type Sources } from "../source/load.ts";
import { ts } from "../source/ts.ts";
import { stratumOf, type Stratum } from "./stratum.ts";

interface Rule {
  readonly name: string;
  readonly imports: readonly Stratum[];
  readonly says: string;
}

const rules: Readonly<Record<Exclude<Stratum, "test">, Rule>> = {
  image: {
    name: "an image",
    imports: ["image", "model", "kernel", "dsl"],
    says: "an image is made of devices, the kernel and the dsl, and the build binds the platform",
  },
  model: { name: "a model", imports: ["model", "dsl"], says: "devices know the dsl only" },
  kernel: {
    name: "the kernel",
    imports: ["kernel", "dsl"],
    says: "the kernel knows the dsl only, and reaches the machine through `kernel/machine.ts`",
  },
  platform: {
    name: "a platform",
    imports: ["platform", "kernel", "dsl"],
    says: "a platform knows the kernel and the dsl",
  },
  dsl: { name: "the dsl", imports: ["dsl"], says: "the dsl stands alone" },
};

/** Names of `dsl/core/` that a model may not use: raw memory, what stops the machine, what several CPUs share. */
const forbiddenToModels: Readonly<Record<string, "all" | ReadonlySet<string>>> = {
  storage: "all",
  binding: "all",
  memory: "all",
  program: "all",
  layout: new Set(["ref", "viewAt", "location"]),
  intrinsics: new Set([
    ...[
      "trap",
      "assert",
      "addressOf",
      "viewOf",
      "copyBytes",
      "fillBytes",
      "volatile",
      "fence",
      "text",
      "AtomicU32",
      "AtomicU64",
    ],
    ...[8, 16, 32, 64].flatMap((bits) => [`load${bits}`, `store${bits}`]),
  ]),
};

/** All violations of the strata in a program's files. */
export function checkStrata(sources: Sources): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const file of sources.files) {
    const stratum = stratumOf(sources, file.fileName);
    if (stratum !== "test") checkFile(sources, file, stratum, found);
  }
  return found;
}

function checkFile(
  sources: Sources,
  file: ts.SourceFile,
  stratum: Exclude<Stratum, "test">,
  found: Diagnostic[],
): void {
  const rule = rules[stratum];
  for (const { specifier, statement } of importsOf(file)) {
    if (!specifier.text.startsWith(".")) {
      found.push(diagnostic("package", specifier, { specifier: specifier.text }));
      continue;
    }
    const target = resolve(dirname(file.fileName), specifier.text);
    const to = stratumOf(sources, target);
    const shown = sources.displayPath(target);
    if (to === "test") {
      found.push(
        diagnostic("import-direction", specifier, {
          from: rule.name,
          to: shown,
          rule: "it belongs to no stratum",
        }),
      );
    } else if (!rule.imports.includes(to)) {
      found.push(diagnostic("import-direction", specifier, { from: rule.name, to: shown, rule: rule.says }));
    } else if (
      stratum === "platform" &&
      to === "platform" &&
      !sameArchitecture(sources.displayPath(file.fileName), shown)
    ) {
      found.push(
        diagnostic("import-direction", specifier, {
          from: rule.name,
          to: shown,
          rule: "platforms do not know each other",
        }),
      );
    } else if (stratum === "model" && statement !== undefined) {
      checkModelNames(sources, statement, target, found);
    }
  }
  for (const call of dynamicImports(file)) found.push(diagnostic("dynamic-import", call, {}));
}

function sameArchitecture(one: string, other: string): boolean {
  const architecture = (path: string): string | undefined => /platforms\/([^/]+)\//.exec(path)?.[1];
  const target = architecture(other);
  return target === undefined || architecture(one) === target;
}

interface Import {
  readonly specifier: ts.StringLiteral;
  readonly statement: ts.ImportDeclaration | ts.ExportDeclaration | undefined;
}

function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const specifier = statement.moduleSpecifier;
      if (specifier && ts.isStringLiteral(specifier)) found.push({ specifier, statement });
    } else if (
      ts.isImportEqualsDeclaration(statement) &&
      ts.isExternalModuleReference(statement.moduleReference)
    ) {
      const specifier = statement.moduleReference.expression;
      if (ts.isStringLiteral(specifier)) found.push({ specifier, statement: undefined });
    }
  }
  if (file.text.includes("import(")) {
    const visit = (node: ts.Node): void => {
      if (
        ts.isImportTypeNode(node) &&
        ts.isLiteralTypeNode(node.argument) &&
        ts.isStringLiteral(node.argument.literal)
      ) {
        found.push({ specifier: node.argument.literal, statement: undefined });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

function dynamicImports(file: ts.SourceFile): ts.Node[] {
  if (!file.text.includes("import(")) return [];
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A model names from `dsl/` nothing that stands for raw memory, wherever it is exported from. */
function checkModelNames(
  sources: Sources,
  statement: ts.ImportDeclaration | ts.ExportDeclaration,
  target: string,
  found: Diagnostic[],
): void {
  const bindings = ts.isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : statement.exportClause;
  if (bindings === undefined || !("elements" in bindings)) {
    const forbidden = forbiddenIn(target);
    const whole = ts.isImportDeclaration(statement) ? "*" : "export *";
    if (forbidden !== undefined)
      found.push(
        diagnostic("forbidden-to-models", statement, { name: whole, from: sources.displayPath(target) }),
      );
    return;
  }
  for (const element of bindings.elements) {
    const symbol = sources.checker.getSymbolAtLocation(element.name);
    const origin =
      symbol && symbol.flags & ts.SymbolFlags.Alias ? sources.checker.getAliasedSymbol(symbol) : symbol;
    const file = origin?.declarations?.[0]?.getSourceFile().fileName;
    const forbidden = file === undefined ? undefined : forbiddenIn(file);
    if (file === undefined || forbidden === undefined || origin === undefined) continue;
    if (forbidden === "all" || forbidden.has(origin.name)) {
      found.push(
        diagnostic("forbidden-to-models", element, { name: origin.name, from: sources.displayPath(file) }),
      );
    }
  }
}

function forbiddenIn(file: string): "all" | ReadonlySet<string> | undefined {
  for (const [name, forbidden] of Object.entries(forbiddenToModels))
    if (file === coreFile(name)) return forbidden;
  return undefined;
}
