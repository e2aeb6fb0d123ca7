/**
 * Typevisor's hypercalls for guests written in this language: `docs/guide/hypercalls.md` describes the convention. A guest
 * asks `hasHypercalls` first; elsewhere the instruction does not exist.
 */
import { addressOf, load8, type Text } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { cpuidEax, cpuidEbx, cpuidEcx } from "../instructions.ts";

/** What RDX and R8 held after the last call. */
const outputs = storage("guestCallOutputs", struct("GuestCallOutputs", { words: array(u64, 2) }));

/** `(control, first, second, outputs)`: VMMCALL on AMD's processors, VMCALL on Intel's. */
const callWith = (instruction: string) =>
  asm({
    template: `${instruction}; movq %rdx, (%rsi); movq %r8, 8(%rsi)`,
    constraints: "={rax},{rcx},{rdx},{r8},{rsi},~{rcx},~{rdx},~{r8},~{memory}",
    params: [u64, u64, u64, u64],
    result: u64,
  });
const vmmcall = callWith("vmmcall");
const vmcall = callWith("vmcall");

/** EBX of leaf 0 on Intel's processors: "Genu". */
const intel = 0x756e_6547;

/** Makes a hypercall with a whole control word; its status in bits [15:0]. */
export function hypercall(control: u64, first: u64, second: u64): u64 {
  const to = addressOf(outputs);
  return cpuidEbx(0, 0) === intel ? vmcall(control, first, second, to) : vmmcall(control, first, second, to);
}

/** The first output of the last fast call. */
export const firstOutput = (): u64 => outputs.words[0];

/** Bit 16 of the control word: parameters are in the registers. */
const fast = 0x1_0000n;
const ownLeaf = 0x4000_0100;
const firstCall = 0x5400n;

/** Whether the hypervisor is Typevisor and answers these calls (leaf 0x40000100 has its name). */
export function hasHypercalls(): boolean {
  if ((cpuidEcx(1, 0) & 0x8000_0000) === 0 || cpuidEax(ownLeaf, 0) !== ownLeaf + 1) return false;
  // "Type", "viso"
  return cpuidEbx(ownLeaf, 0) === 0x6570_7954 && cpuidEcx(ownLeaf, 0) === 0x6f73_6976;
}

/** The version of the table: what changed in the upper half, what was added in the lower. */
export function hypercallVersion(): u32 {
  hypercall(fast | firstCall, 0n, 0n);
  return u32(firstOutput());
}

/** The calls that there are, bit n for call 0x5400 + n. */
export function hypercallFeatures(): u64 {
  hypercall(fast | (firstCall + 1n), 0n, 0n);
  return firstOutput();
}

/** Bytes that one call takes to the console. */
const consoleBytes = 15;

/** Writes bytes to the guest's console. */
export function writeConsole(address: u64, length: u32): void {
  for (let done: u32 = 0; done < length; done = u32(done + consoleBytes)) {
    const count = Math.min(u32(length - done), consoleBytes);
    let first: u64 = BigInt(count);
    let second: u64 = 0n;
    for (let i = 0; i < consoleBytes; i++) {
      if (i < count) {
        const byte = BigInt(load8(u64(address + BigInt(done + i))));
        if (i < 7) first = u64(first | (byte << BigInt(8 * i + 8)));
        else second = u64(second | (byte << BigInt(8 * i - 56)));
      }
    }
    hypercall(fast | (firstCall + 2n), first, second);
  }
}

/** Writes a text to the guest's console. */
export function tell(message: Text): void {
  writeConsole(message.address, u32(message.length));
}

/** Gives the rest of the processor's turn away. */
export function yieldProcessor(): void {
  hypercall(fast | (firstCall + 3n), 0n, 0n);
}

/** Tells the administrator a code and a value. */
export function notifyAdministrator(code: u32, value: u64): void {
  hypercall(fast | (firstCall + 4n), BigInt(code), value);
}
