/**
 * Address-space identifiers: the tags by which a CPU's TLB tells vCPUs apart (APM vol. 2 §15.15). Each CPU gives out its
 * numbers once in each generation. A vCPU keeps the one that it got as long as it stays on that CPU and in that
 * generation; when the numbers run out, a new generation begins with a flush of the CPU's whole TLB, and everybody else's
 * number is void. Number 0 is the host's. So no two vCPUs ever share a number on a CPU between two flushes.
 *
 * Pure logic: the emulator ignores tags, so a model of a TLB shows that this is right (`asids.test.ts`).
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { tlbControl } from "./vmcb.ts";

/** What the CPU can do about its TLB. */
interface TlbFeatures {
  /** Numbers, the host's 0 included. */
  readonly asids: u32;
  readonly flushByAsid: boolean;
}

export interface Asids {
  /** Whether a vCPU still has a number on a CPU: it may enter with it, where nothing asks for a flush. */
  holds(cpu: u32, vcpu: u32): boolean;
  /**
   * What TLB_CONTROL says at an entry of a vCPU on a CPU, which must follow: it gets a number where it has none there.
   * `flush`: translations of it that the CPU may have are not to be used any more.
   */
  enter(cpu: u32, vcpu: u32, flush: boolean, features: TlbFeatures): u32;
  /** The number of a vCPU, since its last `enter`. */
  numberOf(vcpu: u32): u32;
  /** An entry failed, and its flush may not have been done. */
  distrust(cpu: u32, features: TlbFeatures): void;
}

const CpuAsids = struct("CpuAsids", {
  /** 0 until the first vCPU comes. */
  generation: u64,
  /** The number that is given out next, if there is still one. */
  next: u32,
});
const Asid = struct("Asid", { generation: u64, cpu: u32, number: u32 });
export type Asid = ValueOf<typeof Asid>;

/** An image with one vCPU, which stays on one CPU: it has number 1 for good. */
export const oneAsid: Asids = Object.freeze({
  holds: (_cpu: u32, _vcpu: u32): boolean => true,
  enter: (_cpu: u32, _vcpu: u32, flush: boolean, features: TlbFeatures): u32 =>
    flush ? (features.flushByAsid ? tlbControl.flushAsid : tlbControl.flushAll) : tlbControl.nothing,
  numberOf: (_vcpu: u32): u32 => 1,
  distrust: (_cpu: u32, _features: TlbFeatures): void => {},
});

/** The numbers of `vcpuCount` vCPUs on `cpuCount` CPUs. Build time. */
export function asidGenerations(cpuCount: number, vcpuCount: number): Asids {
  const cpus = storage("cpuAsids", array(CpuAsids, cpuCount));
  const asids = storage("vcpuAsids", array(Asid, vcpuCount));

  const holds = (cpu: u32, vcpu: u32): boolean => {
    const asid = asids[vcpu];
    return asid.cpu === cpu && asid.generation !== 0n && asid.generation === cpus[cpu].generation;
  };

  /** Gives a vCPU a fresh number. */
  const renew = (cpu: u32, vcpu: u32, count: u32): u32 => {
    const numbers = cpus[cpu];
    const asid = asids[vcpu];
    const isNew = numbers.generation === 0n || numbers.next >= count;
    if (isNew) {
      numbers.generation = u64(numbers.generation + 1n);
      numbers.next = 1;
    }
    asid.cpu = cpu;
    asid.generation = numbers.generation;
    asid.number = numbers.next;
    numbers.next = u32(numbers.next + 1);
    return isNew ? tlbControl.flushAll : tlbControl.nothing;
  };

  return Object.freeze({
    holds,
    enter(cpu: u32, vcpu: u32, flush: boolean, features: TlbFeatures): u32 {
      if (!holds(cpu, vcpu)) return renew(cpu, vcpu, features.asids);
      if (!flush) return tlbControl.nothing;
      if (features.flushByAsid) return tlbControl.flushAsid;
      // What the CPU has under the old number is out of reach until a flush of everything.
      return renew(cpu, vcpu, features.asids);
    },
    numberOf: (vcpu: u32): u32 => asids[vcpu].number,
    distrust(cpu: u32, features: TlbFeatures): void {
      const numbers = cpus[cpu];
      numbers.next = features.asids;
      // Numbers that were given out since may not be used again before the flush.
      numbers.generation = u64(numbers.generation + 1n);
    },
  });
}
