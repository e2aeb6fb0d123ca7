/** What an event costs where devices are traced: operations of the measuring guest without and with a trace, counted. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Figure, Measurement } from "./figure.ts";
import { runMeasuring } from "./operation-costs.ts";
import type { Reading } from "./readings.ts";

/** Operations, and how many events the trace of each has. */
export const tracedOperations: readonly { readonly operation: string; readonly events: number }[] = [
  // A read of the interrupt mask register.
  { operation: "exit.in.kernel", events: 1 },
  // A write of the index register, to which it has been set before.
  { operation: "exit.mmio.ioapic.write", events: 1 },
  // A read of the data register, and of the register that it reaches.
  { operation: "exit.mmio.ioapic.read", events: 2 },
  // A write of the transmitter, and the byte that leaves.
  { operation: "exit.out.uart", events: 2 },
  // A call of the local APIC for its base register, and its result.
  { operation: "exit.rdmsr", events: 2 },
  { operation: "exit.wrmsr", events: 2 },
  // Calls of the local APIC with their arguments and results (the command, the acknowledge, the end of interrupt), what
  // they change of requests and service, and the line up and down.
  { operation: "irq.self-ipi", events: 18 },
];

/** Measures events of a trace. */
export function traceCost(): Measurement {
  return {
    name: "trace",
    what: "counting instructions of operations whose devices are traced",
    brings: ["trace"],
    measure: async () => {
      const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        prepareBareGuest();
        const plain = await readings("ci/boot/images/measure-exits.ts", folder, []);
        const traced = await readings("ci/boot/images/measure-traced.ts", folder, [
          "-debugcon",
          `file:${join(folder, "trace").replaceAll(",", ",,")}`,
        ]);
        return eventCosts(plain, traced);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function readings(
  image: string,
  folder: string,
  extra: readonly string[],
): Promise<readonly Reading[]> {
  const { efi } = await buildImage({ image: join(repositoryRoot, image), out: folder, debug: false });
  const machine = { kernel: efi, firmware: "ovmf", memoryMiB: 512, deterministic: true, extra } as const;
  return (await runMeasuring({ boot: machine })).readings;
}

/** Instructions of an event, by the operation that causes it. */
export function eventCosts(plain: readonly Reading[], traced: readonly Reading[]): Figure[] {
  const least = (of: readonly Reading[], operation: string): number => {
    const reading = of.find(({ name }) => name === operation);
    if (reading === undefined) throw new Error(`the measuring guest has not measured ${operation}`);
    return reading.least;
  };
  return tracedOperations.map(({ operation, events }) => ({
    name: `trace.event.${operation.replace(/^exit\./, "")}`,
    value: Math.ceil((least(traced, operation) - least(plain, operation)) / events),
    unit: "instructions",
  }));
}
