/**
 * Build-time evaluation. All module scope of a program runs once in one realm (a `node:vm` context) that has neither
 * clock nor randomness, environment or file access; what it leaves behind (functions, data, the registries of
 * `dsl/core/`) is what gets compiled.
 */
import { createContext, runInContext, Script } from "node:vm";
import { transformSync, type TransformOptions } from "esbuild";
import { diagnostic, DiagnosticError } from "../diagnostics/diagnostic.ts";
import { coreFile, type Sources } from "../source/load.ts";
import type { ts } from "../source/ts.ts";
import { FunctionSites, type FunctionSite } from "./captures.ts";
import { framesOf, scriptPrefix, type ScriptOrigin } from "./frames.ts";
import { restrictGlobals, type ForbiddenUse } from "./globals.ts";
import { thrownDiagnostic } from "./thrown.ts";
import { registryName, transformFile } from "./transform.ts";
import { resolveModule } from "./resolve.ts";

type ModuleFunction = (
  module: { exports: Namespace },
  require: (specifier: string) => Namespace,
  registry: object,
) => void;

/** A module's exports. */
export type Namespace = Readonly<Record<string, unknown>>;

/** An evaluated program. */
export interface Realm {
  readonly sources: Sources;
  /** The exports of a module, evaluated if it was not before. Throws DiagnosticError. */
  module(path: string): Namespace;
  /** The exports of a module of `dsl/core/`, by name: `layout`. */
  core(name: string): Namespace;
  /** Calls into the realm; what it throws becomes diagnostics, at `path` where nothing else is known. */
  run<T>(path: string, call: () => T): T;
  /** Whether a module was evaluated. */
  has(path: string): boolean;
  /** Where a function value comes from, and what it captured; undefined for functions that are not of the sources. */
  site(fn: object): FunctionSite | undefined;
}

/** Evaluates a root file of the sources. Throws DiagnosticError with the place that threw. */
export function evaluate(sources: Sources, rootFile: string): Realm {
  const realm = createRealm(sources);
  realm.module(rootFile);
  return realm;
}

/** A realm in which nothing was evaluated yet. */
export function createRealm(sources: Sources): Realm {
  const context = createContext(Object.create(null) as object, {
    name: "typevisor",
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: "afterEvaluate",
  });
  runInContext("Error.stackTraceLimit = 50", context);
  const RealmError = runInContext("Error", context) as ErrorConstructor;
  const newObject = runInContext("() => ({})", context) as () => Record<string, unknown>;
  restrictGlobals(context, (use: ForbiddenUse) =>
    Object.assign(new RealmError(`${use.forbidden}: ${use.why}`), use),
  );

  const origins = new Map<string, ScriptOrigin>();
  const sites = new FunctionSites(sources, origins);
  const modules = new Map<string, { readonly exports: Namespace }>();
  // A module that failed fails again for whoever asks next, as it does in Node.
  const failures = new Map<string, unknown>();

  function load(path: string): Namespace {
    if (failures.has(path)) throw failures.get(path);
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const sourceFile = sources.file(path);
    if (sourceFile === undefined)
      throw new DiagnosticError(diagnostic("no-such-module", undefined, { path: sources.displayPath(path) }));
    const { run, registry } = compile(sourceFile);
    const module = { exports: newObject() };
    modules.set(path, module);
    const require = (specifier: string): Namespace =>
      load(resolveModule(sources, sourceFile, specifier).fileName);
    try {
      run(module, require, registry);
    } catch (error) {
      failures.set(path, error);
      throw error;
    }
    return module.exports;
  }

  function compile(sourceFile: ts.SourceFile): { readonly run: ModuleFunction; readonly registry: object } {
    const { edited, sites: own } = transformFile(sourceFile, sources.checker);
    const { script, map } = scriptOf(sourceFile.fileName, edited.text);
    origins.set(sourceFile.fileName, { sourceFile, edited, sourceMap: map });
    return {
      run: script.runInContext(context) as ModuleFunction,
      registry: Object.freeze(sites.registry(own)),
    };
  }

  function run<T>(path: string, call: () => T): T {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 32;
    try {
      return call();
    } catch (error) {
      throw new DiagnosticError(thrownDiagnostic(error, sources, (stack) => framesOf(stack, origins), path));
    } finally {
      Error.stackTraceLimit = limit;
    }
  }

  const module = (path: string): Namespace => run(path, () => load(path));

  return {
    sources,
    module,
    run,
    core: (name) => module(coreFile(name)),
    has: (path) => modules.has(path) && !failures.has(path),
    site: (fn) => sites.of(fn),
  };
}

interface ErasedScript {
  readonly text: string;
  readonly script: Script;
  readonly map: string;
}
// A module whose text is the same is erased and parsed once, however many realms of this process evaluate it.
const erased = new Map<string, ErasedScript>();

function scriptOf(fileName: string, text: string): ErasedScript {
  const known = erased.get(fileName);
  if (known?.text === text) return known;
  const { code, map } = transformSync(text, { ...erasure, sourcefile: fileName });
  // Modules are strict, which esbuild leaves to whoever runs them.
  const wrapped = `(function (module, require, ${registryName}) { "use strict";\n${code}\n})`;
  const script = new Script(wrapped, { filename: scriptPrefix + fileName, lineOffset: -1 });
  const made = { text, script, map };
  erased.set(fileName, made);
  return made;
}

/** Erases types and turns modules into functions. Imports of values stay in order, as Node itself keeps them. */
const erasure: TransformOptions & { readonly sourcemap: "external" } = {
  loader: "ts",
  format: "cjs",
  target: "es2022",
  sourcemap: "external",
  sourcesContent: false,
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
};
