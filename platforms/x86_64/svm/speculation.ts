/**
 * What a CPU has learnt from one guest is kept from steering another: on a switch between guests, and only there, the
 * branch predictor's targets are dropped and the return stack is filled with the hypervisor's own. A guest that keeps the
 * CPU through exits pays nothing.
 *
 * IBPB: AMD64 Technology, Indirect Branch Control Extension (111006), §IBPB. It leaves the return stack on some
 * processors (AMD-SB-1040), so that is filled apart. The level-1 cache need not be flushed: AMD's processors do not
 * look up data by the address of an entry that is not present (AMD-SB-1010, "L1 Terminal Fault").
 */
import { u32 } from "../../../dsl/core/int.ts";
import { array, bool, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { GuestModel } from "../../../dsl/manifest/model.ts";
import { asm } from "../../asm.ts";
import { cpuidEax, cpuidEbx, cpuidEdx, writeMsr } from "../instructions.ts";

/** IA32_PRED_CMD and its bit IBPB. */
const predictorCommand = 0x49;
const barrierBit = 1n;

/** What is done, as bits. */
const policy = Object.freeze({ ibpb: 1, rsb: 2 });

/** What the CPU can do about it. */
export interface Predictors {
  /** Whether there is IBPB. */
  readonly hasBarrier: () => boolean;
  readonly barrier: () => void;
  /** Fills the return stack. */
  readonly fillReturns: () => void;
}

/** Entries of the deepest return stack there is. */
const returnEntries = 32;

/** Each call leaves an entry, which leads to a loop that does nothing; the addresses are taken from the stack again. */
const fillSite = asm({
  template: [
    `movl $$${returnEntries / 2}, %ecx`,
    "1: callq 3f",
    "2: pause; lfence; jmp 2b",
    "3: callq 5f",
    "4: pause; lfence; jmp 4b",
    "5: decl %ecx; jnz 1b",
    `addq $$${8 * returnEntries}, %rsp`,
  ].join("; "),
  constraints: "~{rcx},~{memory}",
  params: [],
});

/** This CPU's. CPUID 8000_0008 EBX[12] (APM vol. 3, appendix E), or 7 EDX[26] (Intel SDM vol. 2, CPUID). */
export const ownPredictors: Predictors = Object.freeze({
  hasBarrier(): boolean {
    if (cpuidEax(0x8000_0000, 0) >= 0x8000_0008 && (cpuidEbx(0x8000_0008, 0) & (1 << 12)) !== 0) return true;
    return cpuidEax(0, 0) >= 7 && (cpuidEdx(7, 0) & (1 << 26)) !== 0;
  },
  barrier: (): void => writeMsr(predictorCommand, barrierBit),
  fillReturns: (): void => fillSite(),
});

/** Keeps guests' predictions apart. */
export interface Speculation {
  /** Looks what the CPU can; before the first guest runs. */
  detect(): void;
  /** Before a guest runs on a CPU: does what it, or the guest that ran there before, wants between them. */
  enter(cpu: u32, guest: u32): void;
}

/** Builds it; null where no two guests can follow each other on a CPU, or none wants anything. */
export function speculation(
  guests: readonly Pick<GuestModel, "speculation">[],
  cpuCapacity: number,
  predictors: Predictors,
): Speculation | null {
  const policies = Object.freeze(
    guests.map(({ speculation: { ibpb, rsb } }) => (ibpb ? policy.ibpb : 0) | (rsb ? policy.rsb : 0)),
  );
  if (guests.length < 2 || policies.every((wanted) => wanted === 0)) return null;
  const { hasBarrier, barrier, fillReturns } = predictors;
  const last = guests.length - 1;
  /** By CPU: the guest that ran last, and one more; 0 where none has. */
  const before = storage("speculationBefore", array(u32, cpuCapacity));
  const found = storage("speculationFound", struct("SpeculationFound", { barrier: bool }));
  return Object.freeze({
    detect(): void {
      found.barrier = hasBarrier();
    },
    enter(cpu: u32, guest: u32): void {
      const at = Math.min(cpu, cpuCapacity - 1);
      const old = before[at];
      const now = u32(guest + 1);
      if (old === now) return;
      before[at] = now;
      if (old === 0) return;
      const wanted = policies[Math.min(guest, last)] | policies[Math.min(old - 1, last)];
      if ((wanted & policy.ibpb) !== 0 && found.barrier) barrier();
      // Behind the barrier, which would drop what is filled in.
      if ((wanted & policy.rsb) !== 0) fillReturns();
    },
  });
}
