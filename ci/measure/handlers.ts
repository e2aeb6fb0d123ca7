/**
 * Handlers compiled from declarations against the same handlers in C (`handlers/*.c`), in executed instructions: clang
 * compiles the C for the same target, with the same registers left alone. Both do the same, step by step, at random.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure, Measurement } from "./figure.ts";
import { buildHandlers, type CallResult, type HandlerCall } from "./handlers/programs.ts";

/** A call that is a figure, after calls that are none. */
interface Step extends HandlerCall {
  /** What the figure is called, after its device. */
  readonly figure?: string;
}

const start: Step = { symbol: "initialise" };

/** A read, or a write, of a window at an offset with the width that is usual there. */
const reading =
  (symbol: string, width: number) =>
  (offset: number, figure?: string): Step => ({
    ...{ symbol, args: [offset, width], bits: 32 },
    ...(figure !== undefined && { figure }),
  });
const writing =
  (symbol: string, width: number) =>
  (offset: number, value: number, figure?: string): Step => ({
    ...{ symbol, args: [offset, width, value] },
    ...(figure !== undefined && { figure }),
  });
const [port, toPort] = [reading("read_ports", 1), writing("write_ports", 1)];
const [counter, toCounter] = [reading("read_counters", 1), writing("write_counters", 1)];
const [word, toWord] = [reading("read_mmio", 4), writing("write_mmio", 4)];
const portB = reading("read_portB", 1);

/** The number of the UART's source, after its timer, line and sink. */
const source = 3;
const window = 0x10;

/** A descriptor of the table that lies at `table` (virtio 1.2 §2.7.5). */
const descriptor = (
  index: number,
  gpa: bigint,
  bytes: number,
  flags: number,
  next = 0,
  table = 0x2000n,
): Step[] => [
  { symbol: "set", args: [table + 16n * BigInt(index), gpa] },
  {
    symbol: "set",
    args: [table + 16n * BigInt(index) + 8n, BigInt(bytes) | (BigInt(flags) << 32n) | (BigInt(next) << 48n)],
  },
];
const take = (figure: string): Step => ({ symbol: "take", bits: 8, figure });

/** A request of a disk: its header, one page, its status; through the table and through an indirect one. */
const queueSteps: readonly Step[] = [
  { symbol: "initialise", args: [1, 1], bits: 8 },
  take("take.nothing"),
  ...descriptor(0, 0x5000n, 16, 1, 1),
  ...descriptor(1, 0x6000n, 4096, 3, 2),
  ...descriptor(2, 0x5010n, 1, 2),
  ...descriptor(3, 0x5800n, 48, 4),
  ...descriptor(0, 0x5000n, 16, 1, 1, 0x5800n),
  ...descriptor(1, 0x6000n, 4096, 3, 2, 0x5800n),
  ...descriptor(2, 0x5010n, 1, 2, 0, 0x5800n),
  // The driver's ring: flags, index, then heads; no event is asked for.
  { symbol: "set", args: [0x3000n, 0x0003_0000_0002_0000n] },
  take("take.three-descriptors"),
  { symbol: "complete", args: [4097], bits: 8, figure: "complete" },
  take("take.indirect-table"),
  { symbol: "complete", args: [4097], bits: 8 },
  { symbol: "finish", bits: 8, figure: "finish" },
];

/** By device: the accesses that a guest makes most. */
const steps: Readonly<Record<string, readonly Step[]>> = {
  uart16550: [
    start,
    port(5, "lsr.read"),
    toPort(0, 0x41, "thr.write"),
    port(2, "iir.read"),
    toPort(1, 2, "ier.write"),
    { symbol: "receive", args: [source, 0x42], figure: "receive" },
    port(0, "rbr.read"),
    toPort(7, 0x5a, "scr.write"),
  ],
  i8254: [
    start,
    toCounter(3, 0x34, "control.write"),
    toCounter(0, 0x9c, "count-low.write"),
    toCounter(0, 0x2e, "count-high.write"),
    { symbol: "setTime", args: [123_456, 0] },
    toCounter(3, 0, "latch.write"),
    counter(0, "latched.read"),
    counter(0),
    counter(0, "running.read"),
    portB(0, "port-b.read"),
  ],
  ioapic: [
    start,
    toWord(0, 0x14, "select.write"),
    word(window, "redirection.read"),
    toWord(window, 0x1_0033, "redirection.write"),
    toWord(0x40, 0x33, "eoi.write"),
  ],
  virtqueue: queueSteps,
};

/** The two programs answer differently. */
export class HandlersDiffer extends Error {
  override readonly name = "HandlersDiffer";
}

/** Measures every device. */
export const handlers: Measurement = {
  name: "handler",
  brings: ["handler"],
  what: "counting the instructions of compiled handlers and of the same in C",
  measure: () => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
    try {
      return Promise.resolve(
        Object.entries(steps).flatMap(([device, calls]) => {
          const { dsl, c } = buildHandlers(device, folder).call(calls);
          requireSameAnswers(calls, dsl, c);
          return calls.flatMap(({ figure }, i) =>
            figure === undefined ? [] : figuresOf(`handler.${device}.${figure}`, dsl[i], c[i]),
          );
        }),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Refuses programs that do not return the same. */
export function requireSameAnswers(
  calls: readonly HandlerCall[],
  dsl: readonly CallResult[],
  c: readonly CallResult[],
): void {
  for (const [i, { symbol, args = [] }] of calls.entries()) {
    const [own, other] = [dsl[i].value, c[i].value];
    if (own !== other)
      throw new HandlersDiffer(
        `call ${i}, ${symbol}(${args.join(", ")}), returns ${own} as it is compiled, and ${other} in C`,
      );
  }
}

function figuresOf(name: string, dsl: CallResult, c: CallResult): Figure[] {
  return [
    { name: `${name}.instructions`, value: dsl.instructions, unit: "instructions" },
    { name: `${name}.c.instructions`, value: c.instructions, unit: "instructions" },
    { name: `${name}.ratio`, value: Number((dsl.instructions / c.instructions).toFixed(3)), unit: "times" },
  ];
}
