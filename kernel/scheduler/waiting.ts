/**
 * Who waits, and where: for a CPU, by virtual time; for its cap or its next period, by the time when that comes; or with
 * a promise, by the end of the period. Every CPU has a queue of each kind, and of the first kind one for each class: vCPUs
 * that may run on the same CPUs. So the head of a queue tells of all in it.
 */
import { i32, i64, u32, u64 } from "../../dsl/core/int.ts";
import type { Caps } from "./caps.ts";
import type { CpuSets } from "./cpu-sets.ts";
import type { Members } from "./members.ts";
import { queues, type Queues } from "./queues.ts";
import type { Promises } from "./realtime.ts";
import { behind, span, type VirtualTime } from "./virtual-time.ts";

/** What the parts of the policy share. */
export interface Books {
  readonly all: Members;
  readonly sets: CpuSets;
  readonly time: VirtualTime;
  /** Null: the image has none. */
  readonly caps: Caps | null;
  readonly promises: Promises | null;
}

/** The queues of an image. */
export interface Waiting {
  readonly queued: Queues;
  /** Whether a vCPU takes its share, without a promise. */
  isFair(vcpu: u32): boolean;
  /** Brings the books of a CPU up to now. */
  account(cpu: u32, now: u64): void;
  /** The one that is furthest behind of those that wait for their share on a CPU, or -1. */
  headOf(cpu: u32): i32;
  /** The head of one class on a CPU, or -1. */
  headOfClass(kind: u32, cpu: u32): i32;
  /** The vCPU that shares a CPU and runs on it, or -1. */
  fairCurrent(cpu: u32): i32;
  /** Where a CPU's virtual time is. */
  virtualOf(cpu: u32): u64;
  /** Whether some wait that a CPU might run. */
  hasRivals(cpu: u32): boolean;
  /** Whether a vCPU waits for its share. */
  isQueued(vcpu: u32): boolean;
  /** A vCPU waits for its share on a CPU. */
  enqueue(vcpu: u32, cpu: u32, now: u64): void;
  /** A vCPU with a promise waits for its CPU. */
  enqueuePromised(vcpu: u32): void;
  /** The first with a promise, or -1. */
  firstPromised(cpu: u32): i32;
  /** A vCPU waits no more, wherever it did. */
  dequeue(vcpu: u32): void;
  /** A vCPU waits for a time. */
  park(vcpu: u32, cpu: u32, until: u64): void;
  /** The first whose time has to come, or -1. */
  firstParked(cpu: u32): i32;
  /** Lets those go on whose time has come. */
  release(cpu: u32, now: u64): void;
  /** Tells CPUs without work of those that wait. */
  passOn(): void;
}

/** Builds them. */
export function waitingOf({ all, sets, time, caps, promises }: Books): Waiting {
  const { vcpus, groups, guestOf, cpus, classOf, allowed, preferred, classes, count, capacity } = all;
  const { state, classCpus, bit, firstOf, tell } = sets;
  const { worth, turnOf } = time;
  const classCount = classes.length;
  const parks = caps !== null || promises !== null;
  const everyCpu = Array.from({ length: capacity }, (_, cpu) => cpu);
  const parked = classCount * capacity;
  const urgent = parked + capacity;
  const queued = queues(count, [
    ...classes.flatMap((k) => everyCpu.map((cpu) => (k.cpus.includes(cpu) ? k.vcpus : 0))),
    ...everyCpu.map(() => (parks ? count : 0)),
    ...everyCpu.map(() => (promises === null ? 0 : count)),
  ]);
  const isFair = (vcpu: u32): boolean => promises === null || !promises.has(vcpu);
  /** Brings the books of a CPU up to now. */
  const account = (cpu: u32, now: u64): void => {
    const own = cpus[cpu];
    const elapsed = i64(now - own.since);
    if (elapsed <= 0n) return;
    own.since = now;
    const current = own.current;
    if (current < 0) return;
    const vcpu = u32(current);
    const member = vcpus[vcpu];
    const group = groups[guestOf[vcpu]];
    const used = i64(elapsed + group.owed);
    group.owed = 0n;
    member.ran = u64(member.ran + used);
    if (promises !== null && promises.has(vcpu)) member.left = i64(member.left - used);
    if (caps !== null && caps.limits(vcpu)) caps.use(vcpu, used);
    if (!isFair(vcpu)) return;
    const passed = worth(vcpu, u64(used));
    if ((state.alone & bit(cpu)) === 0n) member.virtual = u64(member.virtual + passed);
    else own.lapsed = u64(own.lapsed + passed);
  };

  const queueOf = (kind: u32, cpu: u32): u32 => u32(kind * capacity + cpu);
  /** The one that is furthest behind of those that wait on a CPU, or -1. */
  const headOf = (cpu: u32): i32 => {
    let best: i32 = -1;
    let least: u64 = 0n;
    for (let k = 0; k < classCount; k++) {
      const head = queued.head(queueOf(k, cpu));
      if (head >= 0) {
        const virtual = vcpus[head].virtual;
        if (best < 0 || behind(virtual, least)) {
          best = head;
          least = virtual;
        }
      }
    }
    return best;
  };
  const fairCurrent = (cpu: u32): i32 => {
    const current = cpus[cpu].current;
    return current >= 0 && isFair(u32(current)) ? current : -1;
  };
  /** Where a CPU's virtual time is: at the last of those that compete for it, and it never goes back. */
  const virtualOf = (cpu: u32): u64 => {
    const own = cpus[cpu];
    const head = headOf(cpu);
    const current = fairCurrent(cpu);
    let least: u64 = own.virtual;
    if (current >= 0) least = vcpus[current].virtual;
    if (head >= 0 && (current < 0 || behind(vcpus[head].virtual, least))) least = vcpus[head].virtual;
    if (behind(own.virtual, least)) own.virtual = least;
    return own.virtual;
  };

  /** A vCPU waits on a CPU from now on: tells one that has nothing to do, or else those that have it easy. */
  const enqueue = (vcpu: u32, cpu: u32, now: u64): void => {
    const kind = classOf[vcpu];
    vcpus[vcpu].home = cpu;
    queued.insert(queueOf(kind, cpu), vcpu, vcpus[vcpu].virtual);
    state.waiting[kind] = u64(state.waiting[kind] | bit(cpu));
    const idle = u64(state.idle & allowed[vcpu]);
    if (idle !== 0n) {
      const liked = u64(idle & preferred[vcpu]);
      const one = (idle & bit(cpu)) !== 0n ? bit(cpu) : bit(firstOf(liked !== 0n ? liked : idle));
      state.idle = u64(state.idle & ~one);
      tell(one);
      return;
    }
    let easy: u64 = u64(state.alone & allowed[vcpu]);
    tell(easy);
    for (let i = 0; i < capacity; i++) {
      if (easy === 0n) break;
      account(firstOf(easy), now);
      easy = u64(easy & (easy - 1n));
    }
    state.alone = u64(state.alone & ~allowed[vcpu]);
  };
  /** Takes a vCPU out of the queue that it waits in. */
  const dequeue = (vcpu: u32): void => {
    const queue = queued.queueOf(vcpu);
    if (queue < 0) return;
    queued.remove(vcpu);
    if (queue >= parked) {
      if (caps !== null && queue < urgent && caps.limits(vcpu)) caps.unpark(vcpu);
      return;
    }
    const kind = classOf[vcpu];
    if (queued.head(u32(queue)) < 0) state.waiting[kind] = u64(state.waiting[kind] & ~bit(vcpus[vcpu].home));
  };

  /** Lets a vCPU with a promise wait for its CPU. */
  const enqueuePromised = (vcpu: u32): void => {
    const cpu = vcpus[vcpu].home;
    queued.insert(u32(urgent + cpu), vcpu, vcpus[vcpu].deadline);
    state.idle = u64(state.idle & ~bit(cpu));
    const current = cpus[cpu].current;
    if (current < 0 || isFair(u32(current)) || behind(vcpus[vcpu].deadline, vcpus[current].deadline))
      tell(bit(cpu));
  };
  const park = (vcpu: u32, cpu: u32, until: u64): void => {
    vcpus[vcpu].home = cpu;
    queued.insert(u32(parked + cpu), vcpu, until);
  };
  /** Lets those go on whose time has come. */
  const release = (cpu: u32, now: u64): void => {
    for (;;) {
      const head = queued.head(u32(parked + cpu));
      if (head < 0) return;
      const vcpu = u32(head);
      if (behind(now, queued.key(vcpu))) return;
      dequeue(vcpu);
      if (promises !== null && promises.has(vcpu)) {
        promises.renew(vcpu, now);
        enqueuePromised(vcpu);
      } else {
        // What the cap kept from it is its own still: it goes first, and the cap is what limits it.
        const least = u64(virtualOf(cpu) - span * turnOf(vcpu));
        if (behind(vcpus[vcpu].virtual, least)) vcpus[vcpu].virtual = least;
        enqueue(vcpu, cpu, now);
      }
    }
  };

  /** Whether some wait that a CPU might run. */
  const hasRivals = (cpu: u32): boolean => {
    for (let k = 0; k < classCount; k++)
      if (state.waiting[k] !== 0n && (classCpus[k] & bit(cpu)) !== 0n) return true;
    return false;
  };

  /** A CPU that was told of one that waits has taken another: tells the next. */
  const passOn = (): void => {
    for (let k = 0; k < classCount; k++) {
      const idle = u64(state.idle & classCpus[k]);
      if (state.waiting[k] !== 0n && idle !== 0n) {
        const one = bit(firstOf(idle));
        state.idle = u64(state.idle & ~one);
        tell(one);
      }
    }
  };

  return Object.freeze({
    ...{ queued, isFair, account, headOf, fairCurrent, virtualOf, hasRivals },
    ...{ enqueue, enqueuePromised, dequeue, park, release, passOn },
    headOfClass: (kind: u32, cpu: u32): i32 => queued.head(queueOf(kind, cpu)),
    isQueued(vcpu: u32): boolean {
      const queue = queued.queueOf(vcpu);
      return queue >= 0 && queue < parked;
    },
    firstPromised: (cpu: u32): i32 => (promises === null ? -1 : queued.head(u32(urgent + cpu))),
    firstParked: (cpu: u32): i32 => (parks ? queued.head(u32(parked + cpu)) : -1),
  });
}
