/** Diagnostics as text with code frames, and as JSON. */
import { diagnosticPage } from "./page.ts";
import { lineStarts, positionAt, type Position, type Span } from "./span.ts";
import type { Diagnostic } from "./diagnostic.ts";

export interface RenderOptions {
  /** ANSI colours. */
  readonly color?: boolean;
  /** How a file is named; its absolute path where absent. */
  readonly displayPath?: (fileName: string) => string;
}

/** Renders diagnostics for a terminal, one after another, and a last line that counts them. */
export function render(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  if (diagnostics.length === 0) return "";
  const paint = painter(options.color ?? false);
  const path = options.displayPath ?? ((fileName: string) => fileName);
  const errors = diagnostics.filter((d) => d.severity === "error").length;
  const warnings = diagnostics.length - errors;
  const counts = [count(errors, "error"), count(warnings, "warning")]
    .filter((text) => text !== "")
    .join(" and ");
  return `${diagnostics.map((d) => renderOne(d, path, paint)).join("\n")}\n${counts}\n`;
}

function count(n: number, noun: string): string {
  return n === 0 ? "" : `${n} ${noun}${n === 1 ? "" : "s"}`;
}

type Style = "bold" | "red" | "yellow" | "blue" | "cyan" | "dim";
type Painter = (style: Style, text: string) => string;
const ansi: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, yellow: 33, blue: 34, cyan: 36 };

function painter(color: boolean): Painter {
  return color ? (style, text) => `\u001b[${ansi[style]}m${text}\u001b[0m` : (_, text) => text;
}

function renderOne(d: Diagnostic, path: (fileName: string) => string, paint: Painter): string {
  const accent: Style = d.severity === "error" ? "red" : "yellow";
  const lines: string[] = [];
  if (d.span) lines.push(paint("cyan", place(d.span, path)));
  const [first, ...more] = d.message.split("\n");
  lines.push(
    `${paint(accent, `${d.severity} ${d.code}`)}: ${paint("bold", first!)}`,
    ...more.map((text) => `  ${text}`),
  );
  if (d.span) lines.push(...frame(d.span, accent, paint));
  for (const { message, span } of d.related) {
    lines.push(`  ${message}${span ? ` ${paint("cyan", place(span, path))}` : ""}`);
    if (span) lines.push(...frame(span, "blue", paint));
  }
  for (const { name, span } of d.trail) {
    const callee = name === undefined ? "" : `\`${name}\` `;
    lines.push(`  ${paint("dim", `${callee}called at`)} ${paint("cyan", place(span, path))}`);
  }
  if (d.fix !== undefined) lines.push(`  ${paint("blue", "fix:")} ${d.fix}`);
  lines.push(`  ${paint("dim", `see ${diagnosticPage(d.code)}`)}`);
  return `${lines.join("\n")}\n`;
}

function place(span: Span, path: (fileName: string) => string): string {
  const { line, column } = positionAt(span.source, span.start);
  return `${path(span.source.fileName)}:${line}:${column}`;
}

/** Lines of a span that a frame shows before it leaves the rest out. */
const frameLines = 4;
const tabWidth = 4;

function frame(span: Span, accent: Style, paint: Painter): string[] {
  const from = positionAt(span.source, span.start);
  const to = positionAt(span.source, Math.max(span.end, span.start));
  const lastLine = Math.min(to.line, from.line + frameLines - 1);
  const gutter = String(lastLine).length;
  const lines: string[] = [];
  for (let line = from.line; line <= lastLine; line++) {
    const text = lineText(span, line);
    const start = line === from.line ? from.column - 1 : text.length - text.trimStart().length;
    const end = line === to.line ? to.column - 1 : text.trimEnd().length;
    lines.push(`  ${paint("dim", `${String(line).padStart(gutter)} |`)} ${expandTabs(text)}`);
    if (end < start) continue;
    const indent = expandTabs(text.slice(0, start)).length;
    const width = Math.max(expandTabs(text.slice(0, end)).length - indent, 1);
    lines.push(
      `  ${paint("dim", `${" ".repeat(gutter)} |`)} ${" ".repeat(indent)}${paint(accent, "^".repeat(width))}`,
    );
  }
  if (lastLine < to.line) lines.push(`  ${paint("dim", `${" ".repeat(gutter)} | …`)}`);
  return lines;
}

function lineText(span: Span, line: number): string {
  const starts = lineStarts(span.source);
  return span.source.text
    .slice(starts[line - 1], starts[line] ?? span.source.text.length)
    .replace(/\r?\n$/, "");
}

function expandTabs(text: string): string {
  return text.replaceAll("\t", " ".repeat(tabWidth));
}

/** A place in JSON: path, first and last position, counted from 1; the end is exclusive. */
export interface JsonPlace {
  readonly file: string;
  readonly start: Position;
  readonly end: Position;
}

/** A diagnostic in JSON. */
export interface JsonDiagnostic {
  readonly code: string;
  readonly name: string;
  readonly severity: string;
  readonly message: string;
  readonly place?: JsonPlace;
  readonly related: readonly { readonly message: string; readonly place?: JsonPlace }[];
  readonly trail: readonly { readonly name?: string; readonly place: JsonPlace }[];
  readonly fix?: string;
  readonly page: string;
}

/** Diagnostics for tools: plain data that `JSON.stringify` takes. */
export function toJson(
  diagnostics: readonly Diagnostic[],
  displayPath: (fileName: string) => string = (fileName) => fileName,
): JsonDiagnostic[] {
  const jsonPlace = (span: Span): JsonPlace => ({
    file: displayPath(span.source.fileName),
    start: positionAt(span.source, span.start),
    end: positionAt(span.source, span.end),
  });
  return diagnostics.map((d) => ({
    code: d.code,
    name: d.name,
    severity: d.severity,
    message: d.message,
    ...(d.span && { place: jsonPlace(d.span) }),
    related: d.related.map(({ message, span }) => ({ message, ...(span && { place: jsonPlace(span) }) })),
    trail: d.trail.map(({ name, span }) => ({ ...(name !== undefined && { name }), place: jsonPlace(span) })),
    ...(d.fix !== undefined && { fix: d.fix }),
    page: diagnosticPage(d.code),
  }));
}
