/** What a console of the measuring guest tells, as figures of whoever runs it. */
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import type { Figure } from "./figure.ts";
import { readConsole } from "./readings.ts";

/** The least of every operation that a console tells before its last line, "measured". */
export function figuresOf(console: string): Figure[] {
  return readConsole(`${console}\nmeasured\n`, measuredNames).readings.map(({ name, least }) => ({
    name,
    value: least,
    unit: "instructions",
  }));
}
