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

/** A word of guest memory, mostly of the rings of a queue that keeps the rules. */
function ringWord(random: Random): HandlerCall {
  const table = random(4) === 0 ? 0x5800 : 0x2000;
  const at = table + 16 * random(table === 0x2000 ? 16 : 4);
  const kind = random(8);
  const set = (gpa: number, value: bigint): HandlerCall => ({ symbol: "set", args: [BigInt(gpa), value] });
  if (kind < 2)
    return set(at, random(8) === 0 ? BigInt(random(2 ** 32)) << 20n : BigInt(0x5000 + random(0x3000)));
  if (kind === 2) return set(at, 0x5800n);
  if (kind < 6) {
    const bytes = random(4) === 0 ? 16 * random(20) : random(16) === 0 ? random(2 ** 32) : random(5000);
    const flags = random(8) === 0 ? random(16) : [0, 1, 2, 3, 4][random(5)];
    return set(at + 8, BigInt(bytes) | (BigInt(flags) << 32n) | (BigInt(random(18)) << 48n));
  }
  // Flags, index and the first heads of the driver's ring, or the index that it asks to be told of.
  if (kind === 6) {
    const index = random(16) === 0 ? random(2 ** 16) : random(12);
    return set(0x3000, BigInt(random(2)) | (BigInt(index) << 16n) | (BigInt(random(17)) << 32n));
  }
  return set(0x3020, BigInt(random(17)) | (BigInt(random(40)) << 32n));
}

function queueSequence(seed: number, length: number): HandlerCall[] {
  const random = randomFrom(seed);
  const calls: HandlerCall[] = [{ symbol: "initialise", args: [1, 1], bits: 8 }];
  for (let i = 0; i < length; i++) {
    const kind = random(24);
    if (kind === 0) calls.push({ symbol: "initialise", args: [random(2), random(2)], bits: 8 });
    else if (kind < 16) calls.push(ringWord(random));
    else if (kind < 21) calls.push({ symbol: "take", bits: 8 });
    else if (kind < 23) calls.push({ symbol: "complete", args: [random(5000)], bits: 8 });
    else calls.push({ symbol: "finish", bits: 8 });
    calls.push({ symbol: "count", bits: 16 }, { symbol: "bytes", bits: 64 });
    calls.push(
      { symbol: "gpaOf", args: [random(16)], bits: 64 },
      { symbol: "bytesOf", args: [random(16)], bits: 32 },
    );
    calls.push({ symbol: "word", args: [BigInt(0x4000 + 4 * random(40))], bits: 32 });
  }
  return calls;
}

test("the virtqueue in C does what the declared one does, ring by ring", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1044);
  t.log(`seed ${seed}`);
  const calls = queueSequence(seed, 1200);
  const { dsl, c } = buildHandlers("virtqueue", folder).call(calls);
  t.notThrows(() => requireSameAnswers(calls, dsl, c));
  const answers = calls.flatMap(({ symbol }, i) => (symbol === "take" ? [dsl[i].value] : []));
  for (const answer of [0n, 1n, 2n]) t.true(answers.filter((a) => a === answer).length > 8, `${answer}`);
  t.true(
    calls.some(({ symbol }, i) => symbol === "count" && dsl[i].value > 3n),
    "long chains were taken",
  );
});

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
