/** Reading a command's line, and doing commands step by step: what every channel of the operator's has in common. */
import { u32, u8 } from "../../dsl/core/int.ts";
import { text, type Text } from "../../dsl/core/intrinsics.ts";
import { bool, struct, type FixedArray, type ValueOf } from "../../dsl/core/layout.ts";
import { allPermits, type Permit } from "../../dsl/manifest/operator.ts";
import { channel, mostRecordBytes, Step, type OperatorCommand, type Terminal } from "./command.ts";
import { behind, equal, numberOf, wordOf } from "./words.ts";

/** A command that is being done. */
export const Task = struct("OperatorTask", {
  /** Its number; 0: none. */
  command: u32,
  guest: u32,
  number: u32,
  /** Steps that are done. */
  at: u32,
  endless: bool,
  /** Its answers are JSON. */
  json: bool,
});
export type Task = ValueOf<typeof Task>;

/** Steps of a command that one round of the kernel's loop does. */
const stepsAtOnce = 64;

export interface Commands {
  /** What every channel permits, as bits in the order of `allPermits`. */
  readonly granted: readonly number[];
  /** Those of the image, with the bit of what each must be permitted. */
  readonly names: readonly { readonly name: string; readonly permit: number }[];
  /** Begins the command of a line, or says why not. */
  begin(line: Text): void;
  /** Goes on with the command of the channel that is served; a `Step`. */
  goOn(): u32;
}

/** The bit that who sits at the host's console has beside its permits. */
export const atConsole = 1 << allPermits.length;

/** A permit as a bit. */
function bitOf(permit: Permit): number {
  return 1 << allPermits.indexOf(permit);
}

/**
 * Builds it over the image's commands, of which each channel is permitted what `permits` says; `help` comes with them.
 * `tasks` has each channel's.
 */
export function operatorCommands(
  { answer, channel: served, ports }: Terminal,
  tasks: FixedArray<Task>,
  declared: readonly OperatorCommand[],
  permits: readonly (readonly Permit[])[],
  guestNames: readonly string[],
): Commands {
  const granted = Object.freeze(
    permits.map((p, at) =>
      p.reduce((bits, permit) => bits | bitOf(permit), at === channel.person ? atConsole : 0),
    ),
  );
  const anywhere = granted.reduce((all, bits) => all | bits, 0);
  const isPossible = (c: OperatorCommand): boolean => (bitOf(c.permit) & anywhere) !== 0;
  const commands = Object.freeze(
    declared.filter(isPossible).map((c, i) =>
      Object.freeze({
        ...c,
        permitBit: bitOf(c.permit),
        bits: bitOf(c.permit) | (c.local === true ? atConsole : 0),
        number: i + 1,
        usage: c.argument === null ? c.name : `${c.name} ${c.argument.toUpperCase()}`,
      }),
    ),
  );
  const helpNumber = commands.length + 1;
  const denied = Object.freeze(
    declared.filter((c) => !isPossible(c) || granted.some((bits) => (bits & bitOf(c.permit)) === 0)),
  );
  const names = Object.freeze(guestNames.map((name, index) => Object.freeze({ name, index })));
  const single = names.length === 1;

  /** The guest that a word names, or that need not be named; as many as there are: none. */
  const guestOf = (word: Text): u32 => {
    if (word.length === 0 && single) return 0;
    for (const n of names) if (equal(text(n.name), word)) return n.index;
    return names.length;
  };
  const permitted = (): u8 => granted[served()];
  /** Shows the next command that is permitted; a step for each. */
  const help = (at: u32): u32 => {
    for (const c of commands) {
      if (at === c.number - 1) {
        if ((permitted() & c.bits) === c.bits) answer.say(text(`  ${c.usage}  ${c.about}`));
        return Step.more;
      }
    }
    answer.say(text("  json COMMAND  answers in lines of JSON; json on: every command does, until json off"));
    if (served() === channel.person)
      answer.say(text("  exit  gives the console back to the guest that is attached, as Ctrl-] does"));
    return Step.done;
  };

  const start = (number: u32, guest: u32, count: u32, endless: boolean): void => {
    const task = tasks[served()];
    task.command = number;
    task.guest = guest;
    task.number = count;
    task.at = 0;
    task.endless = endless;
  };
  const begin = (line: Text): void => {
    const word = wordOf(line);
    const rest = behind(line, word);
    const argument = wordOf(rest);
    if (equal(word, text("help"))) {
      start(helpNumber, 0, 0, false);
      return;
    }
    for (const c of commands) {
      if (equal(word, text(c.name)) && (permitted() & c.permitBit) !== 0) {
        let guest: u32 = 0;
        let number: u32 = 0;
        if (c.argument === null ? rest.length !== 0 : behind(rest, argument).length !== 0) {
          answer.fail(text(`${c.name} does not take so many words: help lists what it takes`), text(""));
          return;
        }
        if (c.argument === "guest") {
          guest = guestOf(argument);
          if (guest >= names.length) {
            answer.fail(text("there is no guest "), argument);
            return;
          }
        }
        if (c.argument === "number") {
          const found = numberOf(argument);
          if (found < 0) {
            answer.fail(text("a number up to 9999 is missing: not "), argument);
            return;
          }
          number = u32(found);
        }
        if ((permitted() & c.bits) !== c.bits) {
          answer.fail(text(`${c.name} is for who sits at the console`), text(""));
          return;
        }
        start(c.number, guest, number, c.endless === true && (number !== 0 || c.argument === null));
        return;
      }
    }
    for (const c of denied) {
      if (equal(word, text(c.name))) {
        answer.fail(text(`the manifest does not permit this channel to ${c.permit}: `), word);
        return;
      }
    }
    answer.fail(text("there is no such command, help lists them: "), word);
  };
  const stepOf = (task: Task): u32 => {
    if (task.command === helpNumber) return help(task.at);
    for (const c of commands) if (task.command === c.number) return c.step(task.guest, task.number, task.at);
    return Step.done;
  };
  const hasRoom = (): boolean =>
    ports === null ||
    served() < channel.ports ||
    ports.room(u32(served() - channel.ports)) >= mostRecordBytes;

  return Object.freeze({
    granted,
    names: Object.freeze([
      ...commands.map(({ name, bits }) => Object.freeze({ name, permit: bits })),
      ...["help", "json"].map((name) => Object.freeze({ name, permit: 0 })),
    ]),
    begin,
    goOn(): u32 {
      const task = tasks[served()];
      for (let i = 0; i < stepsAtOnce; i++) {
        // The guest brings the kernel's loop when it has taken some.
        if (!hasRoom()) return Step.later;
        const step = stepOf(task);
        if (step === Step.done) task.command = 0;
        if (step !== Step.more) return step;
        task.at = u32(task.at + 1);
      }
      return Step.more;
    },
  });
}
