/** Where function values come from and what they captured. Identity is the function object's own, whatever it passes through. */
import { diagnostic, DiagnosticError, type Diagnostic, type TrailEntry } from "../diagnostics/diagnostic.ts";
import type { Sources } from "../source/load.ts";
import type { ts } from "../source/ts.ts";
import { framesOf, trailOf, type ScriptOrigin } from "./frames.ts";
import type { StaticSite } from "./transform.ts";
import { unsupportedKind } from "./unsupported.ts";

/** A function value's place in the source, and what it captured. */
export interface FunctionSite {
  /** Stable name of the place: path and offset. */
  readonly id: string;
  readonly node: ts.FunctionLikeDeclaration;
  readonly sourceFile: ts.SourceFile;
  /** For backtraces and the ledger: `uart16550.write.thr`. */
  readonly name: string;
  /** Captured bindings that may change after they were captured. */
  readonly assignable: ReadonlySet<string>;
  /** The template calls that made this value, innermost first; empty for a function of module scope. */
  readonly trail: readonly TrailEntry[];
  /**
   * The values of the free variables, by name. Throws DiagnosticError where one was never initialised, may change
   * later, or is of a kind that has no meaning in compiled code.
   */
  captures(): ReadonlyMap<string, unknown>;
}

type Thunk = () => Readonly<Record<string, unknown>>;

/** What inserted text calls. */
export interface Registry {
  f<F extends object>(index: number, fn: F, thunk: Thunk): F;
  d(index: number, fn: object, thunk: Thunk): void;
  a<O extends object>(index: number, object: O, kind: "get" | "set", key: string, thunk: Thunk): O;
}

/** The values that evaluation made of a program's functions. */
export class FunctionSites {
  readonly #values = new WeakMap<object, FunctionSite>();
  readonly #sources: Sources;
  readonly #origins: ReadonlyMap<string, ScriptOrigin>;

  constructor(sources: Sources, origins: ReadonlyMap<string, ScriptOrigin>) {
    this.#sources = sources;
    this.#origins = origins;
  }

  of(value: object): FunctionSite | undefined {
    return this.#values.get(value);
  }

  /** What the inserted text of a file calls. */
  registry(sites: readonly StaticSite[]): Registry {
    const add = (index: number, fn: object, thunk: Thunk, caller: (...args: never[]) => unknown): void => {
      const site = sites[index]!;
      let made: { stack?: string } | undefined;
      if (site.nested) Error.captureStackTrace((made = {}), caller);
      this.#values.set(fn, siteValue(site, thunk, made, this.#sources, this.#origins));
    };
    const registry: Registry = {
      f(index, fn, thunk) {
        add(index, fn, thunk, registry.f);
        return fn;
      },
      d(index, fn, thunk) {
        add(index, fn, thunk, registry.d);
      },
      a(index, object, kind, key, thunk) {
        const accessor = Object.getOwnPropertyDescriptor(object, key)?.[kind];
        if (accessor) add(index, accessor, thunk, registry.a);
        return object;
      },
    };
    return registry;
  }
}

/** A plain object, so that a copy with one property changed is a site as well. */
function siteValue(
  site: StaticSite,
  thunk: Thunk,
  made: { stack?: string } | undefined,
  sources: Sources,
  origins: ReadonlyMap<string, ScriptOrigin>,
): FunctionSite {
  let captures: ReadonlyMap<string, unknown> | undefined;
  let assignable: ReadonlySet<string> | undefined;
  const self: FunctionSite = {
    id: `${sources.displayPath(site.sourceFile.fileName)}#${site.node.pos}`,
    node: site.node,
    sourceFile: site.sourceFile,
    get name() {
      return site.name;
    },
    get assignable() {
      return (assignable ??= site.assignable(sources.checker));
    },
    get trail() {
      return made?.stack === undefined ? [] : trailOf(framesOf(made.stack, origins));
    },
    captures() {
      if (captures !== undefined) return captures;
      const problems: Diagnostic[] = [];
      // Read only where something is wrong.
      const extras = {
        get trail() {
          return self.trail;
        },
      };
      const at = (name: string): ts.Node => site.captured.get(name) ?? site.node;
      for (const name of self.assignable)
        problems.push(diagnostic("captured-let", at(name), { name }, extras));
      try {
        captures = new Map(Object.entries(thunk()));
      } catch (error) {
        // The engine names the binding: "Cannot access 'x' before initialization", "x is not defined".
        const found = /'(.+?)'|^(\S+) is not defined/.exec((error as Error).message);
        const name = found?.[1] ?? found?.[2] ?? "a name";
        problems.push(diagnostic("uninitialised-capture", at(name), { name }, extras));
      }
      for (const [name, value] of captures ?? []) {
        const what = unsupportedKind(value);
        if (what !== undefined)
          problems.push(diagnostic("unsupported-capture", at(name), { path: name, what }, extras));
      }
      if (captures === undefined || problems.length > 0) throw new DiagnosticError(problems);
      return captures;
    },
  };
  return self;
}
