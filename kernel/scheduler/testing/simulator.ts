/**
 * A machine with nothing but CPUs, time and vCPUs that compute and wait: it asks a scheduler what to run, does it, and
 * looks on. Events are taken in the order of time; the same seed gives the same run. Times are nanoseconds, and a tick is one.
 */
import type { Scheduler, ScheduledImage } from "../scheduler.ts";
import { never } from "../../machine.ts";

/** What a vCPU does: it computes for a while, then waits for an event for a while; both are drawn at random up to twice these. */
export interface Behaviour {
  readonly computeNs: number;
  readonly waitNs: number;
}
/** It computes for good. */
export const busy: Behaviour = { computeNs: Infinity, waitNs: 0 };

/** How a simulation goes. */
export interface SimulationOptions {
  readonly seed: number;
  /** CPUs of the machine; as many as the image can use unless said. */
  readonly cpus?: number;
  /** By vCPU; what is missing computes for good. */
  readonly behaviours?: readonly (Behaviour | undefined)[];
  /** How late a timer or a signal may be. */
  readonly lateNs?: number;
  /** Called whenever a CPU has chosen. */
  readonly watch?: (sim: Simulation) => void;
}

/** A vCPU of a simulation. */
export interface SimulatedVcpu {
  readonly index: number;
  readonly guest: number;
  readonly allowed: readonly number[];
  ready: boolean;
  /** The CPU that runs it, or -1. */
  on: number;
  lastCpu: number;
  /** How long it has run. */
  ranNs: number;
  /** How much it computes until it waits, and when it is woken. */
  leftNs: number;
  wakesAt: number;
  /** Since when it is ready and does not run. */
  since: number;
  longestWaitNs: number;
  /** Since when it has been woken by an event without running, or NaN. */
  wokenAt: number;
  longestWakeNs: number;
  moves: number;
}

/** A CPU of a simulation. */
export interface SimulatedCpu {
  current: number;
  /** When it chooses next. */
  looksAt: number;
  choices: number;
}

/** A simulation. */
export interface Simulation {
  readonly now: number;
  readonly cpus: readonly SimulatedCpu[];
  readonly vcpus: readonly SimulatedVcpu[];
  /** Choices of all CPUs. */
  readonly steps: number;
  /** What is wrong, told once each. */
  readonly problems: readonly string[];
  /** Goes on until a moment. */
  run(untilNs: number): void;
  /** Puts a vCPU to sleep, or wakes it, from outside. */
  sleep(vcpu: number): void;
  wake(vcpu: number): void;
  /** What a CPU runs gives way to a vCPU, or to any (-1). */
  giveWay(cpu: number, to: number): void;
}

const rate = 1_000_000_000n;

/** Numbers from 0 to 1 that only look random (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sets a machine up, with every vCPU started at 0. */
export function simulate(
  scheduler: Scheduler,
  image: ScheduledImage,
  options: SimulationOptions,
): Simulation {
  const { seed, behaviours = [], lateNs = 0, watch } = options;
  const random = randomFrom(seed);
  const problems: string[] = [];
  let now = 0;
  let steps = 0;
  const vcpus: SimulatedVcpu[] = image.guests.flatMap(({ index, schedule }) =>
    schedule.places.map(({ cpus }) => ({
      ...{ index: 0, guest: index, allowed: cpus, ready: false, on: -1, lastCpu: -1, ranNs: 0 },
      ...{
        leftNs: Infinity,
        wakesAt: Infinity,
        since: 0,
        longestWaitNs: 0,
        wokenAt: NaN,
        longestWakeNs: 0,
        moves: 0,
      },
    })),
  );
  vcpus.forEach((v, i) => Object.assign(v, { index: i }));
  const cpus: SimulatedCpu[] = Array.from({ length: options.cpus ?? image.cpuCapacity }, () => ({
    ...{ current: -1, looksAt: Infinity, choices: 0 },
  }));
  const wrong = (what: string): void => {
    if (problems.length < 10) problems.push(`at ${now} ns: ${what}`);
  };
  const late = (): number => Math.floor(random() * lateNs);
  const drawn = (mean: number): number => (mean === Infinity ? mean : Math.ceil(random() * 2 * mean));
  const behaviourOf = (v: SimulatedVcpu): Behaviour => behaviours[v.index] ?? busy;

  const takeSignals = (): void => {
    const bits = scheduler.takeSignals();
    for (const [i, cpu] of cpus.entries())
      if ((bits >> BigInt(i)) & 1n) cpu.looksAt = Math.min(cpu.looksAt, now + late());
    if (bits >> BigInt(cpus.length)) wrong(`CPUs are signalled that are not there: ${bits.toString(2)}`);
  };
  const wake = (v: SimulatedVcpu, event: boolean): void => {
    v.ready = true;
    v.since = now;
    if (event) v.wokenAt = now;
    v.wakesAt = Infinity;
    v.leftNs = drawn(behaviourOf(v).computeNs);
    scheduler.wake(v.index, BigInt(now), event);
    takeSignals();
  };
  const sleep = (v: SimulatedVcpu): void => {
    v.ready = false;
    v.wokenAt = NaN;
    scheduler.sleep(v.index, BigInt(now));
    takeSignals();
  };
  const leave = (cpu: SimulatedCpu): void => {
    if (cpu.current < 0) return;
    const v = vcpus[cpu.current]!;
    v.on = -1;
    v.since = now;
    cpu.current = -1;
  };
  const choose = (index: number): void => {
    const cpu = cpus[index]!;
    steps++;
    cpu.choices++;
    const next = scheduler.choose(index, BigInt(now));
    if (next !== cpu.current) {
      leave(cpu);
      if (next >= 0) {
        const v = vcpus[next]!;
        if (v.on >= 0) wrong(`vCPU ${next} is chosen on CPU ${index} and runs on CPU ${v.on}`);
        if (!v.ready) wrong(`vCPU ${next} is chosen and cannot run`);
        if (!v.allowed.includes(index)) wrong(`vCPU ${next} is chosen on CPU ${index}`);
        v.longestWaitNs = Math.max(v.longestWaitNs, now - v.since);
        if (v.lastCpu >= 0 && v.lastCpu !== index) v.moves++;
        v.on = v.lastCpu = index;
        cpu.current = next;
      }
    }
    if (cpu.current >= 0) {
      const v = vcpus[cpu.current]!;
      if (!Number.isNaN(v.wokenAt)) v.longestWakeNs = Math.max(v.longestWakeNs, now - v.wokenAt);
      v.wokenAt = NaN;
    }
    const deadline = scheduler.deadline(index);
    if (deadline !== never && deadline < BigInt(now)) wrong(`CPU ${index} is to choose again in the past`);
    cpu.looksAt = deadline === never ? Infinity : Number(deadline) + late();
    takeSignals();
    watch?.(simulation);
  };
  /** Nobody who may run waits beside a CPU that could run it and has been told nothing, for longer than signals take. */
  const checkWork = (): void => {
    for (const [i, cpu] of cpus.entries()) {
      if (cpu.current >= 0 || cpu.looksAt <= now + lateNs) continue;
      for (const v of vcpus) {
        const { capPercent, realtime } = image.guests[v.guest]!.schedule;
        if (
          v.ready &&
          v.on < 0 &&
          now - v.since > 2 * lateNs &&
          v.allowed.includes(i) &&
          capPercent === null &&
          realtime === null
        )
          wrong(`vCPU ${v.index} waits, and CPU ${i} is idle`);
      }
    }
  };

  const simulation: Simulation = {
    cpus,
    vcpus,
    problems,
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    run(untilNs) {
      for (;;) {
        let next = untilNs;
        for (const cpu of cpus) {
          next = Math.min(next, cpu.looksAt);
          if (cpu.current >= 0) next = Math.min(next, now + vcpus[cpu.current]!.leftNs);
        }
        for (const v of vcpus) next = Math.min(next, v.wakesAt);
        const elapsed = next - now;
        for (const { current } of cpus) {
          if (current < 0) continue;
          vcpus[current]!.ranNs += elapsed;
          vcpus[current]!.leftNs -= elapsed;
        }
        now = next;
        if (now >= untilNs) return;
        for (const v of vcpus) if (v.wakesAt <= now) wake(v, true);
        for (const [i, cpu] of cpus.entries()) {
          if (cpu.current >= 0) {
            const v = vcpus[cpu.current]!;
            if (v.leftNs <= 0 && v.ready) {
              sleep(v);
              v.wakesAt = now + Math.max(drawn(behaviourOf(v).waitNs), 1);
              cpu.looksAt = now;
            }
          }
          if (cpu.looksAt <= now) choose(i);
        }
        checkWork();
      }
    },
    sleep(index) {
      const v = vcpus[index]!;
      v.wakesAt = Infinity;
      if (v.ready) sleep(v);
    },
    wake(index) {
      const v = vcpus[index]!;
      if (!v.ready) wake(v, false);
    },
    giveWay(cpu, to) {
      scheduler.giveWay(cpu, to, BigInt(now));
      takeSignals();
    },
  };
  scheduler.start(rate);
  for (const i of cpus.keys()) scheduler.online(i, 0n);
  takeSignals();
  for (const v of vcpus) wake(v, false);
  return simulation;
}

/** The shares of CPUs that weights come to, with nobody getting more than one CPU. */
export function fairShares(weights: readonly number[], cpus: number): readonly number[] {
  const shares = weights.map(() => 0);
  let open = weights.map((_, i) => i);
  let left = Math.min(cpus, weights.length);
  for (;;) {
    const sum = open.reduce((s, i) => s + weights[i]!, 0);
    const full = open.filter((i) => (weights[i]! / sum) * left > 1);
    if (full.length === 0) {
      for (const i of open) shares[i] = (weights[i]! / sum) * left;
      return shares;
    }
    for (const i of full) shares[i] = 1;
    open = open.filter((i) => !full.includes(i));
    left -= full.length;
    if (open.length === 0) return shares;
  }
}
