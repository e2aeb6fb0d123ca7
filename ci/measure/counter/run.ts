/** Boots a machine whose instructions are counted, until enough was seen. */
import { boot, type BootOptions } from "../../qemu.ts";
import { InstructionCounter, type Count } from "./counter.ts";

/** A counted run on a busy machine takes minutes. */
const limit = { limitMs: 1_200_000 };

/** Boots it, and gives all counts until the console has said something. */
export async function countUntil(options: BootOptions, said: RegExp): Promise<readonly Count[]> {
  const counts: Count[] = [];
  const counter = new InstructionCounter((count) => counts.push(count));
  try {
    const machine = await boot({ ...options, extra: [...(options.extra ?? []), ...counter.arguments] });
    try {
      await machine.expect(said, limit);
    } finally {
      await machine.kill();
    }
    return counts;
  } finally {
    counter.close();
  }
}
