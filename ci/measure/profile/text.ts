/** A profile as text for the screen. */
import type { SourceFrame } from "../../../compiler/link/code-lines.ts";
import type { Profile, ProfiledInstruction } from "./profile.ts";

/** The table of functions, and below it every instruction with its source line. */
export function profileText(profile: Profile): string {
  const { operation, figure, ticks, guest, hypervisor, exits } = profile;
  const counted = `${guest - exits.length} of the guest's own`;
  return [
    `${operation}: ${figure} instructions as the guest sees it, the least of its repetitions`,
    `profiled: ${ticks} = ${hypervisor} of the hypervisor in ${exitCount(exits.length)} + ${counted}`,
    ...(ticks === figure
      ? []
      : ["the figure differs: the guest faulted, halted, or is measured by other than two readings"]),
    "",
    ...functionLines(profile),
    ...exits.flatMap((exit, i) => ["", `exit ${i + 1}: ${exit.length} instructions`, ...exitLines(exit)]),
    "",
  ].join("\n");
}

function exitCount(count: number): string {
  return count === 1 ? "1 exit" : `${count} exits`;
}

function functionLines({ functions, hypervisor }: Profile): string[] {
  const width = Math.max(...functions.map(({ symbol }) => symbol.length), 0);
  return functions.map(({ symbol, file, instructions }) => {
    const share = `${((100 * instructions) / hypervisor).toFixed(1)}%`;
    return `${String(instructions).padStart(6)} ${share.padStart(6)}  ${symbol.padEnd(width)}  ${file}`.trimEnd();
  });
}

/** The function is told where it changes. */
function exitLines(exit: readonly ProfiledInstruction[]): string[] {
  const places = exit.map(({ frames }) => placeOf(frames[0]));
  const placeWidth = Math.max(...places.map((place) => place.length));
  const textWidth = Math.max(...exit.map(({ text }) => text.length));
  return exit.map(({ address, text, frames }, i) => {
    const { symbol } = frames[0];
    const told = i > 0 && exit[i - 1].frames[0].symbol === symbol ? "" : symbol;
    const at = address.toString(16).padStart(8);
    return `${at}  ${text.padEnd(textWidth)}  ${places[i].padEnd(placeWidth)}  ${told}`.trimEnd();
  });
}

function placeOf({ file, line }: SourceFrame): string {
  // LLVM gives line 0 to what stands for several lines.
  return line === 0 ? file : `${file}:${line}`;
}
