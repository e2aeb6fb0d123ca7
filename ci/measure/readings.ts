/** What the measuring guest (`platforms/x86_64/bare-guest/measure.ts`) says, read strictly: a garbled line is an error. */

/** One operation as it was measured. */
export interface Reading {
  readonly name: string;
  readonly least: number;
  readonly median: number;
  readonly mean: number;
}

/** Everything that one run said. */
export interface Readings {
  readonly readings: readonly Reading[];
  /** Why an operation was left out, by its name. */
  readonly absent: ReadonlyMap<string, string>;
  /** Remarks on operations, by their name. */
  readonly notes: ReadonlyMap<string, string>;
}

/** The guest said something that it never would, or not all that it should. */
export class GarbledConsole extends Error {
  override readonly name = "GarbledConsole";
}

const tailLines = 40;
/** Xen puts the domain in front of what a guest writes to its debug port. */
const domainPrefix = /^\(d\d+\) /;
const keyword = /^(figure|absent|note|missed) /;
const missed = /^missed (\S+)$/;
const figure = /^figure (\S+) (\d+) (\d+) (\d+)$/;
const remark = /^(absent|note) (\S+) (.+)$/;

/**
 * Reads a console up to the line "measured".
 * @param names what must be there, each once, as a figure or as absent
 */
export function readConsole(console: string, names: readonly string[]): Readings {
  const fail = (reason: string): never => {
    const tail = console.trimEnd().split("\n").slice(-tailLines).join("\n");
    throw new GarbledConsole(`${reason}\nthe console's last lines:\n${tail}`);
  };
  const readings = new Map<string, Reading>();
  const absent = new Map<string, string>();
  const notes = new Map<string, string>();
  const lines = console.split("\n").map((line) => line.replace(domainPrefix, "").trim());
  const end = lines.indexOf("measured");
  if (end < 0) fail("the guest did not say that it has measured everything");
  for (const line of lines.slice(0, end).filter((text) => keyword.test(text))) {
    const [, name, ...numbers] = figure.exec(line) ?? [];
    const [, kind, subject, text] = remark.exec(line) ?? [];
    const [, awaited] = missed.exec(line) ?? [];
    if (awaited !== undefined) fail(`the guest waited in vain for what ${awaited} measures`);
    if (name !== undefined) {
      if (readings.has(name)) fail(`the guest tells ${name} twice`);
      readings.set(
        name,
        readingOf(name, numbers.map(Number), () => fail(`the guest says "${line}"`)),
      );
    } else if (subject !== undefined) (kind === "absent" ? absent : notes).set(subject, text);
    else fail(`the guest says "${line}"`);
  }
  const told = new Set([...readings.keys(), ...absent.keys()]);
  for (const name of names) if (!told.delete(name)) fail(`the guest does not tell ${name}`);
  const [unknown] = told;
  if (unknown !== undefined) fail(`the guest tells ${unknown}, which nobody measures`);
  return { readings: [...readings.values()], absent, notes };
}

function readingOf(name: string, numbers: readonly number[], refuse: () => never): Reading {
  const [least, median, mean] = numbers;
  // The mean is rounded down.
  if (least > median || least > mean) refuse();
  return { name, least, median, mean };
}
