/** Which CPU a vCPU comes to that wakes, and which vCPU a CPU takes from another's queue. */
import { i32, u32, u64 } from "../../dsl/core/int.ts";
import { behind, span } from "./virtual-time.ts";
import type { Books, Waiting } from "./waiting.ts";

/** Other CPUs that one decision looks at. */
const looks = 4;

/** The placing in an image. */
export interface Placement {
  /** The vCPU that a CPU takes from another's queue, or -1; `rival` is the best of its own, or -1. */
  elsewhere(cpu: u32, rival: i32): i32;
  /** The vCPU to which a CPU's own gives way, or -1. */
  wanted(cpu: u32, rival: i32): i32;
  /** Whether a vCPU prefers other CPUs. */
  isAstray(vcpu: u32, cpu: u32): boolean;
  /** The virtual time with which a vCPU comes to a CPU. */
  arrival(vcpu: u32, cpu: u32, event: boolean): u64;
  /** The CPU on which a vCPU that wakes waits. */
  placeOf(vcpu: u32, event: boolean): u32;
}

/** Builds it. */
export function placementOf({ all, sets, time }: Books, waiting: Waiting): Placement {
  const { vcpus, cpus, allowed, preferred, classes, count, capacity } = all;
  const { state, classCpus, bit, firstOf } = sets;
  const { turnOf, spanOf, bound } = time;
  const { headOfClass, fairCurrent, virtualOf, isQueued } = waiting;
  const classCount = classes.length;
  /**
   * Of those that wait on a few other CPUs, the one that is furthest behind and may run here, or -1: with a rival (the
   * best of this CPU's own, or -1) only one that is behind that by more than one of its turns, or by some where another
   * CPU is preferred. What of the rival is behind those that wait by too much is forgotten.
   */
  const elsewhere = (cpu: u32, rival: i32): i32 => {
    const own = cpus[cpu];
    let best: i32 = -1;
    let nearest: i32 = -1;
    for (let k = 0; k < classCount; k++) {
      if ((classCpus[k] & bit(cpu)) !== 0n) {
        let others: u64 = u64(state.waiting[k] & ~bit(cpu));
        for (let look = 0; look < looks; look++) {
          if (others === 0n) break;
          const later = u64(others & ~u64(bit(own.looks) - 1n));
          const other = firstOf(later !== 0n ? later : others);
          others = u64(others & ~bit(other));
          own.looks = other + 1 === capacity ? 0 : u32(other + 1);
          const head = headOfClass(k, other);
          if (head >= 0) {
            const vcpu = u32(head);
            const { virtual } = vcpus[vcpu];
            if (nearest < 0 || behind(virtual, vcpus[nearest].virtual)) nearest = head;
            const liked = preferred[vcpu] === 0n || (preferred[vcpu] & bit(cpu)) !== 0n;
            const turns = liked ? 1n : span;
            const counted = rival < 0 ? virtual : u64(virtual + turns * turnOf(vcpu));
            if (
              (rival < 0 || behind(counted, vcpus[rival].virtual)) &&
              (best < 0 || behind(virtual, vcpus[best].virtual))
            )
              best = head;
          }
        }
      }
    }
    if (rival >= 0 && nearest >= 0) bound(u32(best >= 0 ? best : rival), u32(best >= 0 ? rival : nearest));
    return best;
  };
  /** The vCPU to which a CPU's own gives way, where that waits, may run here and is not far ahead; or -1. */
  const wanted = (cpu: u32, rival: i32): i32 => {
    const { target } = cpus[cpu];
    if (target < 0 || target >= count) return -1;
    const vcpu = u32(target);
    if (!isQueued(vcpu) || (allowed[vcpu] & bit(cpu)) === 0n) return -1;
    if (rival >= 0 && behind(u64(vcpus[rival].virtual + spanOf(vcpu, u32(rival))), vcpus[vcpu].virtual))
      return -1;
    return target;
  };

  const isAstray = (vcpu: u32, cpu: u32): boolean =>
    preferred[vcpu] !== 0n && (preferred[vcpu] & bit(cpu)) === 0n;
  /** The virtual time with which a vCPU comes to a CPU: near that of those that are there, and behind it only after an event. */
  const arrival = (vcpu: u32, cpu: u32, event: boolean): u64 => {
    const turn = turnOf(vcpu);
    const there = virtualOf(cpu);
    const least = event ? u64(there - turn) : there;
    const most = u64(there + 2n * turn);
    const { virtual } = vcpus[vcpu];
    if (behind(virtual, least)) return least;
    return behind(most, virtual) ? most : virtual;
  };
  /** The CPU on which a vCPU that wakes waits: one without work, or one whose vCPU gives way to it, or the one of last time. */
  const placeOf = (vcpu: u32, event: boolean): u32 => {
    const here = u64(allowed[vcpu] & state.online);
    const may = here === 0n ? allowed[vcpu] : here;
    const likes = u64(may & preferred[vcpu]);
    const { home } = vcpus[vcpu];
    const idle = u64(state.idle & may);
    const idleLiked = u64(idle & likes);
    const free = idleLiked !== 0n ? idleLiked : idle;
    if (free !== 0n) return (free & bit(home)) !== 0n ? home : firstOf(free);
    let others: u64 = likes !== 0n ? likes : may;
    const usual = (others & bit(home)) !== 0n ? home : firstOf(others);
    let cpu: u32 = usual;
    for (let look = 0; look <= looks; look++) {
      if (fairCurrent(cpu) >= 0 && behind(arrival(vcpu, cpu, event), cpus[cpu].turnVirtual)) return cpu;
      others = u64(others & ~bit(cpu));
      if (others === 0n) return usual;
      const later = u64(others & ~u64(bit(cpu) - 1n));
      cpu = firstOf(later !== 0n ? later : others);
    }
    return usual;
  };

  return Object.freeze({ elsewhere, wanted, isAstray, arrival, placeOf });
}
