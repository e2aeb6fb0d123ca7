/**
 * Fixtures: small programs with what must be said about them written into them. `// TV2010: convert` at the end of a
 * line expects that code on that line, with that text in its message; a file may expect several. All that is expected
 * must appear, and all that appears must be expected.
 *
 * Every function that a fixture exports is compiled, for parameters that are integers, booleans, and structs whose
 * descriptor the fixture exports under the type's name. What is in a folder `parts/` is only imported.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "../../dsl/core/layout.ts";
import { createFront, typeErrorsBeside } from "../front-end.ts";
import { createRealm, type Namespace, type Realm } from "../evaluate/realm.ts";
import { declaredType } from "../lang/declared.ts";
import { ProgramLowering } from "../lang/program.ts";
import type { Shape } from "../lang/shape.ts";
import { loadSources, type Sources } from "../source/load.ts";
import { ts } from "../source/ts.ts";
import { checkStrata } from "../strata/imports.ts";
import { Diagnostics, type Diagnostic } from "./diagnostic.ts";
import { positionAt } from "./span.ts";

/** What a fixture expects on a line. */
export interface Expectation {
  readonly file: string;
  readonly line: number;
  readonly code: string;
  /** Part of the message; empty where any will do. */
  readonly text: string;
}

/** All fixtures of a folder, loaded as one program. */
export interface Fixtures {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** What the compiler says about one. */
  check(file: string): readonly Diagnostic[];
  /** What one expects, with the parts that it imports. */
  expectations(file: string): readonly Expectation[];
}

/** Loads all fixtures of a folder, with texts that take the place of some. */
export function loadFixtures(folder: string, overlay?: ReadonlyMap<string, string>): Fixtures {
  const files = filesIn(folder).sort();
  const sources = loadSources(files, { ...(overlay !== undefined && { overlay }) });
  const strata = checkStrata(sources);
  const realm = createRealm(sources);
  return {
    files,
    check(file) {
      const own = new Set(reachableFrom(file, folder, sources));
      const isOwn = (d: Diagnostic): boolean => d.span !== undefined && own.has(d.span.source.fileName);
      const diagnostics = new Diagnostics();
      const files = [...own].map((path) => sources.file(path)!);
      const ownStrata = strata.filter(isOwn);
      diagnostics.add(...ownStrata, ...typeErrorsBeside(sources.typeErrors(files), ownStrata));
      if (!diagnostics.hasErrors)
        diagnostics.attempt(() => compileExports(sources, realm, file, diagnostics));
      return diagnostics.all;
    },
    expectations: (file) =>
      reachableFrom(file, folder, sources).flatMap((path) => expectationsIn(sources.file(path)!)),
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "parts" ? [] : filesIn(join(folder, entry.name));
    return entry.name.endsWith(".ts") ? [join(folder, entry.name)] : [];
  });
}

/** A fixture and the fixtures that it imports. */
function reachableFrom(file: string, folder: string, sources: Sources): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    const source = sources.file(path);
    if (source === undefined || found.has(path) || !path.startsWith(folder)) return;
    found.add(path);
    for (const { fileName } of ts.preProcessFile(source.text).importedFiles)
      visit(join(path, "..", fileName));
  };
  visit(file);
  return [...found];
}

function expectationsIn(source: ts.SourceFile): Expectation[] {
  return source.text.split("\n").flatMap((text, i) =>
    [...text.matchAll(/\/\/ (TV\d{4})(?:: (.*?))?(?= \/\/ TV|$)/g)].map((found) => ({
      file: source.fileName,
      line: i + 1,
      code: found[1]!,
      text: found[2] ?? "",
    })),
  );
}

function compileExports(sources: Sources, realm: Realm, file: string, diagnostics: Diagnostics): void {
  const root = realm.module(file);
  const lowering = new ProgramLowering(createFront(sources, realm, diagnostics), "fixture", false);
  for (const [name, value] of Object.entries(root)) {
    const site = typeof value === "function" ? realm.site(value) : undefined;
    if (site?.sourceFile.fileName !== file) continue;
    const shapes = site.node.parameters.map((parameter) =>
      shapeOfParameter(sources.checker, parameter, root),
    );
    const known = shapes.filter((shape) => shape !== undefined);
    if (known.length < shapes.length)
      throw new Error(`${file}: a parameter of ${name} is no integer, boolean or exported struct`);
    lowering.compileFor(value as object, known);
  }
}

function shapeOfParameter(
  checker: ts.TypeChecker,
  parameter: ts.ParameterDeclaration,
  root: Namespace,
): Shape | undefined {
  const type = checker.getTypeAtLocation(parameter);
  const declared = declaredType(checker, type);
  if (declared.kind === "int")
    return { kind: "int", big: declared.big, range: declared.range, bits: declared.big ? 64 : 32 };
  if (declared.kind === "bool") return { kind: "bool" };
  const name = /^(\w+)( \| null)?$/.exec(parameter.type?.getText() ?? "");
  const descriptor = root[name?.[1] ?? ""] as Descriptor | undefined;
  return descriptor?.kind === "struct"
    ? { kind: "struct", descriptor, nullable: name?.[2] !== undefined }
    : undefined;
}

/** What differs between what is said and what is expected; empty where nothing does. */
export function mismatches(said: readonly Diagnostic[], expected: readonly Expectation[]): string[] {
  const open = [...expected];
  const problems: string[] = [];
  for (const d of said) {
    const file = d.span?.source.fileName ?? "";
    const line = d.span === undefined ? 0 : positionAt(d.span.source, d.span.start).line;
    const i = open.findIndex(
      (e) => e.code === d.code && e.line === line && e.file === file && d.message.includes(e.text),
    );
    if (i < 0) problems.push(`unexpected, line ${line}: ${d.code}: ${d.message}`);
    else open.splice(i, 1);
  }
  return [
    ...problems,
    ...open.map((e) => `missing, line ${e.line}: ${e.code}${e.text === "" ? "" : `: ${e.text}`}`),
  ];
}
