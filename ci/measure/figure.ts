/** What `npm run bench` measures: figures with a name and a unit, and the measurements that bring them. */

/** Who is measured: the last part of a figure's name. */
export const columns = ["typevisor", "kvm", "xen", "bare", "bochs"] as const;
export type Column = (typeof columns)[number];

/**
 * What Typevisor is measured beside: other hypervisors, `bare`, the emulated machine without a hypervisor, and `bochs`,
 * Typevisor itself on the second machine.
 */
export const peerColumns = ["kvm", "xen", "bare", "bochs"] as const satisfies readonly Column[];
export type PeerColumn = (typeof peerColumns)[number];

/** One measured figure. */
export interface Figure {
  /** Dotted, from the general to the special, and whose it is: "exit.cpuid.kvm"; without a column it is Typevisor's. */
  readonly name: string;
  /** The least of all repetitions, where there were several. */
  readonly value: number;
  readonly unit: string;
  readonly least?: number;
  readonly median?: number;
  readonly mean?: number;
  /** What must be known to read it. */
  readonly note?: string;
}

/** A figure that could not be measured. */
export interface Absence {
  readonly name: string;
  readonly reason: string;
}

export type Outcome = Figure | Absence;

/** Whether a figure could not be measured. */
export function isAbsent(outcome: Outcome): outcome is Absence {
  return "reason" in outcome;
}

/** One thing to measure; it may bring several figures that belong together. */
export interface Measurement {
  readonly name: string;
  /** What is measured, for the screen. */
  readonly what: string;
  /** The beginnings of the names of what it brings. */
  readonly brings: readonly string[];
  measure(): Promise<readonly Outcome[]>;
}

/** Whether a name is the one asked for, or below it. */
export function isBelow(name: string, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}.`);
}

/** Whether a measurement brings anything that has the name asked for, or is below it. */
export function bringsAny(measurement: Measurement, asked: string): boolean {
  return measurement.brings.some((name) => isBelow(name, asked) || isBelow(asked, name));
}

/** The figures as the JSON text that `--json` writes: an absent one has its reason instead of a value. */
export function figuresJson(outcomes: readonly Outcome[]): string {
  const entries = outcomes.map((outcome) => {
    if (isAbsent(outcome)) return [outcome.name, { absent: outcome.reason }] as const;
    const { name, ...figure } = outcome;
    return [name, figure] as const;
  });
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}
