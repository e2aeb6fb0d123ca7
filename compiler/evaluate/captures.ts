/** Where function values come from and what they captured. Identity is the function object's own, whatever it passes through. */
import { diagnostic, DiagnosticError, type TrailEntry } from "../diagnostics/diagnostic.ts";
import type { Sources } from "../source/load.ts";
import type { ts } from "../source/ts.ts";
import { framesOf, trailOf, type ScriptOrigin } from "./frames.ts";
import type { StaticSite } from "./transform.ts";

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
  /** The values of the free variables, by name. Throws DiagnosticError where one was never initialised. */
  captures(): ReadonlyMap<string, unknown>;
}

type Thunk = () => Readonly<Record<string, unknown>>;

/** What inserted text calls. */
export interface Registry {
  f<F extends object>(index: number, fn: F, thunk: Thunk): F;
  d(index: number, fn: object, thunk: Thunk): void;
  a<O extends object>(index: number, object: O, kind: "get" | "set", key: string, thunk: Thunk): O;
}

/** All functions of a program and the values that evaluation made of them. */
export class FunctionSites {
  /** The functions of the sources, filled by the transform. */
  readonly all: StaticSite[] = [];
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

  registry(): Registry {
    const add = (index: number, fn: object, thunk: Thunk, caller: (...args: never[]) => unknown): void => {
      const site = this.all[index]!;
      let made: { stack?: string } | undefined;
      if (site.nested) Error.captureStackTrace((made = {}), caller);
      this.#values.set(fn, new SiteValue(site, thunk, made, this.#sources, this.#origins));
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

class SiteValue implements FunctionSite {
  readonly #site: StaticSite;
  readonly #thunk: Thunk;
  readonly #made: { stack?: string } | undefined;
  readonly #sources: Sources;
  readonly #origins: ReadonlyMap<string, ScriptOrigin>;
  #captures: ReadonlyMap<string, unknown> | undefined;

  constructor(
    site: StaticSite,
    thunk: Thunk,
    made: { stack?: string } | undefined,
    sources: Sources,
    origins: ReadonlyMap<string, ScriptOrigin>,
  ) {
    this.#site = site;
    this.#thunk = thunk;
    this.#made = made;
    this.#sources = sources;
    this.#origins = origins;
  }

  get id(): string {
    return `${this.#sources.displayPath(this.#site.sourceFile.fileName)}#${this.#site.node.pos}`;
  }
  get node(): ts.FunctionLikeDeclaration {
    return this.#site.node;
  }
  get sourceFile(): ts.SourceFile {
    return this.#site.sourceFile;
  }
  get name(): string {
    return this.#site.name;
  }
  get assignable(): ReadonlySet<string> {
    return this.#site.assignable;
  }
  get trail(): readonly TrailEntry[] {
    return this.#made?.stack === undefined ? [] : trailOf(framesOf(this.#made.stack, this.#origins));
  }

  captures(): ReadonlyMap<string, unknown> {
    if (this.#captures !== undefined) return this.#captures;
    try {
      return (this.#captures = new Map(Object.entries(this.#thunk())));
    } catch (error) {
      // The engine names the binding: "Cannot access 'x' before initialization", "x is not defined".
      const name = /'(.+?)'|^(\S+) is not defined/.exec((error as Error).message);
      throw new DiagnosticError(
        diagnostic(
          "uninitialised-capture",
          this.#site.node,
          { name: name?.[1] ?? name?.[2] ?? "a name" },
          { trail: this.trail },
        ),
      );
    }
  }
}
