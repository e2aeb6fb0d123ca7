/** The stages before lowering, run once for a build: loading, TypeScript's own checks, strata, evaluation. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { catalogue, type ArgsOf, type DiagnosticName } from "./diagnostics/catalogue.ts";
import { diagnostic, Diagnostics, type Diagnostic, type TrailEntry } from "./diagnostics/diagnostic.ts";
import { spanOf } from "./diagnostics/span.ts";
import { createRealm, type Namespace, type Realm } from "./evaluate/realm.ts";
import type { CoreModules, Front } from "./lang/front.ts";
import { coreFile, loadSources, type LoadOptions, type Sources } from "./source/load.ts";
import { ts } from "./source/ts.ts";
import { repositoryRoot } from "./root.ts";
import { checkStrata } from "./strata/imports.ts";
import { stratumOf } from "./strata/stratum.ts";

/** What the stages before lowering leave. */
export interface FrontEnd {
  readonly sources: Sources;
  readonly realm: Realm;
  readonly front: Front;
  /** The exports of the root file. */
  readonly root: Namespace;
  /** Collects what later stages refuse. */
  readonly diagnostics: Diagnostics;
}

/**
 * Loads and evaluates an image, a test program or a platform, together with other roots that it is bound to. Throws
 * DiagnosticError with everything that is wrong before lowering.
 */
export function runFrontEnd(
  rootFile: string,
  otherRoots: readonly string[] = [],
  options: LoadOptions = { typeCheckMemory: memoryFor(rootFile) },
): FrontEnd {
  const diagnostics = new Diagnostics();
  const sources = loadSources([rootFile, ...otherRoots], options);
  const strata = checkStrata(sources);
  diagnostics.add(...strata, ...typeErrorsBeside(sources.typeErrors(), strata));
  diagnostics.throwIfErrors();
  const realm = createRealm(sources);
  for (const other of otherRoots) realm.module(resolve(other));
  const root = realm.module(resolve(rootFile));
  return { sources, realm, root, diagnostics, front: createFront(sources, realm, diagnostics) };
}

/** One memory per root file, beside what else can be made again. */
function memoryFor(rootFile: string): string {
  const name = createHash("sha256").update(resolve(rootFile)).digest("hex").slice(0, 16);
  return join(repositoryRoot, ".cache/types", `${name}.json`);
}

/** What lowering asks of a front end. */
export function createFront(sources: Sources, realm: Realm, diagnostics: Diagnostics): Front {
  const core = <N extends keyof CoreModules>(name: N): CoreModules[N] =>
    realm.core(name) as unknown as CoreModules[N];
  const asmFile = coreFile("../../platforms/asm");
  return {
    checker: sources.checker,
    core: {
      intrinsics: core("intrinsics"),
      layout: core("layout"),
      storage: core("storage"),
      binding: core("binding"),
      memory: core("memory"),
      asm: realm.has(asmFile) ? (realm.module(asmFile) as unknown as CoreModules["asm"]) : undefined,
    },
    site: (fn) => realm.site(fn),
    stratumOf: (fileName) => stratumOf(sources, fileName),
    displayPath: (fileName) => sources.displayPath(fileName),
    refuse(code, node, args, trail) {
      if (!(code in catalogue)) throw new Error(`${code} is not in the catalogue`);
      diagnostics.add(
        diagnostic(code as DiagnosticName, node, args as ArgsOf<DiagnosticName>, {
          trail: trail.filter((node) => !ts.isFunctionLike(node)).map(callEntry),
        }),
      );
    },
  };
}

/** A call on the way; an entry point's own declaration is none. */
function callEntry(node: ts.Node): TrailEntry {
  const callee = ts.isCallExpression(node) ? node.expression.getText() : undefined;
  return { name: callee !== undefined && /^[\w.$]+$/.test(callee) ? callee : undefined, span: spanOf(node) };
}

/** TypeScript's errors, without those at a place where a stratum's rule says more. */
export function typeErrorsBeside(
  typeErrors: readonly Diagnostic[],
  strata: readonly Diagnostic[],
): Diagnostic[] {
  const at = (d: Diagnostic): string => (d.span ? `${d.span.source.fileName}:${d.span.start}` : "");
  const known = new Set(strata.map(at));
  return typeErrors.filter((d) => d.span === undefined || !known.has(at(d)));
}
