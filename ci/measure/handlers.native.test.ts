/** Handlers in C, against those compiled from the declaration: a figure of things that do not do the same is none. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { randomFrom } from "../../dsl/testing/random-twin.ts";
import { HandlersDiffer, requireSameAnswers } from "./handlers.ts";
import { buildHandlers, type HandlerCall } from "./handlers/programs.ts";

const read = (bank: string, offset: number, width: number): HandlerCall => ({
  symbol: `read_${bank}`,
  args: [offset, width],
  bits: 32,
});
const write = (bank: string, offset: number, width: number, value: number): HandlerCall => ({
  symbol: `write_${bank}`,
  args: [offset, width, value],
});

type Random = (below: number) => number;
type Draw = (random: Random) => HandlerCall;

const byte = (random: Random): number => random(random(2) === 0 ? 16 : 256);
const source = 3;

/** What is done to a device at random. */
const draws: Readonly<Record<string, readonly Draw[]>> = {
  uart16550: [
    (random) => read("ports", random(8), random(8) === 0 ? 2 : 1),
    (random) => write("ports", random(8), random(8) === 0 ? 2 : 1, byte(random)),
    (random) => ({ symbol: "receive", args: [source, random(256)] }),
  ],
  i8254: [
    (random) => read("counters", random(4), random(8) === 0 ? 2 : 1),
    (random) => write("counters", random(3), random(8) === 0 ? 2 : 1, byte(random)),
    (random) => write("counters", 3, 1, random(256)),
    () => read("portB", 0, 1),
    (random) => write("portB", 0, 1, random(256)),
    () => ({ symbol: "expire", args: [0] }),
  ],
  ioapic: [
    (random) => write("mmio", 0, 4, random(2) === 0 ? 0x10 + random(4) : random(256)),
    (random) =>
      write("mmio", 0x10, 4, random(2) === 0 ? random(2 ** 32) : 0x8000 + random(2) * 0x2000 + random(4)),
    (random) => read("mmio", [0, 0x10, 0x40, 0x44][random(4)], random(8) === 0 ? 2 : 4),
    (random) => write("mmio", 0x40, 4, random(4)),
    (random) => ({ symbol: "input", args: [random(2) === 0 ? random(2) : random(24), random(2)] }),
  ],
};
const mostEvents = 12;

/** After each call the clock goes on, and what the device did to the outside is asked for. */
function sequence(device: string, seed: number, length: number): HandlerCall[] {
  const random = randomFrom(seed);
  const calls: HandlerCall[] = [{ symbol: "initialise" }, { symbol: "clear" }];
  for (let i = 0; i < length; i++) {
    calls.push({ symbol: "setTime", args: [300_000 * i, 0] });
    calls.push(draws[device][random(draws[device].length)](random));
    calls.push({ symbol: "eventCount", bits: 32 });
    for (let e = 0; e < mostEvents; e++) calls.push({ symbol: "event", args: [e], bits: 64 });
    calls.push({ symbol: "clear" });
  }
  return calls;
}

for (const device of Object.keys(draws)) {
  test(`the ${device} in C does what the declared one does, access by access`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const seed = Number(process.env["TYPEVISOR_SEED"] ?? 16550);
    t.log(`seed ${seed}`);
    const calls = sequence(device, seed, 600);
    const { dsl, c } = buildHandlers(device, folder).call(calls);
    t.notThrows(() => requireSameAnswers(calls, dsl, c));
    t.true(dsl.every(({ instructions }) => instructions > 0));
    t.true(new Set(dsl.map(({ value }) => value)).size > 20, "the device was made to do things");
  });
}

test("an answer that differs is told with its call", (t) => {
  const calls = [{ symbol: "initialise" }, read("ports", 5, 1)];
  const none = { value: 0n, instructions: 1 };
  const error = t.throws(
    () => requireSameAnswers(calls, [none, { value: 0x60n, instructions: 9 }], [none, none]),
    { instanceOf: HandlersDiffer },
  );
  t.is(error.message, "call 1, read_ports(5, 1), returns 96 as it is compiled, and 0 in C");
});
