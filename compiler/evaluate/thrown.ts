/** What evaluated code threw, as a diagnostic at the place that is the user's to change. */
import { catalogue, type ArgsOf, type DiagnosticName } from "../diagnostics/catalogue.ts";
import { diagnostic, DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Span } from "../diagnostics/span.ts";
import { stratumOf } from "../strata/stratum.ts";
import type { Sources } from "../source/load.ts";
import { trailOf, type Frame } from "./frames.ts";
import type { ForbiddenUse } from "./globals.ts";

/** Where something was made: an `Error` from there. */
interface Place {
  readonly stack?: string;
}

/**
 * What an error may say besides its message, if it is about declarations: a code of the catalogue, the place that is
 * at fault, and the other places that take part.
 */
interface ThrownByDeclaration {
  readonly code?: string;
  readonly at?: Place;
  readonly related?: readonly { readonly message: string; readonly at?: Place }[];
  readonly fix?: string;
  /** Places as `file:line:column`, which the message repeats behind itself. */
  readonly places?: readonly unknown[];
}

/** The diagnostics of a thrown value; `rootFile` is the place if nothing else is known. */
export function thrownDiagnostic(
  thrown: unknown,
  sources: Sources,
  framesOf: (stack: string) => Frame[],
  rootFile: string,
): readonly Diagnostic[] {
  if (thrown instanceof DiagnosticError) return thrown.diagnostics;
  const isObject = typeof thrown === "object" && thrown !== null;
  const error = (isObject ? thrown : { message: String(thrown) }) as Partial<
    Error & ThrownByDeclaration & ForbiddenUse
  >;
  const places = (error.places ?? []).filter((place): place is string => typeof place === "string");
  const at = error.at?.stack ?? places[0];
  // What the vocabulary refuses is shown where it was used, not where it is implemented.
  const isUsers = (frame: Frame): boolean => stratumOf(sources, frame.span.source.fileName) !== "dsl";
  const usersFirst = (stack: string): readonly Frame[] => {
    const frames = framesOf(stack);
    return frames.slice(Math.max(frames.findIndex(isUsers), 0));
  };
  const declared = usersFirst(at ?? "");
  const frames = declared.length > 0 ? declared : usersFirst(error.stack ?? "");
  const file = sources.file(rootFile);
  const where: Span | undefined = frames[0]?.span ?? (file && { source: file, start: 0, end: 0 });
  const related = [
    ...(error.related ?? []).map((r) => ({
      message: r.message,
      where: usersFirst(r.at?.stack ?? "")[0]?.span,
    })),
    ...places
      .slice(1)
      .map((place) => ({ message: "the other declaration", where: usersFirst(place)[0]?.span })),
  ];
  const extras = { trail: trailOf(frames), related, ...(error.fix !== undefined && { fix: error.fix }) };
  if (error.forbidden !== undefined) {
    return [diagnostic("not-at-build-time", where, { name: error.forbidden, why: error.why ?? "" }, extras)];
  }
  const message = (error.message ?? "an error without a message")
    .split("\n", 1)[0]!
    .replace(/ \(at typevisor:.*\)$/, "");
  const name = nameOfCode(error.code) ?? (at === undefined ? "thrown" : "declaration");
  return [diagnostic(name, where, { message }, extras)];
}

/** The kinds of diagnostics whose message is said by who throws. */
type SaidByThrower = {
  [N in DiagnosticName]: { message: string } extends ArgsOf<N> ? N : never;
}[DiagnosticName];

function nameOfCode(code: string | undefined): SaidByThrower | undefined {
  if (code === undefined) return undefined;
  return Object.entries(catalogue).find(([, entry]) => entry.code === code)?.[0] as SaidByThrower | undefined;
}
