/** Every number of a hypercall, wrong control words, wrong pointers, and storms of right ones. */
import { addressOf } from "../../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../../dsl/core/int.ts";
import { hypercall, notifyAdministrator, tell, yieldProcessor } from "../hypercalls.ts";
import { text } from "../../../../dsl/core/intrinsics.ts";
import { attack, counted, goesOn, type Attack } from "./attack.ts";
import { ownPage } from "./instructions.ts";

const fast = 0x1_0000n;
const version = 0x5400n;
const notify = 0x5404n;
const nowhere = 0xd000_0000n;
const ones = 0xffff_ffff_ffff_ffffn;
const invalidCode = 2n;
const invalidInput = 3n;
const invalidAlignment = 4n;
const invalidParameter = 5n;

/** Codes around those that there are. */
const isOwn = (code: u64): boolean => (code & 0xff00n) === version;
/** Calls every code, or every one in so many, and gives how many are there. */
const every = (flags: u64, operand: u64, step: u64) => (): u64 => {
  let there: u64 = 0n;
  for (let code = 0n; code < 0x1_0000n; code = u64(code + (isOwn(code) ? 1n : step))) {
    const status = hypercall(u64(flags | code), operand, operand);
    if (status !== invalidCode) there = u64(there + 1n);
  }
  return there;
};

/** Bits of the control word that no call has a use for. */
function wrongControl(): u64 {
  let others: u64 = 0n;
  for (let bit = 17n; bit < 64n; bit = u64(bit + 1n))
    if (hypercall(u64(fast | version | u64(1n << (bit & 63n))), 0n, 0n) !== invalidInput)
      others = u64(others + 1n);
  return others;
}

/** Inputs and outputs where there is no memory, that are misaligned, that cross a page. */
function wrongPointers(): u64 {
  let others: u64 = 0n;
  const at = addressOf(ownPage);
  if (hypercall(notify, nowhere, 0n) !== invalidParameter) others = u64(others + 1n);
  if (hypercall(notify, 0xfee0_0000n, 0n) !== invalidParameter) others = u64(others + 1n);
  if (hypercall(notify, u64(ones - 15n), 0n) !== invalidParameter) others = u64(others + 1n);
  if (hypercall(notify, u64(at + 4n), 0n) !== invalidAlignment) others = u64(others + 1n);
  if (hypercall(notify, u64(at + 4088n), 0n) !== invalidAlignment) others = u64(others + 1n);
  if (hypercall(version, 0n, nowhere) !== invalidParameter) others = u64(others + 1n);
  if (hypercall(version, 0n, u64(at + 1n)) !== invalidAlignment) others = u64(others + 1n);
  return others;
}

function consoleStorm(): u64 {
  for (let i = 0; i < 500; i++) tell(text("all work and no play makes a dull console\n"));
  return 0n;
}
function yieldStorm(): u64 {
  for (let i = 0; i < 200; i++) yieldProcessor();
  return 0n;
}
/** A code that no attack reports. */
const stormCode = 0xffff;
function notifyStorm(): u64 {
  for (let i = 0; i < 1000; i++) notifyAdministrator(stormCode, BigInt(i));
  return 0n;
}

export const hypercallAttacks: readonly Attack[] = [
  attack(
    "hypercall-every-fast",
    "calls all 65,536 codes with parameters in registers, all bits set",
    counted(5, "are there, for all others the status says that there is no such call"),
    every(fast, ones, 1n),
  ),
  attack(
    "hypercall-every-slow",
    "calls every sixteenth code, and all around those that there are, with parameters in memory that there is none of",
    counted(5, "are there, for all others the status says that there is no such call"),
    every(0n, nowhere, 16n),
  ),
  attack(
    "hypercall-control",
    "sets each bit of the control word that has no meaning",
    goesOn("the status says invalid input, each time"),
    wrongControl,
  ),
  attack(
    "hypercall-pointers",
    "gives parameters nowhere, in a device, misaligned and across pages",
    goesOn("the status says invalid parameter or invalid alignment"),
    wrongPointers,
  ),
  attack(
    "console-storm",
    "writes 21,000 bytes to a console",
    goesOn("the guest that has a console has its bytes there; of another they are dropped"),
    consoleStorm,
  ),
  attack("yield-storm", "yields 200 times", goesOn(), yieldStorm),
];

/** Told last, since what comes behind it may not be told. */
export const notifyStormAttack: Attack = attack(
  "notify-storm",
  "tells the administrator 1,000 things",
  goesOn("each is told; where more come than the ring of events holds, a notice says that events were lost"),
  notifyStorm,
);
