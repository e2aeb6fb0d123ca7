/** Where declarations stand in the source, so that an error about two of them can name both. */

const places = new WeakMap<object, string>();

/** Remembers the caller's caller as the place of a declaration. */
export function remember<T extends object>(declaration: T, from?: object): T {
  const known = from === undefined ? undefined : places.get(from);
  places.set(declaration, known ?? callSite());
  return declaration;
}

/** `file:line:column` of a declaration. */
export function placeOf(declaration: object): string {
  return places.get(declaration) ?? "an unknown place";
}

function callSite(): string {
  const lines = (new Error("place").stack ?? "").split("\n").slice(1);
  const outside = lines.find((line) => !/[\\/]dsl[\\/]device[\\/][a-z-]+\.ts/.test(line));
  const place = /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(outside ?? "");
  return place?.[1]?.replace(/^file:\/\//, "") ?? "an unknown place";
}

/** An error in a declaration. The message names every place that takes part. */
export class DeclarationError extends Error {
  override readonly name = "DeclarationError";
  readonly places: readonly string[];

  constructor(message: string, ...declarations: readonly object[]) {
    const where = declarations.map(placeOf);
    super(where.length === 0 ? message : `${message} (${where.map((w) => `at ${w}`).join(", ")})`);
    this.places = Object.freeze(where);
  }
}
