/**
 * The policy where vCPUs share CPUs. Each has a virtual time, which goes on while it runs and others wait, the slower
 * the more weight its guest has; of those that wait, the one that is furthest behind runs next (start-time fair
 * queueing). Every CPU has a queue for each set of CPUs that a vCPU may be bound to; one that chooses also looks at the heads
 * of a few other CPUs' queues, and takes one that is further behind than its own by more than a turn, or any where it
 * has none. While nobody waits, virtual time stands still, and the CPU needs no timer.
 *
 * Before them go the vCPUs with a promise (`realtime.ts`); caps hold vCPUs back (`caps.ts`).
 */
import { i32, i64, u32, u64, u8 } from "../../dsl/core/int.ts";
import { lowestBit } from "../../dsl/core/intrinsics.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { never } from "../machine.ts";
import { capsOf } from "./caps.ts";
import { members } from "./members.ts";
import { queues } from "./queues.ts";
import { promisesOf } from "./realtime.ts";
import type { ScheduledImage, Scheduler } from "./scheduler.ts";

/** Other CPUs' queues that one choice looks at. */
const looks = 4;
/** How many turns a vCPU may be behind or ahead of those that it comes to: what is beyond is forgotten. */
const span = 4n;
const nsPerMicrosecond = 1_000;

/** Builds it. */
export function fair(model: ScheduledImage): Scheduler {
  const all = members(model);
  const { vcpus, groups, cpus, guestOf, classOf, allowed, preferred, inverse, classes, count, capacity } =
    all;
  const classCount = classes.length;
  const [sliceUs, latencyUs] = [model.scheduling.sliceNs, model.scheduling.latencyNs].map((ns) =>
    BigInt(Math.floor(ns / nsPerMicrosecond)),
  );
  const caps = capsOf(model, all);
  const promises = promisesOf(model, all);
  const prefers = model.guests.some((g) => g.schedule.places.some((p) => p.prefer.length !== 0));
  const parks = caps !== null || promises !== null;
  // A queue for each class and CPU; then for each CPU those that wait for time to come, and those with a promise.
  const everyCpu = Array.from({ length: capacity }, (_, cpu) => cpu);
  const parked = classCount * capacity;
  const urgent = parked + capacity;
  const queued = queues(count, [
    ...classes.flatMap((k) => everyCpu.map((cpu) => (k.cpus.includes(cpu) ? k.vcpus : 0))),
    ...everyCpu.map(() => (parks ? count : 0)),
    ...everyCpu.map(() => (promises === null ? 0 : count)),
  ]);
  const state = storage(
    "schedulerState",
    struct("SchedulerState", {
      /** Bits of CPUs: those that run guests, those without work, those whose vCPU has no rival, those to be told. */
      online: u64,
      idle: u64,
      alone: u64,
      signals: u64,
      /** Those whose vCPU prefers another. */
      astray: u64,
      /** In ticks. */
      slice: u64,
      latency: u64,
      /** By class: CPUs on which some wait. */
      waiting: array(u64, Math.max(classCount, 1)),
    }),
  );

  const classCpus = storage("classCpus", array(u64, Math.max(classCount, 1)), { constant: true });
  for (const [k, { cpus: of }] of classes.entries())
    classCpus[k] = of.reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n);

  const bit = (cpu: u32): u64 => u64(1n << BigInt(cpu & 63));
  const firstOf = (bits: u64): u32 => Math.min(lowestBit(bits), capacity - 1);
  const isFair = (vcpu: u32): boolean => promises === null || !promises.has(vcpu);
  const limits = (vcpu: u32): boolean => caps !== null && caps.limits(vcpu);

  // ---- Virtual time -----------------------------------------------------------------------------------------

  /** What ticks are worth to a vCPU: its guest's weight is shared by those of its vCPUs that can run. */
  const worth = (vcpu: u32, ticks: u64): u64 => {
    const guest = guestOf[vcpu];
    const rate = BigInt(inverse[guest]) * BigInt(Math.max(groups[guest].ready, 1));
    return u64((ticks * rate) >> 16n);
  };
  const turnOf = (vcpu: u32): u64 => worth(vcpu, state.slice);
  const behind = (a: u64, b: u64): boolean => i64(a - b) < 0n;
  const spanOf = (a: u32, b: u32): u64 => u64(span * u64(turnOf(a) + turnOf(b)));

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
    member.ran = u64(member.ran + elapsed);
    if (promises !== null && promises.has(vcpu)) member.left = i64(member.left - elapsed);
    if (caps !== null && caps.limits(vcpu)) caps.use(vcpu, elapsed);
    if (!isFair(vcpu)) return;
    const passed = worth(vcpu, u64(elapsed));
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

  // ---- Who waits --------------------------------------------------------------------------------------------

  const signal = (bits: u64): void => {
    state.signals = u64(state.signals | bits);
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
      signal(one);
      return;
    }
    let easy: u64 = u64(state.alone & allowed[vcpu]);
    signal(easy);
    while (easy !== 0n) {
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
      signal(bit(cpu));
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

  // ---- What a CPU does --------------------------------------------------------------------------------------

  /** Its vCPU has left a CPU. */
  const leave = (cpu: u32): void => {
    const current = cpus[cpu].current;
    if (current < 0) return;
    cpus[cpu].current = -1;
    vcpus[current].on = 0;
    if (caps !== null && caps.limits(u32(current))) caps.giveBack(u32(current));
  };
  /** Its vCPU has left a CPU, and waits again. */
  const putBack = (cpu: u32, now: u64): void => {
    const current = cpus[cpu].current;
    if (current < 0) return;
    leave(cpu);
    if (isFair(u32(current))) enqueue(u32(current), cpu, now);
    else enqueuePromised(u32(current));
  };
  const begin = (cpu: u32, vcpu: u32, now: u64): void => {
    const own = cpus[cpu];
    const member = vcpus[vcpu];
    own.current = i32(vcpu);
    own.since = now;
    own.turnStart = now;
    own.turnEnd = u64(now + state.slice);
    own.turnVirtual = member.virtual;
    member.on = u32(cpu + 1);
    member.home = cpu;
  };

  /** Whether some wait that a CPU might run. */
  const hasRivals = (cpu: u32): boolean => {
    for (let k = 0; k < classCount; k++)
      if (state.waiting[k] !== 0n && (classCpus[k] & bit(cpu)) !== 0n) return true;
    return false;
  };

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
          const head = queued.head(queueOf(k, other));
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
  /** Forgets what a vCPU is behind another by more than the span. */
  const bound = (vcpu: u32, other: u32): void => {
    const least = u64(vcpus[other].virtual - spanOf(vcpu, other));
    if (behind(vcpus[vcpu].virtual, least)) vcpus[vcpu].virtual = least;
  };

  /** The vCPU to which a CPU's own gives way, where that waits, may run here and is not far ahead; or -1. */
  const wanted = (cpu: u32, rival: i32): i32 => {
    const { target } = cpus[cpu];
    if (target < 0 || target >= count) return -1;
    const vcpu = u32(target);
    const queue = queued.queueOf(vcpu);
    if (queue < 0 || queue >= parked || (allowed[vcpu] & bit(cpu)) === 0n) return -1;
    if (rival >= 0 && behind(u64(vcpus[rival].virtual + spanOf(vcpu, u32(rival))), vcpus[vcpu].virtual))
      return -1;
    return target;
  };

  /** Whether one that waits here was further behind than a CPU's own already when its turn began. */
  const isOvertaken = (cpu: u32): boolean => {
    const head = headOf(cpu);
    return head >= 0 && behind(vcpus[head].virtual, cpus[cpu].turnVirtual);
  };

  /** A CPU that was told of one that waits has taken another: tells the next. */
  const passOn = (): void => {
    for (let k = 0; k < classCount; k++) {
      const idle = u64(state.idle & classCpus[k]);
      if (state.waiting[k] !== 0n && idle !== 0n) {
        const one = bit(firstOf(idle));
        state.idle = u64(state.idle & ~one);
        signal(one);
      }
    }
  };
  const isAstray = (vcpu: u32, cpu: u32): boolean =>
    preferred[vcpu] !== 0n && (preferred[vcpu] & bit(cpu)) === 0n;
  /** Sends what a CPU runs to one without work that it prefers. */
  const sendHome = (cpu: u32, now: u64): void => {
    const { current } = cpus[cpu];
    if (current < 0 || !isAstray(u32(current), cpu)) return;
    const better = u64(state.idle & preferred[current]);
    if (better === 0n) return;
    leave(cpu);
    enqueue(u32(current), firstOf(better), now);
  };

  /** Gives a CPU to one of those that share it, or to none. */
  const share = (cpu: u32, now: u64): void => {
    if (prefers) sendHome(cpu, now);
    const own = cpus[cpu];
    const gives = own.gives;
    const current = own.current;
    if (current >= 0 && !gives && behind(now, own.turnEnd))
      if (!isOvertaken(cpu) || behind(now, u64(own.turnStart + state.latency))) return;
    // Every vCPU that cannot be granted anything leaves the queues, so this ends.
    for (let tries = 0; tries <= count; tries++) {
      const head = headOf(cpu);
      const mine = own.current;
      const keeps = mine >= 0 && (head < 0 || (!gives && !behind(vcpus[head].virtual, vcpus[mine].virtual)));
      const rival = keeps ? mine : head;
      if (gives && mine >= 0 && head >= 0) bound(u32(mine), u32(head));
      const asked = wanted(cpu, rival);
      const other = asked >= 0 ? asked : capacity === 1 ? -1 : elsewhere(cpu, keeps && gives ? -1 : rival);
      const next = other >= 0 ? other : rival;
      if (next < 0) return;
      if (next === mine) {
        begin(cpu, u32(next), now);
        return;
      }
      const vcpu = u32(next);
      // It leaves its queue before the other one is put back, so that nobody is told of it.
      if (rival < 0) own.virtual = vcpus[vcpu].virtual;
      dequeue(vcpu);
      if (caps === null || !caps.limits(vcpu) || caps.grant(vcpu, now)) {
        if (mine >= 0) putBack(cpu, now);
        begin(cpu, vcpu, now);
        return;
      }
      park(vcpu, cpu, caps.park(vcpu, now));
    }
  };

  /** Stops what a CPU runs where it sleeps, or has used up what it was granted. */
  const settle = (cpu: u32, now: u64): void => {
    const { current } = cpus[cpu];
    if (current < 0) return;
    const vcpu = u32(current);
    const member = vcpus[vcpu];
    if (!member.ready) {
      leave(cpu);
    } else if (promises !== null && promises.has(vcpu)) {
      if (member.left > 0n) return;
      leave(cpu);
      park(vcpu, cpu, member.deadline);
    } else if (caps !== null && caps.limits(vcpu) && member.left <= 0n) {
      caps.giveBack(vcpu);
      if (caps.grant(vcpu, now)) return;
      leave(cpu);
      park(vcpu, cpu, caps.park(vcpu, now));
    }
  };

  /** When a CPU has to choose again. */
  const deadlineOf = (cpu: u32, now: u64): u64 => {
    const own = cpus[cpu];
    let at: u64 = never;
    const { current } = own;
    if (current >= 0) {
      const vcpu = u32(current);
      if (!isFair(vcpu)) at = u64(now + u64(vcpus[vcpu].left));
      else {
        if ((state.alone & bit(cpu)) === 0n) {
          at = own.turnEnd;
          if (isOvertaken(cpu)) {
            const protectedUntil = u64(own.turnStart + state.latency);
            if (protectedUntil < at) at = protectedUntil;
          }
        }
        if (limits(vcpu)) {
          const used = u64(now + u64(vcpus[vcpu].left));
          if (used < at) at = used;
        }
      }
    }
    if (parks) {
      const head = queued.head(u32(parked + cpu));
      if (head >= 0 && queued.key(u32(head)) < at) at = queued.key(u32(head));
    }
    return at;
  };

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

  return Object.freeze({
    accounts: true,
    start(rate: u64): void {
      state.slice = u64(u64(sliceUs * rate) / 1_000_000n);
      state.latency = u64(u64(latencyUs * rate) / 1_000_000n);
      state.online = 0n;
      state.idle = 0n;
      state.alone = 0n;
      state.signals = 0n;
      state.astray = 0n;
      for (let k = 0; k < state.waiting.length; k++) state.waiting[k] = 0n;
      for (let i = 0; i < count; i++) {
        vcpus[i].ready = false;
        vcpus[i].on = 0;
        vcpus[i].ran = 0n;
        vcpus[i].virtual = 0n;
        vcpus[i].left = 0n;
        vcpus[i].home = 0;
      }
      for (const own of cpus) {
        own.current = -1;
        own.target = -1;
        own.gives = false;
        own.virtual = 0n;
        own.lapsed = 0n;
        own.turnStart = 0n;
        own.turnVirtual = 0n;
        own.turnEnd = 0n;
        own.deadline = never;
        own.looks = 0;
      }
      for (const group of groups) group.ready = 0;
      queued.clear();
      if (caps !== null) caps.start(state.slice);
      if (promises !== null) promises.start(rate);
    },
    online(cpu: u32, now: u64): void {
      cpus[cpu].since = now;
      state.online = u64(state.online | bit(cpu));
      signal(bit(cpu));
    },
    wake(vcpu: u32, now: u64, event: boolean): void {
      const member = vcpus[vcpu];
      if (member.ready) return;
      member.ready = true;
      const group = groups[guestOf[vcpu]];
      group.ready = u8(group.ready + 1);
      if (member.on !== 0) {
        member.virtual = u64(member.virtual - cpus[member.home].lapsed);
        return;
      }
      if (promises !== null && promises.has(vcpu)) {
        member.home = firstOf(allowed[vcpu]);
        promises.wake(vcpu, now);
        if (member.left > 0n) enqueuePromised(vcpu);
        else {
          park(vcpu, member.home, member.deadline);
          signal(bit(member.home));
        }
        return;
      }
      account(member.home, now);
      member.virtual = u64(member.virtual - cpus[member.home].lapsed);
      const cpu = placeOf(vcpu, event);
      account(cpu, now);
      member.virtual = arrival(vcpu, cpu, event);
      enqueue(vcpu, cpu, now);
      if (fairCurrent(cpu) >= 0 && behind(member.virtual, cpus[cpu].turnVirtual)) signal(bit(cpu));
    },
    sleep(vcpu: u32, now: u64): void {
      const member = vcpus[vcpu];
      if (!member.ready) return;
      if (member.on !== 0) signal(bit(member.home));
      dequeue(vcpu);
      account(member.home, now);
      member.virtual = u64(member.virtual + cpus[member.home].lapsed);
      member.ready = false;
      const group = groups[guestOf[vcpu]];
      group.ready = u8(group.ready - 1);
    },
    choose(cpu: u32, now: u64): i32 {
      const own = cpus[cpu];
      account(cpu, now);
      const wasIdle = own.current < 0;
      settle(cpu, now);
      state.idle = u64(state.idle & ~bit(cpu));
      state.alone = u64(state.alone & ~bit(cpu));
      state.signals = u64(state.signals & ~bit(cpu));
      if (parks) release(cpu, now);
      const first = promises === null ? -1 : queued.head(u32(urgent + cpu));
      const current = own.current;
      const isPromised = current >= 0 && !isFair(u32(current));
      if (first >= 0 && (!isPromised || behind(vcpus[first].deadline, vcpus[current].deadline))) {
        dequeue(u32(first));
        putBack(cpu, now);
        begin(cpu, u32(first), now);
      } else if (!isPromised) share(cpu, now);
      own.gives = false;
      own.target = -1;
      if (wasIdle) passOn();
      state.astray = u64(state.astray & ~bit(cpu));
      if (own.current < 0) {
        state.idle = u64(state.idle | bit(cpu));
        if (prefers) signal(state.astray);
      } else if (prefers && isAstray(u32(own.current), cpu)) state.astray = u64(state.astray | bit(cpu));
      if (own.current >= 0 && isFair(u32(own.current)) && !hasRivals(cpu))
        state.alone = u64(state.alone | bit(cpu));
      own.deadline = deadlineOf(cpu, now);
      state.signals = u64(state.signals & ~bit(cpu));
      return own.current;
    },
    deadline: (cpu: u32): u64 => cpus[cpu].deadline,
    giveWay(cpu: u32, to: i32, now: u64): void {
      account(cpu, now);
      cpus[cpu].gives = true;
      cpus[cpu].target = to;
      signal(bit(cpu));
    },
    takeSignals(): u64 {
      const signals = state.signals;
      state.signals = 0n;
      return signals;
    },
    ran: (vcpu: u32): u64 => vcpus[vcpu].ran,
  });
}
