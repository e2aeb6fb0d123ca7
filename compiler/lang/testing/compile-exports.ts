/**
 * Compiles every exported function of files whose parameters say enough: integers, booleans, and structs whose
 * descriptor has the type's name. To see early whether a library stays inside the language:
 *
 *     npx tsx compiler/lang/testing/compile-exports.ts kernel/slots.ts
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Descriptor } from "../../../dsl/core/layout.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { render } from "../../diagnostics/render.ts";
import { runFrontEnd, type FrontEnd } from "../../front-end.ts";
import { ts } from "../../source/ts.ts";
import { declaredType } from "../declared.ts";
import { ProgramLowering } from "../program.ts";
import type { Shape } from "../shape.ts";

/** What was compiled and what could not be looked at, by name. */
export interface CompiledExports {
  readonly compiled: readonly string[];
  readonly skipped: readonly string[];
}

/** The shape of a parameter; undefined where its type does not say enough. */
function shapeOfParameter(frontEnd: FrontEnd, parameter: ts.ParameterDeclaration): Shape | undefined {
  const { checker } = frontEnd.front;
  const declared = declaredType(checker, checker.getTypeAtLocation(parameter));
  if (declared.kind === "int")
    return { kind: "int", big: declared.big, range: declared.range, bits: declared.big ? 64 : 32 };
  if (declared.kind === "bool") return { kind: "bool" };
  const { type } = parameter;
  if (type === undefined || !ts.isTypeReferenceNode(type)) return undefined;
  let symbol = checker.getSymbolAtLocation(type.typeName);
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
  const file = symbol?.declarations?.[0]?.getSourceFile().fileName;
  if (symbol === undefined || file === undefined || frontEnd.sources.file(file) === undefined)
    return undefined;
  const descriptor = frontEnd.realm.module(file)[symbol.name] as Descriptor | undefined;
  return descriptor?.kind === "struct" ? { kind: "struct", descriptor, nullable: false } : undefined;
}

/** Compiles the exports of files. Throws DiagnosticError with everything that is refused. */
export function compileExports(files: readonly string[]): CompiledExports {
  const [first, ...others] = files.map((file) => resolve(file));
  const frontEnd = runFrontEnd(first!, others);
  const lowering = new ProgramLowering(frontEnd.front, "exports", false);
  const compiled: string[] = [];
  const skipped: string[] = [];
  for (const file of [first!, ...others]) {
    for (const [name, fn] of Object.entries(frontEnd.realm.module(file))) {
      const site = typeof fn === "function" ? frontEnd.front.site(fn) : undefined;
      if (site === undefined || site.node.getSourceFile().fileName !== file) continue;
      const shapes = site.node.parameters.map((p) => shapeOfParameter(frontEnd, p));
      const complete = shapes.filter((s) => s !== undefined);
      if (complete.length < shapes.length) skipped.push(name);
      else {
        lowering.compileFor(fn as object, complete);
        compiled.push(name);
      }
    }
  }
  frontEnd.diagnostics.throwIfErrors();
  return { compiled, skipped };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { compiled, skipped } = compileExports(process.argv.slice(2));
    process.stdout.write(`compiled: ${compiled.join(" ")}\nskipped: ${skipped.join(" ")}\n`);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    process.stdout.write(`${render(error.diagnostics, { color: false })}\n`);
    process.exitCode = 1;
  }
}
