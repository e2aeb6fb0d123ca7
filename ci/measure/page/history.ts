/**
 * The figures of every full run of the benchmark: a file of lines, each the JSON of one run. Lines are only ever added. A
 * line that says nothing that can be used is told, and stays.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isAbsent, type Outcome } from "../figure.ts";
import type { Commit } from "./commit.ts";

/** A figure as the history keeps it. */
export interface KeptFigure {
  readonly value: number;
  readonly unit: string;
}

/** One run. */
export interface HistoryEntry extends Commit {
  /** By name, the column included: "exit.cpuid.typevisor". */
  readonly figures: Readonly<Record<string, KeptFigure>>;
}

/** A line that cannot be used. */
export interface BrokenLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** What a file of lines says. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  readonly broken: readonly BrokenLine[];
}

/** Reads the lines of a history. */
export function parseHistory(text: string): History {
  const entries: HistoryEntry[] = [];
  const broken: BrokenLine[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      entries.push(entryOf(JSON.parse(line)));
    } catch (error) {
      broken.push({ line: i + 1, reason: (error as Error).message });
    }
  }
  return { entries, broken };
}

/** Reads a file's history; there is none where there is no file. */
export function readHistory(file: string): History {
  return parseHistory(existsSync(file) ? readFileSync(file, "utf8") : "");
}

/** Adds a run to a file; what is there stays as it is. */
export function appendToHistory(file: string, commit: Commit, outcomes: readonly Outcome[]): void {
  const figures = outcomes.flatMap((outcome) =>
    isAbsent(outcome) ? [] : [[outcome.name, { value: outcome.value, unit: outcome.unit }] as const],
  );
  mkdirSync(dirname(file), { recursive: true });
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  const entry: HistoryEntry = { ...commit, figures: Object.fromEntries(figures) };
  appendFileSync(file, `${separator}${JSON.stringify(entry)}\n`);
}

function entryOf(value: unknown): HistoryEntry {
  const { commit, date, changed, figures } = recordOf(value, "the line");
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) throw new TypeError("it names no commit");
  if (typeof date !== "string" || Number.isNaN(Date.parse(date))) throw new TypeError("it has no date");
  const kept = Object.entries(recordOf(figures, "what should be figures")).map(([name, figure]) => {
    const { value: number, unit } = recordOf(figure, name);
    if (typeof number !== "number" || typeof unit !== "string")
      throw new TypeError(`${name} has no value with a unit`);
    return [name, { value: number, unit }] as const;
  });
  return { commit, date, ...(changed === true && { changed }), figures: Object.fromEntries(kept) };
}

function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}
