/** What `npm run bench` measures: figures with a name and a unit, and the measurements that bring them. */

/** One measured figure. */
export interface Figure {
  /** Dotted, from the general to the special: "boot.cloud.bare.instructions". */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** One thing to measure; it may bring several figures that belong together. */
export interface Measurement {
  readonly name: string;
  /** What is measured, for the screen. */
  readonly what: string;
  measure(): Promise<readonly Figure[]>;
}

/** The figures as the JSON text that `--json` writes. */
export function figuresJson(figures: readonly Figure[]): string {
  const entries = figures.map(({ name, value, unit }) => [name, { value, unit }] as const);
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}

/** The figures as an aligned table for the screen. */
export function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit }) => [name, grouped(value), unit]);
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  return rows
    .map(([name, value, unit]) => `${name.padEnd(widths[0])}  ${value.padStart(widths[1])} ${unit}\n`)
    .join("");
}

function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}
