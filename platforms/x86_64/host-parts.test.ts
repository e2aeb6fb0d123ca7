import test from "ava";
import { addressOf, store64 } from "../../dsl/core/intrinsics.ts";
import { array, make } from "../../dsl/core/layout.ts";
import { allocate } from "../../dsl/core/memory.ts";
import { countsUntil, hostApic } from "./apic.ts";
import { rateOf } from "./calibration.ts";
import {
  exceptionStackTop,
  guardBytes,
  isGuard,
  layOutCpus,
  LocalCpu,
  mainStackTop,
  stackBytes,
} from "./cpu.ts";
import { rsdpAmong } from "./efi/configuration.ts";
import { guidWords } from "./efi/guid.ts";
import { ConfigurationTable } from "./efi/tables.ts";
import { Gate, setGate } from "./interrupts.ts";
import { redirection } from "./ioapic.ts";
import { daysSince1970, RtcReading, secondsOf } from "./rtc.ts";
import { describeSegments, taskDescriptor } from "./segments.ts";
import { sealedPayload } from "./sealed.ts";
import { hostVector, hostVectors } from "./vectors.ts";
import { payloadSectionContent, addSection, payloadSection } from "../../compiler/image/seal.ts";
import { memory } from "../../dsl/core/memory.ts";

test("days count from 1970 through leap years and centuries", (t) => {
  const days = (year: number, month: number, day: number) => Date.UTC(year, month - 1, day) / 86_400_000;
  for (const [year, month, day] of [
    [1970, 1, 1],
    [1999, 12, 31],
    [2000, 2, 29],
    [2000, 3, 1],
    [2024, 2, 29],
    [2026, 11, 22],
    [2100, 3, 1],
  ] as const) {
    t.is(daysSince1970(year, month, day), days(year, month, day), `${year}-${month}-${day}`);
  }
});

test("the clock is read in every mode that it has", (t) => {
  const read = (mode: number, ...values: number[]): string => {
    const registers = make(RtcReading);
    values.forEach((value, i) => (registers[i] = value));
    return new Date(Number(secondsOf(registers, mode)) * 1000).toISOString();
  };
  t.is(read(0x02, 0x59, 0x58, 0x23, 0x31, 0x12, 0x26, 0x20), "2026-12-31T23:58:59.000Z");
  t.is(read(0x06, 59, 58, 23, 31, 12, 26, 20), "2026-12-31T23:58:59.000Z");
  t.is(read(0x00, 0x00, 0x30, 0x92, 0x01, 0x01, 0x26, 0x20), "2026-01-01T12:30:00.000Z");
  t.is(read(0x00, 0x00, 0x30, 0x12, 0x01, 0x01, 0x26, 0x20), "2026-01-01T00:30:00.000Z");
  t.is(read(0x04, 0, 30, 0x81, 1, 1, 26, 20), "2026-01-01T13:30:00.000Z");
  t.is(read(0x02, 0, 0, 0, 1, 1, 0x26, 0xff), "2026-01-01T00:00:00.000Z", "no century register");
  t.is(read(0x02, 0, 0, 0, 1, 1, 0x99, 0x19), "1999-01-01T00:00:00.000Z");
});

test("a timer is never armed for less than its deadline, nor for more than it holds", (t) => {
  // 62.5 MHz against 2.5 GHz: one count is 40 ticks.
  hostApic.countsPerTick = (1n << 32n) / 40n;
  t.is(countsUntil(1000n, 1000n), 1);
  t.is(countsUntil(10n, 1000n), 1);
  for (const ticks of [1n, 39n, 40n, 41n, 1000n, 2_500_000n, 2_500_000_000n]) {
    const counts = BigInt(countsUntil(ticks, 0n));
    t.true(counts * 40n >= ticks - 1n, `${counts} counts for ${ticks} ticks`);
    t.true(counts * 40n <= ticks + 80n, `${counts} counts for ${ticks} ticks`);
  }
  t.is(countsUntil(0xffff_ffff_ffff_fffen, 0n), 0xffff_ffff);
});

test("a rate is rounded to the nearest tick, and a reference that stands still gives none", (t) => {
  t.is(rateOf(50_000_000n, 71_591, 3_579_545n), (50_000_000n * 3_579_545n + 35_795n) / 71_591n);
  t.is(rateOf(1n, 0, 3_579_545n), 0n);
});

test("interrupt lines are routed as MADT says that they are wired", (t) => {
  t.is(redirection(0, 0x41), 0x41);
  t.is(redirection(0b0101, 0x41), 0x41);
  t.is(redirection(0b1111, 0x41), 0xa041);
  t.is(redirection(0b1101, 0x41), 0x8041);
});

test("only the page below each stack is a guard", (t) => {
  const stacks = 0x10_0000n;
  const guards: bigint[] = [];
  for (let at = stacks - 4096n; at <= stacks + BigInt(stackBytes); at += 4096n)
    if (isGuard(stacks, at)) guards.push(at);
  const tops = [mainStackTop(stacks), ...[1, 2, 3].map((number) => exceptionStackTop(stacks, number))];
  t.deepEqual(guards, [stacks, ...tops.slice(0, -1)]);
  t.is(tops.at(-1), stacks + BigInt(stackBytes));
  t.true(tops.every((top) => top % 16n === 0n && !isGuard(stacks, top - 8n)));
  t.is(guardBytes, 4096);
});

test("an address on a CPU's stacks tells the CPU, and one elsewhere is taken for the first one's", (t) => {
  const cpus = layOutCpus(3);
  for (let index = 0; index < 3; index++) {
    const stacks = cpus.stacksOf(index);
    for (const at of [stacks, mainStackTop(stacks) - 8n, exceptionStackTop(stacks, 3) - 8n])
      t.is(addressOf(cpus.onStack(at)), addressOf(cpus.at(index)));
  }
  t.is(addressOf(cpus.onStack(cpus.stacksOf(0) - 8n)), addressOf(cpus.at(0)));
  t.throws(() => cpus.at(3), { message: /no such CPU/ });
});

test("the task state gives every exception stack its own top", (t) => {
  const cpu = make(LocalCpu);
  cpu.stacks = 0x20_0000n;
  describeSegments(cpu);
  t.deepEqual(
    [0, 1, 2].map((i) => cpu.task.ist[i]),
    [1, 2, 3].map((number) => exceptionStackTop(0x20_0000n, number)),
  );
  t.is(addressOf(cpu.task) + 36n, addressOf(cpu.task.ist));
  const { low, high } = taskDescriptor(addressOf(cpu.task), 103n);
  t.deepEqual([cpu.gdt[3], cpu.gdt[4]], [low, high]);
});

test("a task-state descriptor holds all 64 bits of its base", (t) => {
  const { low, high } = taskDescriptor(0xffff_8123_4567_89abn, 103n);
  t.is(high, 0xffff_8123n);
  t.is(low, 0x4500_8967_89ab_0067n);
});

test("a gate takes 16 bytes and holds all of its target", (t) => {
  const gates = make(array(Gate, 2));
  t.is(addressOf(gates[1]) - addressOf(gates[0]), 16n);
  setGate(gates[0], 0xffff_8123_4567_89abn, 2);
  t.is(gates[0].offsetLow, 0x89ab);
  t.is(gates[0].offsetMiddle, 0x4567);
  t.is(gates[0].offsetHigh, 0xffff_8123);
  t.deepEqual([gates[0].selector, gates[0].ist, gates[0].type], [8, 2, 0x8e]);
});

test("a vector is given out once, from the top, below the spurious one", (t) => {
  const before = hostVectors().length;
  const first = hostVector("test-a", () => undefined);
  const second = hostVector("test-b", () => undefined);
  t.is(second.vector, first.vector - 1);
  t.true(first.vector < 0xff && second.vector >= 0x20);
  t.is(hostVectors().length, before + 2);
  t.throws(() => hostVector("test-a", () => undefined), { message: /twice/ });
});

test("a GUID is two little-endian words", (t) => {
  // UEFI 2.10 appendix A: the first three groups are integers, the rest bytes.
  const { low, high } = guidWords("00112233-4455-6677-8899-aabbccddeeff");
  t.is(low, 0x6677_4455_0011_2233n);
  t.is(high, 0xffee_ddcc_bbaa_9988n);
  t.throws(() => guidWords("00112233"), { instanceOf: SyntaxError });
});

test("the ACPI 2.0 pointer is preferred to the 1.0 one, wherever it stands", (t) => {
  const acpi2 = guidWords("8868e871-e4f1-11d3-bc22-0080c73c8881");
  const acpi1 = guidWords("eb9d2d30-2d88-11d3-9a16-0090273fc14d");
  const find = (...rows: readonly (readonly [{ low: bigint; high: bigint }, bigint])[]): bigint => {
    const tables = make(array(ConfigurationTable, 4));
    rows.forEach(([{ low, high }, table], i) => {
      tables[i].guidLow = low;
      tables[i].guidHigh = high;
      tables[i].table = table;
    });
    return rsdpAmong(addressOf(tables), BigInt(rows.length));
  };
  t.is(find([acpi1, 1n], [acpi2, 2n]), 2n);
  t.is(find([acpi2, 2n], [acpi1, 1n]), 2n);
  t.is(find([acpi1, 1n]), 1n);
  t.is(find([{ low: 1n, high: 2n }, 3n]), 0n);
  t.is(find(), 0n);
});

/** A PE image in memory, without sections, and with room for their headers. */
function emptyImage(): Uint8Array {
  const image = new Uint8Array(4096);
  const view = new DataView(image.buffer);
  view.setUint32(0x3c, 0x80, true);
  view.setUint16(0x80 + 20, 240, true);
  const optional = 0x80 + 24;
  view.setUint32(optional + 32, 4096, true);
  view.setUint32(optional + 36, 512, true);
  view.setUint32(optional + 56, 4096, true);
  view.setUint32(optional + 60, 4096, true);
  return image;
}

test("sealed payloads are found as the build laid them down", (t) => {
  const first = new Uint8Array([1, 2, 3]);
  const third = new Uint8Array(5000).fill(7);
  const file = addSection(emptyImage(), payloadSection, payloadSectionContent([first, undefined, third]));
  const base = allocate(0x8000, 4096);
  // File and memory offsets agree here, because both begin on the second page.
  new Uint8Array(memory.buffer).set(file, base);
  const bytesOf = (index: number): Uint8Array => {
    const { address, bytes } = sealedPayload(BigInt(base), index);
    return new Uint8Array(memory.buffer).slice(Number(address), Number(address + bytes));
  };
  t.deepEqual(bytesOf(0), first);
  t.deepEqual(bytesOf(2), third);
  t.is(sealedPayload(BigInt(base), 1).bytes, 0n);
  t.is(sealedPayload(BigInt(base), 3).bytes, 0n);
  store64(BigInt(base) + 0x1000n + 16n, 0x10_0000n);
  t.is(sealedPayload(BigInt(base), 0).bytes, 0n, "a length beyond the section");
});

test("an image without sealed payloads has none", (t) => {
  const base = allocate(4096, 4096);
  new Uint8Array(memory.buffer).set(emptyImage(), base);
  t.is(sealedPayload(BigInt(base), 0).bytes, 0n);
});
