/** One measurement of an operation in what was executed: from one reading of the counter to the next. */
import type { Executed } from "./log.ts";

/** One exit: the addresses of what the hypervisor executed until it entered the guest again. */
export type ExecutedExit = readonly number[];

/** What lies between a pair of readings. */
export interface Sample {
  readonly exits: readonly ExecutedExit[];
  /** Instructions of the guest: the first reading and all up to the second, those that exit included. */
  readonly guest: number;
  /** What the counter advances by: an instruction that exits is not counted, since it is not completed. */
  readonly ticks: number;
}

/**
 * The samples in what was executed. For each the guest comes by the same readings of the counter: first and last are the
 * measurement's, one between them is an interrupt handler's.
 * @param readsCounter whether the guest's instruction at an address is RDTSC
 */
export function samplesOf(
  executed: readonly Executed[],
  readsCounter: (address: number) => boolean,
): Sample[] {
  const readings = executed.flatMap(({ guest, address }, i) => (guest && readsCounter(address) ? [i] : []));
  const each = periodOf(readings.map((i) => executed[i].address));
  if (each < 2) return [];
  return Array.from({ length: Math.floor(readings.length / each) }, (_, i) =>
    sampleOf(executed.slice(readings[each * i], readings[each * (i + 1) - 1])),
  );
}

/** After how many values a sequence begins again; what ends it may be incomplete. */
function periodOf(values: readonly number[]): number {
  const repeats = (period: number): boolean =>
    values.every((value, i) => i < period || value === values[i - period]);
  let period = 1;
  while (period < values.length && !repeats(period)) period++;
  return period;
}

function sampleOf(executed: readonly Executed[]): Sample {
  const exits: number[][] = [];
  let inGuest = true;
  let guest = 0;
  for (const step of executed) {
    if (step.guest) guest++;
    else if (inGuest) exits.push([step.address]);
    else exits.at(-1)?.push(step.address);
    inGuest = step.guest;
  }
  return { exits, guest, ticks: executed.length - exits.length };
}

/** The sample that took least, the first of those. */
export function leastOf(samples: readonly Sample[]): Sample | undefined {
  return samples.reduce<Sample | undefined>(
    (least, sample) => (least === undefined || sample.ticks < least.ticks ? sample : least),
    undefined,
  );
}

/** Addresses of the instruction that enters the guest: the last of each exit. */
export function entriesOf(executed: readonly Executed[]): ReadonlySet<number> {
  const found = new Set<number>();
  executed.forEach(({ guest, address }, i) => {
    if (!guest && executed[i + 1]?.guest === true) found.add(address);
  });
  return found;
}
