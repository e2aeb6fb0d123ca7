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
import { never } from "../machine.ts";
import { capsOf } from "./caps.ts";
import { cpuSets } from "./cpu-sets.ts";
import { members } from "./members.ts";
import { placementOf } from "./placement.ts";
import { promisesOf } from "./realtime.ts";
import type { ScheduledImage, Scheduler } from "./scheduler.ts";
import { behind, span, virtualTime } from "./virtual-time.ts";
import { waitingOf, type Books } from "./waiting.ts";

/** Builds it. */
export function fair(model: ScheduledImage): Scheduler {
  const all = members(model);
  const { vcpus, groups, cpus, guestOf, allowed, preferred, count, capacity } = all;
  const sets = cpuSets(all);
  const { state, bit, firstOf, tell } = sets;
  const time = virtualTime(model, all);
  const [caps, promises] = [capsOf(model, all), promisesOf(model, all)];
  const books: Books = Object.freeze({ all, sets, time, caps, promises });
  const waiting = waitingOf(books);
  const { isFair, account, headOf, fairCurrent, enqueue, enqueuePromised, dequeue, park } = waiting;
  const { elsewhere, wanted, isAstray, arrival, placeOf } = placementOf(books, waiting);
  const guestCount = model.guests.length;
  const prefers = model.guests.some((g) => g.schedule.places.some((p) => p.prefer.length !== 0));

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
    own.turnEnd = u64(now + time.slice());
    own.turnVirtual = member.virtual;
    member.on = u32(cpu + 1);
    member.home = cpu;
  };

  /** Whether one that waits here was further behind than a CPU's own already when its turn began. */
  const isOvertaken = (cpu: u32): boolean => {
    const head = headOf(cpu);
    return head >= 0 && behind(vcpus[head].virtual, cpus[cpu].turnVirtual);
  };

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
      if (!isOvertaken(cpu) || behind(now, u64(own.turnStart + time.latency()))) return;
    // Every vCPU that cannot be granted anything leaves the queues, so this ends.
    for (let tries = 0; tries <= count; tries++) {
      const head = headOf(cpu);
      const mine = own.current;
      const keeps = mine >= 0 && (head < 0 || (!gives && !behind(vcpus[head].virtual, vcpus[mine].virtual)));
      const rival = keeps ? mine : head;
      if (gives && mine >= 0 && head >= 0) time.bound(u32(mine), u32(head));
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
            const protectedUntil = u64(own.turnStart + time.latency());
            if (protectedUntil < at) at = protectedUntil;
          }
        }
        if (caps !== null && caps.limits(vcpu)) {
          const used = u64(now + u64(vcpus[vcpu].left));
          if (used < at) at = used;
        }
      }
    }
    const parked = waiting.firstParked(cpu);
    if (parked >= 0) {
      const until = waiting.queued.key(u32(parked));
      if (until < at) at = until;
    }
    return at;
  };

  return Object.freeze({
    accounts: true,
    start(rate: u64): void {
      time.start(rate);
      sets.clear();
      for (let i = 0; i < count; i++) {
        vcpus[i].ready = false;
        vcpus[i].on = 0;
        vcpus[i].ran = 0n;
        vcpus[i].virtual = 0n;
        vcpus[i].left = 0n;
        vcpus[i].home = 0;
      }
      for (let i = 0; i < capacity; i++) {
        const own = cpus[i];
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
      for (let i = 0; i < guestCount; i++) {
        groups[i].ready = 0;
        groups[i].owed = 0n;
      }
      waiting.queued.clear();
      if (caps !== null) caps.start(time.slice());
      if (promises !== null) promises.start(rate);
    },
    online(cpu: u32, now: u64): void {
      cpus[cpu].since = now;
      state.online = u64(state.online | bit(cpu));
      tell(bit(cpu));
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
          tell(bit(member.home));
        }
        return;
      }
      account(member.home, now);
      member.virtual = u64(member.virtual - cpus[member.home].lapsed);
      const cpu = placeOf(vcpu, event);
      account(cpu, now);
      member.virtual = arrival(vcpu, cpu, event);
      enqueue(vcpu, cpu, now);
      if (fairCurrent(cpu) >= 0 && behind(member.virtual, cpus[cpu].turnVirtual)) tell(bit(cpu));
    },
    sleep(vcpu: u32, now: u64): void {
      const member = vcpus[vcpu];
      if (!member.ready) return;
      if (member.on !== 0) tell(bit(member.home));
      dequeue(vcpu);
      account(member.home, now);
      member.virtual = u64(member.virtual + cpus[member.home].lapsed);
      member.ready = false;
      const group = groups[guestOf[vcpu]];
      group.ready = u8(group.ready - 1);
    },
    charge(cpu: u32, guest: u32, since: u64, now: u64): void {
      account(cpu, since);
      const own = cpus[cpu];
      const { current } = own;
      if (current < 0 || guestOf[current] === guest) return;
      const ticks = i64(now - own.since);
      if (ticks <= 0n) return;
      own.since = now;
      const group = groups[Math.min(guest, guestCount - 1)];
      const most = i64(span * time.slice());
      const owed = i64(group.owed + ticks);
      group.owed = owed > most ? most : owed;
    },
    choose(cpu: u32, now: u64): i32 {
      const own = cpus[cpu];
      account(cpu, now);
      const wasIdle = own.current < 0;
      settle(cpu, now);
      state.idle = u64(state.idle & ~bit(cpu));
      state.alone = u64(state.alone & ~bit(cpu));
      state.signals = u64(state.signals & ~bit(cpu));
      if (caps !== null || promises !== null) waiting.release(cpu, now);
      const first = waiting.firstPromised(cpu);
      const current = own.current;
      const isPromised = current >= 0 && !isFair(u32(current));
      if (first >= 0 && (!isPromised || behind(vcpus[first].deadline, vcpus[current].deadline))) {
        dequeue(u32(first));
        putBack(cpu, now);
        begin(cpu, u32(first), now);
      } else if (!isPromised) share(cpu, now);
      own.gives = false;
      own.target = -1;
      if (wasIdle) waiting.passOn();
      state.astray = u64(state.astray & ~bit(cpu));
      if (own.current < 0) {
        state.idle = u64(state.idle | bit(cpu));
        if (prefers) tell(state.astray);
      } else if (prefers && isAstray(u32(own.current), cpu)) state.astray = u64(state.astray | bit(cpu));
      if (own.current >= 0 && isFair(u32(own.current)) && !waiting.hasRivals(cpu))
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
      tell(bit(cpu));
    },
    takeSignals(): u64 {
      const signals = state.signals;
      state.signals = 0n;
      return signals;
    },
    ran: (vcpu: u32): u64 => vcpus[vcpu].ran,
  });
}
