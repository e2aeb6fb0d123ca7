/** Places in source text, as diagnostics carry them. */
import { ts } from "../source/ts.ts";

/** A file's name and text; a `ts.SourceFile` is one. */
export interface SourceText {
  readonly fileName: string;
  readonly text: string;
}

/** Half-open range `[start, end)` of UTF-16 offsets in a file. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** Line and column, both counted from 1; a column counts UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStartsOf = new WeakMap<SourceText, readonly number[]>();

/** Offsets at which the lines of a text start. */
export function lineStarts(source: SourceText): readonly number[] {
  let known = lineStartsOf.get(source);
  if (known === undefined) {
    const starts = [0];
    for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1))
      starts.push(at + 1);
    lineStartsOf.set(source, (known = starts));
  }
  return known;
}

/** Line and column of an offset. */
export function positionAt(source: SourceText, offset: number): Position {
  const starts = lineStarts(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - starts[low]! + 1 };
}

/** Offset of a line and column, clipped to the text. */
export function offsetAt(source: SourceText, { line, column }: Position): number {
  const starts = lineStarts(source);
  const start = starts[Math.min(line, starts.length) - 1] ?? 0;
  return Math.min(start + column - 1, source.text.length);
}

/** The span of a node, without leading comments. */
export function spanOf(node: ts.Node): Span {
  const source = node.getSourceFile();
  return { source, start: node.getStart(source), end: node.getEnd() };
}

/** The span of whatever has one. */
export function toSpan(where: ts.Node | Span): Span {
  return "source" in where ? where : spanOf(where);
}
