/**
 * Memory that guests share, with doorbells (QEMU, docs/specs/ivshmem-spec): a driver that takes its MSI-X messages as
 * interrupts, and a peer that rings when it is asked to. They talk through the first words of the memory.
 */
import { volatile } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { say } from "../console-text.ts";
import { cli, in32, out32, sti } from "../instructions.ts";
import { sayValue } from "./answers.ts";
import { messageCounts, messageVector } from "./faults.ts";
import { openLocalApic } from "./interrupts.ts";

/** Vendor 0x1af4, device 0x1110. */
const identity = 0x1110_1af4;
/** Memory decoding and bus mastering, without which there is no message (PCI 3.0 §6.2.2). */
const commandBits = 0x6;
const capabilityMsix = 0x11;
/** Message Control, in the upper half of the capability's first double word (PCI 3.0 §6.8.2.3). */
const enable = 0x8000_0000;
const maskAll = 0x4000_0000;
const messageGpa = 0xfee0_0000;

/** Registers behind base address 0. */
const statusAt = 4n;
const positionAt = 8n;
const doorbellAt = 12n;
/** Words of the shared memory: what is asked for, its number in [31:8] and the vector in [7:0], and what was done. */
const askedAt = 0n;
const doneAt = 64n;

/** Turns of a loop after which nothing more is waited for: seconds, as other guests take turns. */
const patience = 200_000_000;
/** Turns in which an interrupt that is on its way arrives. */
const moment = 1000;

const [firstCount, secondCount] = messageCounts as [() => u64, () => u64];

/** Configuration mechanism 1 (PCI 3.0 §3.2.2.3.2). */
function select(at: u32): void {
  out32(0xcf8, u32(at | 0x8000_0000));
}
function configuration(at: u32): u32 {
  select(at);
  return in32(0xcfc);
}
function configure(at: u32, value: u32): void {
  select(at);
  out32(0xcfc, value);
}

/** The function on bus 0 as the first double word of its configuration space; 0 where there is none. */
function findFunction(): u32 {
  for (let slot = 1; slot < 32; slot++) if (configuration(slot << 11) === identity) return slot << 11;
  return 0;
}

/** Its capability for MSI-X. */
function findMsix(fn: u32): u32 {
  let at = configuration(u32(fn + 0x34)) & 0xfc;
  for (let i = 0; i < 48; i++) {
    const head = configuration(u32(fn + at));
    if ((head & 0xff) === capabilityMsix) break;
    at = (head >>> 8) & 0xfc;
  }
  return u32(fn + at);
}

/** Where a base address register leads; of one of 64 bits the lower half. */
function baseAddress(fn: u32, index: u32): u64 {
  return BigInt(u32(configuration(u32(fn + 0x10 + 4 * index)) & 0xffff_fff0));
}

/** Where a register of the capability points: a base address register in [2:0], an offset above. */
function pointedAt(fn: u32, register: u32): u64 {
  return u64(baseAddress(fn, register & 7) + BigInt(u32(register & 0xffff_fff8)));
}

/** Takes interrupts until a count is as wanted, or patience is over. */
function awaitMessages(count: () => u64, wanted: u64): void {
  sti();
  for (let i = 0; i < patience; i++) if (volatile.load64(count()) >= wanted) break;
  cli();
}

/** Takes what interrupts are on their way. */
function takeInterrupts(): void {
  sti();
  for (let i = 0; i < moment; i++) volatile.load64(firstCount());
  cli();
}

/** Lets the peer ring with a vector, and waits until it has. */
function askForRing(memory: u64, vector: u32): void {
  const asked = u32((((volatile.load32(u64(memory + askedAt)) >>> 8) + 1) << 8) | vector);
  volatile.store32(u64(memory + askedAt), asked);
  for (let i = 0; i < patience; i++) if (volatile.load32(u64(memory + doneAt)) === asked) break;
}

/** Drives the function: every way of asking by MSI-X, and what is told of it. */
export function takeDoorbells(): void {
  const fn = findFunction();
  const msix = findMsix(fn);
  configure(u32(fn + 4), commandBits);
  const registers = baseAddress(fn, 0);
  const memory = baseAddress(fn, 2);
  const table = pointedAt(fn, configuration(u32(msix + 4)));
  const pending = pointedAt(fn, configuration(u32(msix + 8)));
  const control = configuration(msix);
  const position = volatile.load32(u64(registers + positionAt));
  sayValue("vectors", BigInt(((control >>> 16) & 0x7ff) + 1));
  sayValue("position", BigInt(position));
  sayValue(
    "masked-at-first",
    BigInt(volatile.load32(u64(table + 12n)) & volatile.load32(u64(table + 28n)) & 1),
  );
  openLocalApic();
  for (let i = 0; i < 2; i++) {
    const entry = u64(table + BigInt(16 * i));
    volatile.store32(entry, messageGpa);
    volatile.store32(u64(entry + 4n), 0);
    volatile.store32(u64(entry + 8n), u32(messageVector + i));
  }
  const first = u64(table + 12n);
  const second = u64(table + 28n);
  volatile.store32(first, 0);
  configure(msix, u32(control | enable));

  askForRing(memory, 0);
  awaitMessages(firstCount, 1n);
  sayValue("first-rung", volatile.load64(firstCount()));

  askForRing(memory, 1);
  takeInterrupts();
  sayValue("second-while-masked", volatile.load64(secondCount()));
  sayValue("pending", BigInt(volatile.load32(pending)));
  volatile.store32(second, 0);
  awaitMessages(secondCount, 1n);
  sayValue("second-unmasked", volatile.load64(secondCount()));
  sayValue("pending-after", BigInt(volatile.load32(pending)));

  configure(msix, u32(control | enable | maskAll));
  askForRing(memory, 0);
  takeInterrupts();
  sayValue("first-while-all-masked", volatile.load64(firstCount()));
  configure(msix, u32(control | enable));
  awaitMessages(firstCount, 2n);
  sayValue("first-unmasked", volatile.load64(firstCount()));

  volatile.store32(u64(registers + doorbellAt), u32((position << 16) | 1));
  awaitMessages(secondCount, 2n);
  sayValue("second-by-itself", volatile.load64(secondCount()));

  sayValue("status-with-msix", BigInt(volatile.load32(u64(registers + statusAt))));
  configure(msix, control);
  askForRing(memory, 0);
  takeInterrupts();
  sayValue("first-without-msix", volatile.load64(firstCount()));
  sayValue("status-without-msix", BigInt(volatile.load32(u64(registers + statusAt))));
  say("doorbells taken\n");
}

/** Rings the first peer whenever it is asked to, for ever. */
export function ringDoorbells(): never {
  const fn = findFunction();
  configure(u32(fn + 4), commandBits);
  const doorbell = u64(baseAddress(fn, 0) + doorbellAt);
  const memory = baseAddress(fn, 2);
  for (;;) {
    const asked = volatile.load32(u64(memory + askedAt));
    if (asked === volatile.load32(u64(memory + doneAt))) continue;
    volatile.store32(doorbell, asked & 0xff);
    volatile.store32(u64(memory + doneAt), asked);
  }
}
