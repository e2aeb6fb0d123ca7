/**
 * Which vCPUs have a CPU: what wakes one, what takes one from its CPU, and what the scheduler is told of it. Called
 * under the kernel's lock.
 */
import { u32, u64, type i32 } from "../dsl/core/int.ts";
import { ask, cpus, isCurrent, isElsewhere, reschedule } from "./cpu.ts";
import { DomainState, type Domain } from "./domain.ts";
import { machine } from "./machine.ts";
import { processors } from "./processors.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
import { isRunnable, Request, VcpuState, type Vcpu } from "./vcpu.ts";
import { virtualization } from "./virtualization.ts";

export interface Running {
  /** An interrupt source of a vCPU has something new: it looks, and wakes up where it halted for that. */
  notify(vcpu: u32): void;
  /** INIT: a vCPU waits for its start-up message. */
  initialise(vcpu: u32): void;
  /** The start-up message: a vCPU that waits for it begins at `vector << 12`. */
  startUp(vcpu: u32, vector: u32): void;
  /** A domain runs from now on: its vCPUs go on as they stand. */
  admit(domain: Domain): void;
  /** A domain does not run any more: its vCPUs leave their CPUs, which is done when it `isAtRest`. */
  withdraw(domain: Domain): void;
  /** Whether no CPU runs a vCPU of a domain. */
  isAtRest(domain: Domain): boolean;
  /** Out of the nested translations of a domain on all CPUs, what changed in them: returns when no CPU uses the old ones. */
  shootDown(domain: Domain): void;
  /** Begins: nothing can run, and no CPU takes anything. */
  start(): void;
  /** This CPU takes vCPUs from now on. */
  online(): void;
  /** Index of the vCPU that this CPU runs next, -1 for none; and by when the kernel's loop is to look again. */
  choose(): i32;
  deadline(): u64;
  /** Ticks that a vCPU has run so far, up to the last choice of its CPU. */
  ran(vcpu: u32): u64;
  /** A vCPU was taken from this CPU. */
  putDown(vcpu: Vcpu): void;
}

/** Builds it for `count` vCPUs. */
export function running(scheduler: Scheduler, count: number): Running {
  const { capacity } = processors;
  const many = capacity > 1;

  /** Makes the CPUs choose again that have to. */
  const signal = (): void => {
    const wanted = scheduler.takeSignals();
    if (wanted === 0n) return;
    for (let cpu = 0; cpu < capacity; cpu++) if ((wanted & (1n << BigInt(cpu))) !== 0n) reschedule(cpu);
  };
  const begin = (vcpu: Vcpu, event: boolean): void => {
    if (vcpu.domain!.state !== DomainState.running) return;
    scheduler.wake(vcpu.index, machine.now(), event);
    signal();
  };
  const takeAway = (vcpu: Vcpu, why: u32): void => {
    ask(vcpu, why);
    // From a CPU that runs it, it is put down.
    if (isCurrent(vcpu)) return;
    scheduler.sleep(vcpu.index, machine.now());
    signal();
  };
  const isAtRest = (domain: Domain): boolean => {
    for (let i = 0; i < capacity; i++) {
      const vcpu = cpus[i].current;
      if (vcpu !== null && vcpu.domain!.index === domain.index) return false;
    }
    return true;
  };
  /** What does something for each vCPU of a domain. Build time. */
  const forEach =
    (act: (vcpu: Vcpu) => void) =>
    (domain: Domain): void => {
      const end = u32(Math.min(domain.firstVcpu + domain.vcpuCount, count));
      for (let i = 0; i < end; i++) if (i >= domain.firstVcpu) act(virtualization.vcpu(i));
    };
  /** Whom a vCPU that spins may be waiting for: one of its guest's that could run and has no CPU; -1 where there is none. */
  const awaited = (vcpu: Vcpu): i32 => {
    const domain = vcpu.domain!;
    const end = u32(Math.min(domain.firstVcpu + domain.vcpuCount, count));
    for (let i = 0; i < end; i++) {
      if (i >= domain.firstVcpu && i !== vcpu.index) {
        const other = virtualization.vcpu(i);
        if (isRunnable(other) && !isCurrent(other)) return i;
      }
    }
    return -1;
  };
  const flush = forEach((vcpu: Vcpu): void => ask(vcpu, Request.flush));
  const awaitOut = forEach((vcpu: Vcpu): void => {
    if (isElsewhere(vcpu)) processors.awaitOut(vcpu.cpu);
  });

  return Object.freeze({
    notify(index: u32): void {
      const vcpu = virtualization.vcpu(index);
      if (vcpu.state !== VcpuState.halted) {
        ask(vcpu, Request.interrupt);
        return;
      }
      vcpu.requests.or(Request.interrupt);
      if (!virtualization.wakes(vcpu)) return;
      vcpu.state = VcpuState.running;
      begin(vcpu, true);
    },
    initialise(index: u32): void {
      const vcpu = virtualization.vcpu(index);
      vcpu.state = VcpuState.waiting;
      takeAway(vcpu, Request.yield);
    },
    startUp(index: u32, vector: u32): void {
      const vcpu = virtualization.vcpu(index);
      if (vcpu.state !== VcpuState.waiting) return;
      vcpu.startVector = vector;
      vcpu.state = VcpuState.starting;
      begin(vcpu, false);
    },
    admit: forEach((vcpu: Vcpu): void => {
      vcpu.requests.and(~Request.domain >>> 0);
      if (vcpu.state === VcpuState.halted && virtualization.wakes(vcpu)) vcpu.state = VcpuState.running;
      if (isRunnable(vcpu)) begin(vcpu, false);
    }),
    withdraw: forEach((vcpu: Vcpu): void => takeAway(vcpu, Request.domain)),
    isAtRest,
    shootDown(domain: Domain): void {
      flush(domain);
      if (many) awaitOut(domain);
    },
    start: (): void => scheduler.start(machine.ticksPerSecond()),
    online(): void {
      scheduler.online(processors.here(), machine.now());
      signal();
    },
    choose(): i32 {
      const here = processors.here();
      const now = machine.now();
      if (scheduler.accounts) {
        const cpu = cpus[here];
        if (cpu.servedFor !== 0) scheduler.charge(here, u32(cpu.servedFor - 1), cpu.putDownAt, now);
        cpu.servedFor = 0;
      }
      const chosen = scheduler.choose(here, now);
      signal();
      if (scheduler.accounts || chosen < 0) return chosen;
      const vcpu = virtualization.vcpu(u32(Math.min(chosen, count - 1)));
      return isRunnable(vcpu) && vcpu.domain!.state === DomainState.running ? chosen : -1;
    },
    deadline: (): u64 => scheduler.deadline(processors.here()),
    ran: (vcpu: u32): u64 => scheduler.ran(vcpu),
    putDown(vcpu: Vcpu): void {
      const cpu = processors.here();
      cpus[cpu].current = null;
      const now = machine.now();
      if (scheduler.accounts) cpus[cpu].putDownAt = now;
      if (!isRunnable(vcpu) || vcpu.domain!.state !== DomainState.running) scheduler.sleep(vcpu.index, now);
      else if (vcpu.spins) scheduler.giveWay(cpu, awaited(vcpu), now);
      vcpu.spins = false;
    },
  });
}
