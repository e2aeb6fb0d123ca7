/**
 * Four Linux guests that restart themselves at random for ten minutes: what the hypervisor has left for itself must stay
 * the same. Time is the host's: where it is the number of instructions, QEMU 7.2 delivers some interrupts twice
 * (`helper_vmrun` leaves the vector in `exception_index`, and an instruction budget that ends finds it there), which a
 * Linux with interrupts off does not survive.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, writeInitramfs } from "../payloads.ts";
import { boot, type Machine } from "../qemu.ts";
import type { Figure, Measurement } from "./figure.ts";

const image = "ci/boot/images/soak.ts";
const limit = { limitMs: 1_800_000 };
const minute = 60_000;
const lastsMs = 10 * minute;

/** Restarts the guest after 3 to 20 seconds. */
const restartSometime = "(sleep $((3 + RANDOM % 18)); reboot -f) &";

/** Measures it. */
export const soak: Measurement = {
  name: "soak",
  brings: ["soak"],
  what: "letting four Linux guests restart at random for ten minutes",
  measure: async () => {
    await preparePayloads();
    writeInitramfs(join(payloadFolder, "soak-initramfs.gz"), { startCommands: [restartSometime] });
    const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
    try {
      const { efi } = await buildImage({ image: join(repositoryRoot, image), out: folder, debug: false });
      if (efi === undefined) throw new Error(`${image} left no UEFI application`);
      const machine = await boot({ kernel: efi, firmware: "ovmf", memoryMiB: 1024 });
      try {
        await machine.expect(shellPrompt, limit);
        return await soaked(machine);
      } finally {
        await machine.kill();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** What a guest's restart found. */
interface Moment {
  /** Milliseconds of the machine's time. */
  readonly at: number;
  /** Pages that are left for nested tables; the guest that restarts has not given back its own yet. */
  readonly free: number;
}

async function soaked(machine: Machine): Promise<Figure[]> {
  const moments: Moment[] = [];
  let at = 0;
  while (at < lastsMs) {
    await machine.expect(/^typevisor: guest \w+ restarts: /m, limit);
    const [{ freeTablePages: free } = {}] = await ask(machine, "top");
    at = Math.max(...(await ask(machine, "events 1")).map(({ atMs }) => Number(atMs)));
    moments.push({ at, free: Number(free) });
  }
  return soakFigures(moments);
}

/**
 * The figures. Guests that have just begun use fewer pages: the fewest that were left in the first half and in the second
 * half are what is compared.
 */
export function soakFigures(moments: readonly Moment[]): Figure[] {
  const half = moments.length >> 1;
  if (half < 2) throw new Error(`guests restarted ${moments.length} times, which is too few`);
  const [before, after] = [moments.slice(0, half), moments.slice(half)].map((some) =>
    Math.min(...some.map(({ free }) => free)),
  ) as [number, number];
  return [
    { name: "soak.minutes.typevisor", value: Math.round(moments.at(-1)!.at / minute), unit: "min" },
    { name: "soak.restarts.typevisor", value: moments.length, unit: "restarts" },
    {
      name: "soak.pages-lost.typevisor",
      value: before - after,
      unit: "pages",
      note: `at least ${before} were free in the first half, ${after} in the second`,
    },
  ];
}

type Answer = Readonly<Record<string, unknown>>;

/** Sends a command as a program does. */
function ask(machine: Machine, command: string): Promise<readonly Answer[]> {
  machine.send(`\x1e${command}\n`);
  return answer(machine);
}

/** The records of the next answer. @throws where it is an error */
async function answer(machine: Machine): Promise<readonly Answer[]> {
  // The console's text is without control characters, and so without the records' separators.
  const { before, text } = await machine.expect(/\{"ok":(?:true|false[^\n]*)\}\n/, limit);
  const records = [...(before + text).matchAll(/(\{".*\})\n/g)].map(([, line]) => JSON.parse(line) as Answer);
  const end = records.at(-1);
  if (end?.["ok"] !== true) throw new Error(`the operator's prompt answers: ${String(end?.["error"])}`);
  return records.slice(0, -1);
}
