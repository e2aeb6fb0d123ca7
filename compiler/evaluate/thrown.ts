/** What evaluated code threw, as a diagnostic at the place that is the user's to change. */
import { diagnostic, DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Span } from "../diagnostics/span.ts";
import { stratumOf } from "../strata/stratum.ts";
import type { Sources } from "../source/load.ts";
import { trailOf, type Frame } from "./frames.ts";
import type { ForbiddenUse } from "./globals.ts";

/**
 * What an error may say besides its message. A declaration that conflicts with another keeps an `Error` of where it
 * was made, and names it here: the diagnostic then shows both places.
 */
export interface DeclarationError extends Error {
  /** Where the declaration that is at fault was made; absent: where the error was. */
  readonly at?: { readonly stack?: string };
  readonly related?: readonly { readonly message: string; readonly at?: { readonly stack?: string } }[];
  readonly fix?: string;
}

/** The diagnostics of a thrown value; `rootFile` is the place if nothing else is known. */
export function thrownDiagnostic(
  thrown: unknown,
  sources: Sources,
  framesOf: (stack: string) => Frame[],
  rootFile: string,
): readonly Diagnostic[] {
  if (thrown instanceof DiagnosticError) return thrown.diagnostics;
  const error = (
    typeof thrown === "object" && thrown !== null ? thrown : { message: String(thrown) }
  ) as Partial<DeclarationError & ForbiddenUse>;
  const frames = framesOf(error.at?.stack ?? error.stack ?? "");
  // What the vocabulary refuses is shown where it was used, not where it is implemented.
  const user = frames.findIndex((f) => stratumOf(sources, f.span.source.fileName) !== "dsl");
  const shown = frames.slice(Math.max(user, 0));
  const file = sources.file(rootFile);
  const where: Span | undefined = shown[0]?.span ?? (file && { source: file, start: 0, end: 0 });
  const message = firstLine(error.message ?? "an error without a message");
  const extras = {
    trail: trailOf(shown),
    related: (error.related ?? []).map((r) => ({
      message: r.message,
      where: firstUserSpan(framesOf(r.at?.stack ?? ""), sources),
    })),
    ...(error.fix !== undefined && { fix: error.fix }),
  };
  if (error.forbidden !== undefined)
    return [diagnostic("not-at-build-time", where, { name: error.forbidden, why: error.why ?? "" }, extras)];
  if (error.related !== undefined || error.at !== undefined)
    return [diagnostic("declaration", where, { message }, extras)];
  return [diagnostic("thrown", where, { message }, extras)];
}

function firstUserSpan(frames: readonly Frame[], sources: Sources): Span | undefined {
  return (frames.find((f) => stratumOf(sources, f.span.source.fileName) !== "dsl") ?? frames[0])?.span;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}
