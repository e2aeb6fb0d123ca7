/** Stack frames of evaluated code, translated back to the sources. */
import { SourceMap, type SourceMapPayload } from "node:module";
import { offsetAt, type Span } from "../diagnostics/span.ts";
import type { TrailEntry } from "../diagnostics/diagnostic.ts";
import { ts } from "../source/ts.ts";
import type { EditedText } from "./edits.ts";
import { functionName } from "./site-name.ts";

/** What the evaluated script of a file needs to lead back to the file. */
export interface ScriptOrigin {
  readonly sourceFile: ts.SourceFile;
  readonly edited: EditedText;
  readonly sourceMap: string;
}

/** A call in progress: the function, and the place in it. */
export interface Frame {
  readonly node: ts.FunctionLikeDeclaration | undefined;
  readonly span: Span;
}

/** Scripts carry this before their path, so that no other source map of the same path is applied to them. */
export const scriptPrefix = "typevisor:";

const frameForm = /typevisor:(.+?):(\d+):(\d+)\)?$/;

/** Translates the text of an error's `stack`, innermost frame first. Frames outside of the sources are left out. */
export function framesOf(stack: string, origins: ReadonlyMap<string, ScriptOrigin>): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split("\n")) {
    const found = frameForm.exec(line);
    const origin = found && origins.get(found[1]!);
    if (!found || !origin) continue;
    const offset = originalOffset(origin, Number(found[2]), Number(found[3]));
    if (offset !== undefined) frames.push(frameAt(origin.sourceFile, offset));
  }
  return frames;
}

/** The calls that led to the innermost of some frames, innermost first. */
export function trailOf(frames: readonly Frame[]): TrailEntry[] {
  return frames.slice(1).map((frame, i) => {
    const callee = frames[i]!.node;
    return { name: callee && functionName(callee), span: frame.span };
  });
}

const maps = new WeakMap<ScriptOrigin, SourceMap>();

function originalOffset(origin: ScriptOrigin, line: number, column: number): number | undefined {
  let map = maps.get(origin);
  if (map === undefined)
    maps.set(origin, (map = new SourceMap(JSON.parse(origin.sourceMap) as SourceMapPayload)));
  const entry = map.findEntry(line - 1, column - 1);
  if (!("originalLine" in entry)) return undefined;
  const edited = { fileName: origin.sourceFile.fileName, text: origin.edited.text };
  return origin.edited.original(
    offsetAt(edited, { line: entry.originalLine + 1, column: entry.originalColumn + 1 }),
  );
}

function frameAt(sourceFile: ts.SourceFile, offset: number): Frame {
  let found: ts.Node = sourceFile;
  let node: ts.FunctionLikeDeclaration | undefined;
  const descend = (at: ts.Node): void => {
    if (at.getStart(sourceFile) > offset || at.end <= offset) return;
    found = at;
    // No call in a function stands at its first character; what stands there is the function's being made.
    if (ts.isFunctionLike(at) && "body" in at && at.getStart(sourceFile) < offset)
      node = at as ts.FunctionLikeDeclaration;
    ts.forEachChild(at, descend);
  };
  ts.forEachChild(sourceFile, descend);
  const start = found === sourceFile ? offset : found.getStart(sourceFile);
  return { node, span: { source: sourceFile, start, end: found === sourceFile ? offset : found.end } };
}
