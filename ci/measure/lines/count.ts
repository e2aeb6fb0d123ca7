/**
 * How many lines of a C or TypeScript text have anything on them beside comments. Text within quotes is code, whatever it
 * looks like.
 */
export function countLines(text: string): number {
  const code = text.replace(token, (found) =>
    found.startsWith("/") ? "\n".repeat(found.split("\n").length - 1) : found.replace(/\s/g, "x"),
  );
  // What stands in quotes over several lines has lost its line ends: they are counted from the text.
  const inside = [...text.matchAll(token)].reduce(
    (sum, [found]) => sum + (found.startsWith("/") ? 0 : found.split("\n").length - 1),
    0,
  );
  return code.split("\n").filter((line) => line.trim() !== "").length + inside;
}

/** The lines of a file of a peer, by its ending: of Rust without what is there for tests and proofs. */
export function countFile(file: string, text: string): number {
  return countLines(file.endsWith(".rs") ? withoutTests(text) : text);
}

/** A Rust file without what is compiled for its tests and proofs only, which stands at its end. */
export function withoutTests(text: string): string {
  return text.split(/^#\[cfg\((?:test|kani)\)\]$/m)[0]!;
}

const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g;
