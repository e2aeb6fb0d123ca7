/** Figures side by side: a row for what is measured, a column for whose it is, and Typevisor's ratio to the best peer. */
import { columns, isAbsent, type Column, type Figure, type Outcome } from "./figure.ts";

/** The figures as a table for the screen, and below it why cells are empty and what must be known to read others. */
export function figuresTable(outcomes: readonly Outcome[]): string {
  const rows = rowsOf(outcomes);
  if (rows.size === 0) return "";
  const shown = columns.filter((column) => [...rows.values()].some((row) => row.has(column)));
  const withRatio = shown.includes("typevisor") && shown.some((column) => isRival(column));
  const lines = [
    ["", ...shown, ...(withRatio ? ["to the best"] : []), ""],
    ...[...rows].map(([name, row]) => [
      name,
      ...shown.map((column) => cell(row.get(column))),
      ...(withRatio ? [ratio(row)] : []),
      unitOf(row),
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const last = widths.length - 1;
  const table = lines.map((line) =>
    line
      .map((text, i) => (i === 0 || i === last ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join("  ")
      .trimEnd(),
  );
  return [...table, ...remarks(outcomes), ""].join("\n");
}

/** What is known of one figure, by whose it is. */
export type Row = Map<Column, Outcome>;

/** Outcomes by what they are of, in their order. */
export function rowsOf(outcomes: readonly Outcome[]): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const outcome of outcomes) {
    const { what, column } = split(outcome.name);
    const row = rows.get(what) ?? new Map<Column, Outcome>();
    row.set(column, outcome);
    rows.set(what, row);
  }
  return rows;
}

/** A figure's name without whose it is; what tells no one is Typevisor's. */
export function split(name: string): { what: string; column: Column } {
  const found = columns.find((column) => name.endsWith(`.${column}`));
  if (found === undefined) return { what: name, column: "typevisor" };
  return { what: name.slice(0, -found.length - 1), column: found };
}

function figureOf(row: Row, column: Column): Figure | undefined {
  const outcome = row.get(column);
  return outcome === undefined || isAbsent(outcome) ? undefined : outcome;
}

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined || isAbsent(outcome)) return "-";
  return outcome.value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** Whether Typevisor can be better or worse than whose column it is: the second machine's is its own. */
function isRival(column: Column): boolean {
  return column !== "typevisor" && column !== "bochs";
}

/** Against the best hypervisor, or the bare machine where no hypervisor has the figure. Less is better everywhere. */
export function ratio(row: Row): string {
  const own = figureOf(row, "typevisor");
  const peers = (["kvm", "xen"] as const).flatMap((column) => {
    const figure = figureOf(row, column);
    return figure === undefined ? [] : [{ column: column as Column, value: figure.value }];
  });
  const bare = figureOf(row, "bare");
  if (peers.length === 0 && bare !== undefined) peers.push({ column: "bare", value: bare.value });
  const best = peers.sort((a, b) => a.value - b.value)[0];
  if (own === undefined || best === undefined || best.value === 0) return "-";
  return `${(own.value / best.value).toFixed(2)} ${best.column}`;
}

function unitOf(row: Row): string {
  for (const outcome of row.values()) if (!isAbsent(outcome)) return outcome.unit;
  return "";
}

/** Figures with one and the same reason share a line. */
function remarks(outcomes: readonly Outcome[]): string[] {
  const grouped = new Map<string, string[]>();
  for (const outcome of outcomes) {
    const text = isAbsent(outcome) ? outcome.reason : outcome.note;
    if (text === undefined) continue;
    const { what, column } = split(outcome.name);
    const key = `${column}: ${text}`;
    grouped.set(key, [...(grouped.get(key) ?? []), what]);
  }
  if (grouped.size === 0) return [];
  return ["", ...[...grouped].map(([text, names]) => `${text} (${listed(names)})`)];
}

const mostListed = 4;

function listed(names: readonly string[]): string {
  if (names.length <= mostListed) return names.join(", ");
  return `${names.slice(0, mostListed).join(", ")} and ${names.length - mostListed} more`;
}
