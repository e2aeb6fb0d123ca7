/**
 * What a peer takes of the machine's memory while the measuring guest of 64 MiB is there: without the guest's own, and
 * without that of the programs in its control domain or host. Twice, and the same twice.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { boot, type BootOptions } from "../qemu.ts";
import type { Figure, Measurement } from "./figure.ts";
import { keptReason, UnsteadyRuns } from "./operation-costs.ts";
import { weighedGuest, weighedLine, type Peer } from "./peers/peer.ts";

/** A boot on a busy machine takes minutes. */
const limit = { limitMs: 1_200_000 };
const kib = 1024;
const pageKib = 4;

/** What a console says of memory. */
export interface TakenMemory {
  readonly bytes: number;
  readonly note: string;
}

/** Measures one peer. */
export function peerMemory(peer: Peer, read: (console: string) => TakenMemory): Measurement {
  const name = `memory.hypervisor.bytes.${peer.column}`;
  return {
    name,
    brings: ["memory.hypervisor"],
    what: `weighing ${peer.what} with a guest, twice`,
    measure: async () => {
      const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        const { boot: options } = await peer.prepare(weighedGuest(prepareBareGuest().elf), folder);
        const [first, second] = [read(await consoleOf(options)), read(await consoleOf(options))];
        if (first.bytes !== second.bytes)
          throw new UnsteadyRuns(
            `two runs differ: ${name} is ${first.bytes}, and in the second run ${second.bytes}`,
          );
        return [{ name, value: first.bytes, unit: "B", note: first.note } satisfies Figure];
      } catch (error) {
        if (error instanceof UnsteadyRuns) throw error;
        return [{ name, reason: keptReason(peer.column, error) }];
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function consoleOf(options: BootOptions): Promise<string> {
  const machine = await boot(options);
  try {
    await machine.expect(`${weighedLine}\n`, limit);
    return machine.console;
  } finally {
    await machine.kill();
  }
}

function numbers(console: string, pattern: RegExp): number[] {
  return [...console.matchAll(pattern)].map(([, number]) => Number(number));
}

function only(console: string, pattern: RegExp): number {
  const [found, ...more] = numbers(console, pattern);
  if (found === undefined || more.length > 0)
    throw new Error(`the console tells ${more.length + (found === undefined ? 0 : 1)} times of ${pattern}`);
  return found;
}

/** Xen's: the machine's memory without what is free and without the domains' pages. */
export function xenMemory(console: string): TakenMemory {
  const machine = only(console, /^\(XEN\) System RAM: \d+MB \((\d+)kB\)$/gm);
  const free =
    only(console, /^\(XEN\) +Xen heap: (\d+)kB free$/gm) +
    only(console, /^\(XEN\) +Dom heap: (\d+)kB free$/gm);
  const domains = numbers(console, /^\(XEN\) +nr_pages=(\d+) /gm);
  if (domains.length !== 2) throw new Error(`Xen tells of ${domains.length} domains instead of two`);
  const given = domains.reduce((sum, pages) => sum + pages * pageKib, 0);
  return {
    bytes: (machine - free - given) * kib,
    note: "without its control domain's memory, and with the page tables of a guest of 64 MiB",
  };
}

/**
 * KVM's: how much more the host's kernel keeps for itself with KVM and a guest than before. What is free, what processes
 * have and what files hold is not the kernel's own (Linux Documentation/filesystems/proc.rst, "meminfo").
 */
export function kvmMemory(console: string): TakenMemory {
  const kept = (when: string): number => {
    const of = (field: string): number => only(console, new RegExp(`^${when} ${field}: +(\\d+) kB$`, "gm"));
    return ["MemFree", "AnonPages", "Cached", "Buffers"].reduce(
      (rest, field) => rest - of(field),
      of("MemTotal"),
    );
  };
  const [before, after] = [kept("before"), kept("with")];
  const host = Math.round(before / kib);
  return {
    bytes: (after - before) * kib,
    note: `what KVM and a guest of 64 MiB add to the ${host} MiB that the host's kernel has beside its image; without the VMM`,
  };
}
