/**
 * The lives of the guests. Whoever wants a guest to start, to stop or to restart changes its state; what that asks for
 * (clearing its memory, loading it, withdrawing its timers) is done here, by the kernel's loop, once none of its vCPUs
 * is on a CPU any more.
 */
import { u32, u64 } from "../dsl/core/int.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import type { GuestModel, ImageModel } from "../dsl/manifest/model.ts";
import type { BoardParts } from "./board.ts";
import { bootInfo, BootProblem } from "./boot.ts";
import type { CrashDumps } from "./crash-dump.ts";
import { serveGuest } from "./cpu.ts";
import { changeDomain, DomainState, StopReason, type Domain } from "./domain.ts";
import {
  guestAsked,
  guestEnded,
  guestGivenUp,
  guestPaused,
  guestRestarted,
  guestResumed,
  guestStarted,
  guestStopped,
  guestUnloadable,
  guestWaits,
  type EventRings,
} from "./events.ts";
import { machine } from "./machine.ts";
import { restartPolicy, type Restart } from "./restart-policy.ts";
import { powerButtons } from "./power-button.ts";
import type { Running } from "./running.ts";
import { clearPiece, clearVolatilePiece, ownBytes } from "./slots.ts";
import { convert, pauseGuestTime, resumeGuestTime, startGuestTime } from "./timebase.ts";
import { Request, VcpuState } from "./vcpu.ts";
import { virtualization } from "./virtualization.ts";

/** Whether an image restarts some guest by a policy. Build time. */
export function hasPolicies({ guests }: Pick<ImageModel, "guests">): boolean {
  return guests.some(({ power }) => power.rebootPolicy !== null || power.crashPolicy !== null);
}

/** Memory that is cleared in one turn of the kernel's loop, which others wait for: a tenth of a millisecond's worth. */
const pieceBytes = 0x10_0000n;
/** How long others run before the next piece: a second shifted right by this, 2 ms. */
const turnShift = 9n;

export interface Lifecycle {
  /** Lets a domain start from its beginning, whatever it does now. */
  start(domain: Domain): void;
  /** Asks a domain that runs to turn itself off, and stops it when it has not done so after `ticks`. */
  stop(domain: Domain, ticks: u64): void;
  /** Stops a domain at once. */
  kill(domain: Domain): void;
  /** Holds a domain that runs, and its clock. */
  pause(domain: Domain): void;
  /** Lets a domain that is paused go on. */
  resume(domain: Domain): void;
  /** Stops a domain's vCPUs, none of which is on a CPU, and withdraws its timers. */
  rest(domain: Domain): void;
  /** Does what the domains' states ask for; true where there is more to do, whatever comes. */
  settle(): boolean;
}

/** What the lives of guests are made of. */
export interface LifecycleParts {
  readonly guests: readonly GuestModel[];
  readonly domains: FixedArray<Domain>;
  readonly board: BoardParts;
  readonly rings: EventRings;
  readonly vcpus: Running;
  /** What is kept of guests that crash; null: nothing. */
  readonly dumps: CrashDumps | null;
  /** Whether there is an operator, who pauses and stops guests. */
  readonly operated: boolean;
  /** Ends what disks have under way into a guest's memory. */
  drainVolumes(guest: u32): void;
  /** A guest stays stopped: says and sends what waits. */
  ended(): void;
}

/** Builds it. */
export function lifecycle(parts: LifecycleParts): Lifecycle {
  const { domains, board, rings, vcpus, operated } = parts;
  const guests = Object.freeze(
    parts.guests.map(({ index, memoryBytes, power }) =>
      Object.freeze({
        index,
        megabytes: BigInt(memoryBytes) >> 20n,
        powersMachineOff: power.onPowerOff === "power-off-machine",
        restartsOnReboot: power.onReboot === "restart",
        restartsOnCrash: power.onCrash === "restart",
        rebootPolicy: power.rebootPolicy === null ? null : restartPolicy(power.rebootPolicy),
        crashPolicy: power.crashPolicy === null ? null : restartPolicy(power.crashPolicy),
      }),
    ),
  );
  const delays = hasPolicies(parts);
  const press = powerButtons(board);
  const hasFlash = parts.guests.some((g) => g.slots.some(({ kind }) => kind === "flash"));
  const vcpuCount = parts.guests.reduce((sum, g) => sum + g.vcpus.length, 0);
  const endOf = (domain: Domain): u32 => u32(Math.min(domain.firstVcpu + domain.vcpuCount, vcpuCount));

  /** Loads a domain, whose memory is clear, and lets its first vCPU run. */
  const load = (domain: Domain): void => {
    domain.uncleared = ownBytes(domain.slots);
    startGuestTime(domain.time);
    board.enterGuest(domain.index);
    board.restart(domain.index);
    const loaded = virtualization.load(domain, bootInfo);
    if (loaded.problem !== BootProblem.none) {
      domain.state = DomainState.crashed;
      rings.record(guestUnloadable, BigInt(domain.index), BigInt(loaded.problem), 0n, 0n);
      return;
    }
    domain.state = DomainState.running;
    domain.stopBy = 0n;
    domain.startedAt = machine.now();
    const end = endOf(domain);
    for (let i = 0; i < end; i++) {
      if (i >= domain.firstVcpu) {
        const vcpu = virtualization.vcpu(i);
        vcpu.state = i === domain.firstVcpu ? VcpuState.running : VcpuState.waiting;
        vcpu.requests.store(Request.interrupt | Request.flush);
      }
    }
    vcpus.admit(domain);
  };
  const rest = (domain: Domain): void => {
    board.silence(domain.index);
    const end = endOf(domain);
    for (let i = 0; i < end; i++) if (i >= domain.firstVcpu) virtualization.vcpu(i).state = VcpuState.stopped;
  };
  /** Lets a domain that ended wait for its restart, unless it ended too often. */
  const delay = (domain: Domain, decide: (inRow: u32, ranNs: u64) => Restart): void => {
    const { time } = domain;
    const now = machine.now();
    const next = decide(domain.endsInRow, convert(time.toNs, u64(now - domain.startedAt)));
    domain.endsInRow = next.inRow;
    const index = BigInt(domain.index);
    if (!next.again) {
      rings.record(guestGivenUp, index, BigInt(next.inRow), 0n, 0n);
      return;
    }
    rings.record(guestWaits, index, u64(next.delayNs / 1_000_000n), 0n, 0n);
    domain.restartAt = u64(now + convert(time.fromNs, next.delayNs));
  };
  const waitForRestart = (domain: Domain): void => {
    for (const g of guests) {
      if (domain.index === g.index) {
        const reboots = domain.state === DomainState.restarting;
        if (reboots && g.rebootPolicy !== null) delay(domain, g.rebootPolicy);
        if (!reboots && g.crashPolicy !== null) delay(domain, g.crashPolicy);
      }
    }
  };
  const restart = (domain: Domain): void => {
    domain.restarts = u32(domain.restarts + 1);
    const reason = BigInt(domain.reason);
    rings.record(guestRestarted, BigInt(domain.index), reason, domain.stopDetail, domain.stopRip);
    rest(domain);
    domain.state = DomainState.loading;
  };

  const dump = (domain: Domain): void => {
    if (parts.dumps !== null && domain.state === DomainState.crashed) parts.dumps.keep(domain);
  };

  /** What follows on a domain's end. */
  const end = (domain: Domain): void => {
    const index = BigInt(domain.index);
    const reason = domain.reason;
    let again = false;
    let delayed = false;
    let powerOff = false;
    for (const g of guests) {
      if (domain.index === g.index) {
        // Who asks a guest to turn itself off means the guest.
        if (domain.state === DomainState.poweredOff) powerOff = g.powersMachineOff && domain.stopBy === 0n;
        else if (operated && domain.state === DomainState.stopped) again = false;
        else if (domain.state === DomainState.restarting) {
          again = g.restartsOnReboot;
          delayed = g.rebootPolicy !== null;
        } else {
          again = g.restartsOnCrash;
          delayed = g.crashPolicy !== null;
        }
      }
    }
    if (again && !delayed) {
      dump(domain);
      restart(domain);
      return;
    }
    if (domain.state === DomainState.poweredOff)
      rings.record(guestEnded, index, BigInt(reason), domain.stopDetail, domain.stopRip);
    else rings.record(guestStopped, index, BigInt(reason), domain.stopDetail, domain.stopRip);
    dump(domain);
    if (delays && delayed) waitForRestart(domain);
    if (domain.state !== DomainState.crashed) domain.state = DomainState.stopped;
    rest(domain);
    parts.ended();
    if (powerOff) machine.powerOff();
  };
  const settleOne = (domain: Domain, megabytes: u64): void => {
    vcpus.withdraw(domain);
    if (!vcpus.isAtRest(domain)) return;
    domain.changed = false;
    if (operated && domain.state === DomainState.paused) {
      pauseGuestTime(domain.time);
      return;
    }
    parts.drainVolumes(domain.index);
    if (domain.state === DomainState.starting) {
      rings.record(guestStarted, BigInt(domain.index), megabytes, 0n, 0n);
      domain.state = DomainState.loading;
    } else end(domain);
  };
  /**
   * Clears some of the memory of a domain that does not run: what a guest has left is gone before another thing is done with
   * it, and others get their turns meanwhile.
   */
  const clear = (domain: Domain): boolean => {
    const left = domain.uncleared;
    if (left !== 0n) {
      if (guests.length > 1) serveGuest(domain.index);
      const from = u64(ownBytes(domain.slots) - left);
      // What lies in flash outlives the guest.
      const step = hasFlash
        ? clearVolatilePiece(domain.slots, from, pieceBytes)
        : clearPiece(domain.slots, from, pieceBytes);
      domain.uncleared = step === 0n || step > left ? 0n : u64(left - step);
      return true;
    }
    if (domain.state === DomainState.loading) load(domain);
    return false;
  };

  return Object.freeze({
    start: (domain: Domain): void => changeDomain(domain, DomainState.starting, StopReason.none, 0n, 0n),
    stop(domain: Domain, ticks: u64): void {
      if (domain.state !== DomainState.running) return;
      domain.stopBy = u64(machine.now() + ticks);
      rings.record(guestAsked, BigInt(domain.index), 0n, 0n, 0n);
      // Without a button, there is nothing to wait for.
      if (!press(domain.index)) domain.stopBy = machine.now();
    },
    kill: (domain: Domain): void => changeDomain(domain, DomainState.stopped, StopReason.operator, 0n, 0n),
    pause(domain: Domain): void {
      if (domain.state !== DomainState.running) return;
      domain.state = DomainState.paused;
      domain.changed = true;
      rings.record(guestPaused, BigInt(domain.index), 0n, 0n, 0n);
    },
    resume(domain: Domain): void {
      if (domain.state !== DomainState.paused) return;
      domain.changed = false;
      // Nothing where one of its vCPUs has not left its CPU yet.
      const held = resumeGuestTime(domain.time);
      virtualization.followClock(domain);
      // Even then: what came due meanwhile was held on its CPU, whose timer is armed for it no more.
      board.postpone(domain.index, held);
      domain.state = DomainState.running;
      vcpus.admit(domain);
      rings.record(guestResumed, BigInt(domain.index), 0n, 0n, 0n);
    },
    rest,
    settle(): boolean {
      let more = false;
      for (const g of guests) {
        const domain = domains[g.index];
        if (operated && domain.stopBy !== 0n && domain.state === DomainState.running) {
          if (machine.now() >= domain.stopBy)
            changeDomain(domain, DomainState.stopped, StopReason.deadline, 0n, 0n);
          else board.timers.wakeBy(domain.stopBy);
        }
        if (delays && domain.restartAt !== 0n) {
          if (machine.now() >= domain.restartAt) {
            domain.restartAt = 0n;
            restart(domain);
          } else board.timers.wakeBy(domain.restartAt);
        }
        if (domain.changed) settleOne(domain, g.megabytes);
        const state = domain.state;
        if (!domain.changed && state !== DomainState.running && state !== DomainState.paused)
          more = clear(domain) || more;
      }
      // Beside a guest that runs alone, which nothing else would interrupt.
      if (more) board.timers.wakeBy(u64(machine.now() + (machine.ticksPerSecond() >> turnShift)));
      return more;
    },
  });
}
