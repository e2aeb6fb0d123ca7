/** The guest's second virtual CPU: how it is started, and what it does to the first one's work. */
import { addressOf, volatile } from "../../../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../../../dsl/core/int.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { addressOfFunction } from "../../../asm.ts";
import { out8 } from "../../instructions.ts";
import { trying } from "../attempts.ts";
import { loadFaults, nmiCount } from "../faults.ts";
import { openLocalApic } from "../interrupts.ts";
import { startUpGpa } from "../place.ts";
import { placeStart } from "../second-cpu.ts";
import { attack, ends, goesOn, type Attack } from "./attack.ts";

/** What the second virtual CPU is asked for. */
enum Job {
  none = 0,
  /** Changes an instruction in memory, again and again. */
  changeCode = 1,
  /** Resets the guest after a while. */
  reset = 2,
}

const Second = struct("GuestSecond", {
  /** `Job`. */
  job: u32,
  /** How often it has come to its program. */
  starts: u32,
});
const second = storage("guestSecond", Second);
const jobAt = (): u64 => addressOf(second);
const startsAt = (): u64 => u64(addressOf(second) + 4n);

/** An instruction of two bytes, and a return. */
const code = storage(
  "guestChangedCode",
  struct("GuestChangedCode", { bytes: array(u16, 8) }, { align: 64 }),
  {
    align: 64,
  },
);
/** A load from (RSI), a store there, NOPs, an exclusive or of a register, UD2, an exchange, an addition: all of two bytes. */
const forms = Object.freeze([0x068b, 0x0689, 0x9090, 0xc031, 0x0b0f, 0x0687, 0x0601]);
const formCount = forms.length;

function obey(): never {
  loadFaults();
  volatile.store32(startsAt(), u32(volatile.load32(startsAt()) + 1));
  let turn: u32 = 0;
  for (;;) {
    const job = volatile.load32(jobAt());
    if (job === Job.changeCode) {
      volatile.store16(addressOf(code), u16(forms[turn % formCount]));
      turn = u32(turn + 1) & 0xffff;
    }
    if (job === Job.reset) {
      for (let i = 0; i < 200_000; i++) volatile.load32(jobAt());
      out8(0xcf9, 6);
    }
  }
}

const command = 0xfee0_0300n;
const commandHigh = 0xfee0_0310n;
const init = 0x4500;
const startUpMessage = 0x4600 | (startUpGpa >> 12);
const nmi = 0x4400;
const secondId = 0x0100_0000;

function send(destination: u32, message: u32): void {
  volatile.store32(commandHigh, destination);
  volatile.store32(command, message);
  volatile.store32(commandHigh, 0);
}

function placeStartUp(): void {
  openLocalApic();
  placeStart(addressOfFunction(obey));
}

const patience = 50_000_000;
/** Starts it with a job, and waits until it runs; false where it does not come. */
function start(job: Job): boolean {
  placeStartUp();
  volatile.store32(jobAt(), job);
  const before = volatile.load32(startsAt());
  send(secondId, init);
  send(secondId, startUpMessage);
  for (let i = 0; i < patience; i++) if (volatile.load32(startsAt()) !== before) return true;
  return false;
}

const callSite = trying("callq *%rdx");
const ioApicWindow = 0xfec0_0010n;
const undefined6 = 7n;

/** An access to a device whose instruction another CPU changes meanwhile: one of the instructions that it is at times. */
function changedCode(): u64 {
  code.bytes[0] = 0x068b;
  code.bytes[1] = 0xc3c3;
  if (!start(Job.changeCode)) return 1n;
  let others: u64 = 0n;
  for (let i = 0; i < 20_000; i++) {
    const got = callSite(ioApicWindow, addressOf(code));
    if (got !== 0n && got !== undefined6) others = u64(others + 1n);
  }
  volatile.store32(jobAt(), Job.none);
  return others;
}

function initSelf(): u64 {
  if (!start(Job.reset)) return 1n;
  for (;;) send(0, init);
}

/** Stops and starts it again and again, faster than it comes to its program. */
function startStorm(): u64 {
  placeStartUp();
  for (let i = 0; i < 500; i++) {
    send(secondId, init);
    send(secondId, startUpMessage);
    send(secondId, startUpMessage);
  }
  return start(Job.none) ? 0n : 1n;
}

function nmiToOther(): u64 {
  if (!start(Job.none)) return 1n;
  const before = nmiCount.value;
  for (let i = 0; i < 500; i++) send(secondId, nmi);
  for (let i = 0; i < patience; i++) if (volatile.load64(addressOf(nmiCount)) !== before) return 0n;
  return 1n;
}

export const secondAttacks: readonly Attack[] = [
  attack(
    "start-storm",
    "stops and starts its second virtual CPU 500 times",
    goesOn("it runs when it is left alone"),
    startStorm,
  ),
  attack(
    "nmi-other",
    "sends its second virtual CPU 500 non-maskable interrupts",
    goesOn("some merge, at least one comes"),
    nmiToOther,
  ),
  attack(
    "code-changed",
    "accesses a device while its second virtual CPU changes the instruction",
    goesOn("one of the instructions that stood there is performed, or #UD where there was none"),
    changedCode,
  ),
  attack(
    "init-self",
    "sends itself INIT while its second virtual CPU waits to reset the guest",
    ends(StopReason.reboot, "its first virtual CPU waits; the guest restarts when the second asks for it"),
    initSelf,
  ),
];
