/** Boots a machine whose instructions are counted, until enough was seen. */
import { boot, type BootOptions, type Machine } from "../../qemu.ts";
import { InstructionCounter, type Count } from "./counter.ts";

/** A counted run on a busy machine takes minutes. */
const limit = { limitMs: 1_200_000 };

/** Boots it, and gives all counts until the console has said something. */
export function countUntil(options: BootOptions, said: RegExp): Promise<readonly Count[]> {
  const counts: Count[] = [];
  return counting(
    options,
    (count) => counts.push(count),
    async (machine) => {
      await machine.expect(said, limit);
      return counts;
    },
  );
}

/** Boots it, and gives counts to a listener until that has seen enough. */
export function countEnough(options: BootOptions, isEnough: (count: Count) => boolean): Promise<void> {
  let enough = (): void => undefined;
  const seen = new Promise<void>((resolve) => (enough = resolve));
  return counting(
    options,
    (count) => {
      if (isEnough(count)) enough();
    },
    (machine) => {
      const ended = machine.exit(limit).then(() => {
        throw new Error(`the machine ended too early:\n${machine.console}`);
      });
      return Promise.race([seen, ended]);
    },
  );
}

async function counting<Result>(
  options: BootOptions,
  listener: (count: Count) => void,
  wait: (machine: Machine) => Promise<Result>,
): Promise<Result> {
  const counter = new InstructionCounter(listener);
  try {
    const machine = await boot({ ...options, extra: [...(options.extra ?? []), ...counter.arguments] });
    try {
      return await wait(machine);
    } finally {
      await machine.kill();
    }
  } finally {
    counter.close();
  }
}
