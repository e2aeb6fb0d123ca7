/** What is kept of a vCPU whose guest has crashed: its registers, and the way to where it was, by its frame pointers. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import type { GuestValue } from "../../../dsl/device/board.ts";
import { mostFrames } from "../../../kernel/crash-dump.ts";
import { readGuest } from "../../../kernel/slots.ts";
import { walk, WalkOutcome } from "../guest/walk.ts";
import { isLong64, svmState } from "./state.ts";
import { gpr, type SvmVcpu } from "./vcpu.ts";

/** The general registers from the third on, by their encoding; RAX and RSP are the VMCB's. */
const general = Object.freeze(
  [
    "rax",
    "rcx",
    "rdx",
    "rbx",
    "rsp",
    "rbp",
    "rsi",
    "rdi",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
  ].map((name, number) => Object.freeze({ name, number })),
);
const saved = Object.freeze(general.filter(({ name }) => name !== "rax" && name !== "rsp"));
const special = Object.freeze([
  "rip",
  "rflags",
  "cr0",
  "cr2",
  "cr3",
  "cr4",
  "efer",
  "cs",
  "ss",
  "fsBase",
  "gsBase",
]);
const firstSpecial = general.length;

/** The names of what `dumpRegisters` gives, in its order. */
export const registerNames: readonly string[] = Object.freeze([
  ...general.map(({ name }) => name),
  ...special,
]);

/** Gives the registers of a vCPU that is on no CPU. */
export function dumpRegisters(v: SvmVcpu, values: FixedArray<u64>): void {
  const { vmcb } = v;
  for (const r of saved) values[r.number] = v.gpr[r.number];
  values[gpr.rax] = vmcb.rax;
  values[gpr.rsp] = vmcb.rsp;
  values[firstSpecial] = vmcb.rip;
  values[firstSpecial + 1] = vmcb.rflags;
  values[firstSpecial + 2] = vmcb.cr0;
  values[firstSpecial + 3] = vmcb.cr2;
  values[firstSpecial + 4] = vmcb.cr3;
  values[firstSpecial + 5] = v.cr4;
  values[firstSpecial + 6] = v.efer;
  values[firstSpecial + 7] = BigInt(vmcb.cs.selector);
  values[firstSpecial + 8] = BigInt(vmcb.ss.selector);
  values[firstSpecial + 9] = vmcb.fs.base;
  values[firstSpecial + 10] = vmcb.gs.base;
}

/** A word of the guest's stack, which lies in one page. */
function readStack(v: SvmVcpu, address: u64, bytes: u32): GuestValue {
  const missing: GuestValue = { ok: false, value: 0n };
  if ((address & BigInt(bytes - 1)) !== 0n) return missing;
  const linear = isLong64(v) ? address : u64(u64(v.vmcb.ss.base + address) & 0xffff_ffffn);
  const walked = walk(svmState.slots(v), svmState.paging(v), linear, 0);
  return walked.outcome === WalkOutcome.ok ? readGuest(svmState.slots(v), walked.gpa, bytes) : missing;
}

/**
 * Follows frame pointers from `first` on, and gives the return addresses that lie above them, the innermost first, and how
 * many there are. Each frame lies above the one before, so that a chain that a hostile guest has made ends.
 */
export function followFrames<S>(
  state: S,
  read: (state: S, address: u64, bytes: u32) => GuestValue,
  first: u64,
  bytes: u32,
  frames: FixedArray<u64>,
): u32 {
  let frame: u64 = first;
  let count: u32 = 0;
  for (let i = 0; i < mostFrames; i++) {
    const next = read(state, frame, bytes);
    const back = read(state, u64(frame + BigInt(bytes)), bytes);
    if (!next.ok || !back.ok || back.value === 0n) break;
    frames[i] = back.value;
    count = u32(i + 1);
    if (next.value <= frame) break;
    frame = next.value;
  }
  return count;
}

/** Gives the return addresses on the stack of a vCPU that is on no CPU, as `followFrames` does. */
export function dumpFrames(v: SvmVcpu, frames: FixedArray<u64>): u32 {
  const bytes: u32 = isLong64(v) ? 8 : 4;
  const frame = bytes === 8 ? v.gpr[gpr.rbp] : u64(v.gpr[gpr.rbp] & 0xffff_ffffn);
  return followFrames(v, readStack, frame, bytes, frames);
}
