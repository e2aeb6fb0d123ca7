/** Diagnostics: what the user did, where, and how it came to be there. */
import { toSpan, type Span } from "./span.ts";
import { catalogue, type ArgsOf, type DiagnosticName, type Entry, type Severity } from "./catalogue.ts";
import type { TextEdit } from "./edit.ts";
import type { ts } from "../source/ts.ts";

/** Another place that belongs to the diagnostic ("`rbr` is declared here"). */
export interface Related {
  readonly message: string;
  readonly span: Span | undefined;
}

/** A template call on the way from module scope to the place of the diagnostic. */
export interface TrailEntry {
  /** Display name of the function that was called, where it is known. */
  readonly name: string | undefined;
  readonly span: Span;
}

export interface Diagnostic {
  /** Stable: `TV2104`; its page is `docs/diagnostics/TV2104.md`. */
  readonly code: string;
  /** `may-not-fit` */
  readonly name: DiagnosticName;
  readonly severity: Severity;
  readonly message: string;
  /** Undefined where no place in a source is at fault. */
  readonly span: Span | undefined;
  readonly related: readonly Related[];
  /** Innermost call first. */
  readonly trail: readonly TrailEntry[];
  readonly fix: string | undefined;
  /** The fix as an edit of the span's source. */
  readonly edit?: TextEdit;
}

/** What a diagnostic carries besides its place and arguments. */
export interface Extras {
  readonly related?: readonly { readonly message: string; readonly where: ts.Node | Span | undefined }[];
  readonly trail?: readonly TrailEntry[];
  /** Takes the place of the catalogue's fix. */
  readonly fix?: string;
}

/** Makes a diagnostic of the catalogue. */
export function diagnostic<N extends DiagnosticName>(
  name: N,
  where: ts.Node | Span | undefined,
  args: ArgsOf<N>,
  extras: Extras = {},
): Diagnostic {
  const entry = catalogue[name] as Entry<ArgsOf<N>>;
  const edit = where !== undefined && "kind" in where ? entry.edit?.(where, args) : undefined;
  return {
    code: entry.code,
    name,
    severity: entry.severity,
    message: entry.message(args),
    span: where && toSpan(where),
    related: (extras.related ?? []).map(({ message, where: at }) => ({ message, span: at && toSpan(at) })),
    trail: extras.trail ?? [],
    fix: extras.fix ?? entry.fix?.(args),
    ...(edit !== undefined && { edit }),
  };
}

/** Thrown to end a stage: what is wrong is in `diagnostics`, at least one. */
export class DiagnosticError extends Error {
  override readonly name = "DiagnosticError";
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[] | Diagnostic) {
    const list = "code" in diagnostics ? [diagnostics] : diagnostics;
    super(list.map((d) => `${d.code}: ${d.message}`).join("\n"));
    this.diagnostics = list;
  }
}

/** Ends the stage with one diagnostic of the catalogue. */
export function fail<N extends DiagnosticName>(
  name: N,
  where: ts.Node | Span | undefined,
  args: ArgsOf<N>,
  extras: Extras = {},
): never {
  throw new DiagnosticError(diagnostic(name, where, args, extras));
}

/** Collects diagnostics. The same code at the same place with the same message is kept once: a template compiled many times reports once. */
export class Diagnostics {
  readonly #byKey = new Map<string, Diagnostic>();

  add(...diagnostics: readonly Diagnostic[]): void {
    for (const d of diagnostics) {
      const key = `${d.code} ${d.span ? `${d.span.source.fileName}:${d.span.start}:${d.span.end}` : ""} ${d.message}`;
      if (!this.#byKey.has(key)) this.#byKey.set(key, d);
    }
  }

  /** Makes a diagnostic of the catalogue and adds it. */
  report<N extends DiagnosticName>(
    name: N,
    where: ts.Node | Span | undefined,
    args: ArgsOf<N>,
    extras: Extras = {},
  ): void {
    this.add(diagnostic(name, where, args, extras));
  }

  /** Runs a stage and collects what ends it; undefined if it was ended by diagnostics. */
  attempt<T>(stage: () => T): T | undefined {
    try {
      return stage();
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      this.add(...error.diagnostics);
      return undefined;
    }
  }

  /** All, ordered by file and place; those without a place first. */
  get all(): readonly Diagnostic[] {
    return [...this.#byKey.values()].sort((a, b) => {
      const fileA = a.span?.source.fileName ?? "";
      const fileB = b.span?.source.fileName ?? "";
      if (fileA !== fileB) return fileA < fileB ? -1 : 1;
      return (a.span?.start ?? 0) - (b.span?.start ?? 0);
    });
  }

  get hasErrors(): boolean {
    return [...this.#byKey.values()].some((d) => d.severity === "error");
  }

  /** Throws a DiagnosticError if there is an error among them. */
  throwIfErrors(): void {
    if (this.hasErrors) throw new DiagnosticError(this.all);
  }
}
