/**
 * Whether every processor of a guest keeps every register of its own, wherever and however often the hypervisor lets it
 * run: each holds values that no other has, looks at them again and again, and tells the first that is another.
 */
import { addressOf, AtomicU32, fillBytes, load64, store64, volatile } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { say, sayDecimal, sayHex } from "../console-text.ts";
import {
  cpuidEax,
  cpuidEcx,
  in16,
  in8,
  out16,
  out8,
  pause,
  readCr2,
  readCr4,
  readCr8,
  readDr0,
  readDr1,
  readDr2,
  readDr3,
  readDr7,
  readMsr,
  readPkru,
  readXcr,
  writeCr2,
  writeCr4,
  writeCr8,
  writeDr0,
  writeDr1,
  writeDr2,
  writeDr3,
  writeDr7,
  writeMsr,
  writePkru,
  writeXcr,
} from "../instructions.ts";
import { tripleFault } from "./hostile.ts";
import { arrive, processorCount, startOthers } from "./processors.ts";
import { registersInUse } from "./registers.ts";

/** The most processors that a guest has. */
const most = 32;

/** What a processor holds while it spins, and what it then finds; the last word is for the spinning. */
const heldBytes = 704n;
const Held = struct("GuestHeld", { words: array(u64, 84) }, { size: Number(heldBytes), align: 64 });
const expected = storage("guestHeldExpected", array(Held, most), { align: 64 });
const found = storage("guestHeldFound", array(Held, most), { align: 64 });
const own = storage(
  "guestKeeping",
  struct("GuestKeeping", {
    /** 1 while one of the processors speaks. */
    speaks: AtomicU32,
    /** Registers that were not clear when the other processors started. */
    dirty: AtomicU32,
    /** 1: the second processor is to reset the guest. */
    resets: AtomicU32,
    /** By processor: how often it has looked and found all right. */
    rounds: array(u64, most),
  }),
);

const general = ["rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13"];
const vectorAt = 16;
const mxcsrAt = 80;
const controlWordAt = 81;
const spinsAt = 82;

/**
 * Fills the registers from R14, spins with them, and stores them at R15. What the code generator may hold in RBX and RBP
 * is on the stack meanwhile.
 */
const holding = (move: string, vector: string) =>
  asm({
    template: [
      "pushq %rbx; pushq %rbp",
      `ldmxcsr ${8 * mxcsrAt}(%r14); fldcw ${8 * controlWordAt}(%r14)`,
      ...Array.from({ length: 16 }, (_, i) => `${move} ${8 * vectorAt + 32 * i}(%r14), %${vector}${i}`),
      ...general.map((register, i) => `movq ${8 * i}(%r14), %${register}`),
      `1: decq ${8 * spinsAt}(%r15); jnz 1b`,
      ...general.map((register, i) => `movq %${register}, ${8 * i}(%r15)`),
      ...Array.from({ length: 16 }, (_, i) => `${move} %${vector}${i}, ${8 * vectorAt + 32 * i}(%r15)`),
      `stmxcsr ${8 * mxcsrAt}(%r15); fnstcw ${8 * controlWordAt}(%r15)`,
      "popq %rbp; popq %rbx",
    ].join("; "),
    constraints:
      "{r14},{r15},~{rax},~{rcx},~{rdx},~{rsi},~{rdi},~{r8},~{r9},~{r10},~{r11},~{r12},~{r13},~{memory}",
    params: [u64, u64],
  });
const holdNarrow = holding("movdqu", "xmm");
const holdWide = holding("vmovdqu", "ymm");

const mark = 0x5eed_0000_0000_0000n;
/** A canonical address, for registers that hold one. */
const canonicalMark = 0x5eed_0000n;
const msr = (name: string, number: u32, value: (id: u64) => u64) =>
  Object.freeze({
    ...{ name, value },
    read: (): u64 => readMsr(number),
    write: (to: u64): void => writeMsr(number, to),
  });
const address = (id: u64): u64 => u64(canonicalMark + id * 0x1000n);
/** Below 2^31. */
const word = (id: u64): u64 => u64(0x5eed_00n + id);

const avx = 4n;
/** What a processor switches on in XCR0: every second one x87 and SSE alone. */
const wantedXcr = (id: u64): u64 => ((id & 1n) !== 0n ? 3n : u64(BigInt(cpuidEax(0xd, 0)) | 3n));
const isWide = (id: u64): boolean => (wantedXcr(id) & avx) !== 0n;

/** What none of the compiled code uses; no two processors hold the same in it, but for XCR0 and PAT. */
const registers = Object.freeze([
  Object.freeze({
    name: "dr0",
    read: readDr0,
    write: writeDr0,
    value: (id: u64): u64 => u64(mark + 4n * id),
  }),
  Object.freeze({
    name: "dr1",
    read: readDr1,
    write: writeDr1,
    value: (id: u64): u64 => u64(mark + 4n * id + 1n),
  }),
  Object.freeze({
    name: "dr2",
    read: readDr2,
    write: writeDr2,
    value: (id: u64): u64 => u64(mark + 4n * id + 2n),
  }),
  Object.freeze({
    name: "dr3",
    read: readDr3,
    write: writeDr3,
    value: (id: u64): u64 => u64(mark + 4n * id + 3n),
  }),
  // Conditions of breakpoints that are all off.
  Object.freeze({
    ...{ name: "dr7", read: readDr7, write: writeDr7 },
    value: (id: u64): u64 => u64(0x400n | ((id & 0xffn) << 16n) | (1n << 28n)),
  }),
  Object.freeze({ name: "cr2", read: readCr2, write: writeCr2, value: address }),
  Object.freeze({
    name: "cr8",
    read: readCr8,
    write: writeCr8,
    value: (id: u64): u64 => u64((id & 7n) + 1n),
  }),
  msr("fs base", 0xc000_0100, address),
  msr("gs base", 0xc000_0101, address),
  msr("kernel gs base", 0xc000_0102, address),
  msr("star", 0xc000_0081, (id: u64): u64 => u64((word(id) << 32n) | word(id))),
  msr("lstar", 0xc000_0082, address),
  msr("cstar", 0xc000_0083, address),
  msr("sfmask", 0xc000_0084, word),
  msr("tsc_aux", 0xc000_0103, word),
  // A selector.
  msr("sysenter_cs", 0x174, (id: u64): u64 => u64((id + 1n) << 3n)),
  msr("sysenter_esp", 0x175, address),
  msr("sysenter_eip", 0x176, address),
  // Entries that no page uses: writes through, write-back by turns.
  msr("pat", 0x277, (id: u64): u64 => ((id & 1n) !== 0n ? 0x0406_0406_0007_0406n : 0x0604_0604_0007_0406n)),
  Object.freeze({
    ...{ name: "pkru", value: (id: u64): u64 => u64((id + 1n) << 4n) },
    read: (): u64 => BigInt(readPkru(0)),
    write: (to: u64): void => writePkru(u32(to), 0, 0),
  }),
  Object.freeze({
    ...{ name: "xcr0", value: wantedXcr },
    read: (): u64 => readXcr(0),
    write: (to: u64): void => writeXcr(0, to),
  }),
]);

/** Some milliseconds: longer than a turn on a shared CPU. */
const spins = 400_000n;

function claimConsole(): void {
  while (own.speaks.exchange(1) !== 0) pause();
}

/** Tells a register that is not what it was, and ends the guest. */
function tellLost(id: u64, name: string, number: u64, is: u64, was: u64): void {
  claimConsole();
  say("processor ");
  sayDecimal(id);
  say(" has lost ");
  say(name);
  sayDecimal(number);
  say(": it is ");
  sayHex(is, 16);
  say(" and was ");
  sayHex(was, 16);
  say("\n");
  tripleFault();
}

/** The address of a processor's part of an array of what is held. */
const partOf = (all: u64, id: u64): u64 => u64(all + (id & 31n) * heldBytes);

function fillExpected(to: u64, id: u64): void {
  for (let i = 0n; i < 84n; i += 1n) store64(u64(to + 8n * i), u64(mark + (id << 32n) + i));
  // Rounding by the processor's number (SDM vol. 1 §8.1.5, §10.2.3).
  store64(u64(to + 8n * BigInt(mxcsrAt)), u64(0x1f80n | ((id & 3n) << 13n)));
  store64(u64(to + 8n * BigInt(controlWordAt)), u64(0x37fn | ((id & 3n) << 10n)));
}

/** Compares what was found with what was held. */
function compareHeld(id: u64, wide: boolean, wanted: u64, got: u64): void {
  for (let i = 0n; i < 84n; i += 1n) {
    const isGeneral = i < BigInt(general.length);
    // Of a narrow vector there are two words.
    const isVector = i >= 16n && i < 80n && (wide || (i & 2n) === 0n);
    const isControl = i === BigInt(mxcsrAt) || i === BigInt(controlWordAt);
    if (isGeneral || isVector || isControl) {
      const was = load64(u64(wanted + 8n * i));
      const is = load64(u64(got + 8n * i));
      if (is !== was) tellLost(id, "word ", i, is, was);
    }
  }
}

/** Takes the registers into use, and looks at them once more and once more; `between` comes after every look. */
function keep(id: u64, between: (id: u64) => void): never {
  const wanted = partOf(addressOf(expected), id);
  const got = partOf(addressOf(found), id);
  const wide = isWide(id);
  fillExpected(wanted, id);
  for (const r of registers) r.write(r.value(id));
  for (;;) {
    fillBytes(got, 0, 8n * BigInt(spinsAt));
    store64(u64(got + 8n * BigInt(spinsAt)), spins);
    if (wide) holdWide(wanted, got);
    else holdNarrow(wanted, got);
    compareHeld(id, wide, wanted, got);
    for (const r of registers) {
      const is = r.read();
      if (is !== r.value(id)) tellLost(id, r.name, 0n, is, r.value(id));
    }
    const round = u64(addressOf(own.rounds) + 8n * (id & 31n));
    volatile.store64(round, u64(load64(round) + 1n));
    between(id);
  }
}

/** OSFXSR, OSXMMEXCPT, OSXSAVE, PKE. */
const neededCr4 = 0x44_0600n;
/** CPUID leaf 7, ECX: protection keys. */
const keysBit = 8;

const switchOn = (): void => writeCr4(u64(readCr4() | neededCr4));
const canKeep = (): boolean => (cpuidEcx(7, 0) & keysBit) !== 0;

const resetPort = 0xcf9;
/** The second one resets the guest when it is told to. */
function resetWhenTold(id: u64): void {
  if (id === 1n && own.resets.load() !== 0) out8(resetPort, 6);
}

function keepAsOther(id: u64): never {
  own.dirty.add(registersInUse());
  arrive();
  switchOn();
  keep(id, resetWhenTold);
}

const lineStatus = 0x3fd;
const receiver = 0x3f8;
const powerStatus = 0x600;
const powerControl = 0x604;
const powerButton = 0x100;
/** SLP_EN with the type of soft off (ICH9 §13.8.3.3). */
const softOff = 0x3c00;

function tellRounds(): void {
  claimConsole();
  say("rounds");
  const count = processorCount();
  for (let i = 0n; i < BigInt(most); i += 1n) {
    if (i < BigInt(count)) {
      say(" ");
      sayDecimal(volatile.load64(u64(addressOf(own.rounds) + 8n * i)));
    }
  }
  say("\n");
  own.speaks.store(0);
}

/** A byte that is typed: `r` has the second processor reset the guest while this one spins, all else asks for rounds. */
function obeyTyped(_id: u64): void {
  if ((in16(powerStatus) & powerButton) !== 0) out16(powerControl, u16(softOff));
  if ((in8(lineStatus) & 1) === 0) return;
  if (in8(receiver) === 0x72) {
    own.resets.store(1);
    spinForever();
  }
  tellRounds();
}

const spinSite = asm({ template: "cli; 1: jmp 1b", constraints: "~{memory}", params: [] });
/** Executes one instruction for ever, with interrupts off. */
export function spinForever(): never {
  for (;;) spinSite();
}

/** Has all processors keep their registers for ever. */
export function keepOnAll(): void {
  if (!canKeep()) {
    say("there are no protection keys\n");
    return;
  }
  const count = startOthers(keepAsOther);
  say("registers in use at the other processors' starts: ");
  sayDecimal(BigInt(own.dirty.load()));
  say("\n");
  sayDecimal(BigInt(count));
  say(" processors keep their registers\n");
  switchOn();
  keep(0n, obeyTyped);
}
