/**
 * Runs that count instructions: QEMU advances virtual time by one nanosecond, and the guest's time-stamp counter by
 * one, for each instruction that is executed, in the guest and in a hypervisor below it alike. Everything that varies is
 * taken away, so two runs say the same, byte for byte. The exception is a halted CPU, where time jumps to the next timer.
 *
 * Nothing can be typed into such a run: a key would arrive at a moment that the host chooses. What the guest is to do is
 * in its initramfs (`startCommands`). Its console goes to a file, because a pipe that is full holds the guest up.
 */
import type { ConsoleMatch, ExpectOptions } from "./console.ts";
import type { CpioEntry } from "./cpio.ts";
import { boot, type BootOptions, type Machine } from "./qemu.ts";
import { ticksProgram } from "./ticks-program.ts";

/** Kernel parameters that take chance out of Linux. */
export const deterministicParameters = "nokaslr norandmaps";

/** The guest program `ticks`, which prints the time-stamp counter, for an initramfs. */
export const ticksEntry: CpioEntry = { kind: "file", path: "bin/ticks", data: ticksProgram(), mode: 0o755 };

/** A command that tells the counter under a name, for an initramfs' start or prompt commands. */
export function tellTicks(name: string): string {
  return `echo "ticks ${name}: $(ticks)"`;
}

/** Boots a machine with one CPU that counts instructions. */
export function bootCounting(options: BootOptions): Promise<Machine> {
  const append =
    options.append === undefined ? {} : { append: `${options.append} ${deterministicParameters}` };
  return boot({ ...options, ...append, cpus: 1, deterministic: true });
}

/** Waits until the guest tells the counter under a name ({@link tellTicks}), and gives it. */
export async function expectTicks(machine: Machine, name: string, options?: ExpectOptions): Promise<bigint> {
  const found: ConsoleMatch = await machine.expect(new RegExp(`^ticks ${name}: (\\d+)\n`, "m"), options);
  return BigInt(found.groups[0] ?? "");
}
