/**
 * A domain: one guest, its memory, its vCPUs and its life.
 */
import { bool, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { SlotTable } from "./slots.ts";
import { GuestTime } from "./timebase.ts";

/** Where a domain is in its life. */
export enum DomainState {
  /** Memory and vCPUs are there, nothing was ever loaded. */
  defined = 0,
  running = 1,
  /** Its vCPUs and its clock are held; all else is as it was. */
  paused = 2,
  /** Ended in an orderly way, by itself or by the operator. */
  stopped = 3,
  /** Ended by what it did: `reason` says why. */
  crashed = 4,
  /** Is to be loaded and run. */
  starting = 5,
  /** Asked for a restart. */
  restarting = 6,
  /** Turned itself off. */
  poweredOff = 7,
  /** Is loaded and runs as soon as its memory is cleared. */
  loading = 8,
}

/** Why a guest was stopped or restarted. Each has a sentence in `notices.ts`. */
export enum StopReason {
  none = 0,
  powerOff = 1,
  reboot = 2,
  /** A fault while delivering a double fault, or a shutdown event. */
  tripleFault = 3,
  /** The CPU refused the guest's state at an entry. */
  invalidState = 4,
  /** An access to guest-physical memory that could not be performed: `detail` is the address. */
  memoryAccess = 5,
  /** An instruction that the emulator does not perform: `detail` holds its first 8 bytes. */
  emulation = 6,
  /** An exit that the guest should not be able to cause: `detail` is its code. */
  unexpectedExit = 7,
  /** HLT with interrupts off and nothing that could wake the vCPU. */
  haltedForever = 8,
  /** A task switch, which is not virtualised. */
  taskSwitch = 9,
  /** The operator stopped it. */
  operator = 10,
  /** It did not turn itself off in time after its power button was pressed. */
  deadline = 11,
}

export const Domain = struct("Domain", {
  index: u32,
  /** `DomainState`. */
  state: u32,
  firstVcpu: u32,
  vcpuCount: u32,
  /** `StopReason` of the last stop. */
  reason: u32,
  restarts: u32,
  stopRip: u64,
  stopDetail: u64,
  /** The vCPU, by its number in the domain, whose doing ended it. */
  endedBy: u32,
  /** Ends in a row, none of which followed on a run in calm. */
  endsInRow: u32,
  /** Host ticks of the last start, and of the restart that it waits for; 0: it waits for none. */
  startedAt: u64,
  restartAt: u64,
  /** Host ticks at which it is stopped, unless it has turned itself off by then; 0: it was not asked to. */
  stopBy: u64,
  time: GuestTime,
  slots: SlotTable,
  /** Root of the nested translation, host-physical; the platform's. */
  translationRoot: u64,
  /** Bytes at the end of its own memory that may hold something. */
  uncleared: u64,
  /** What `state` says is still to be done: by the kernel's loop, once none of the vCPUs is on a CPU. */
  changed: bool,
});
export type Domain = ValueOf<typeof Domain>;

/** Lets a domain go over to a state; the kernel's loop does what that asks for. */
export function changeDomain(domain: Domain, state: u32, reason: u32, rip: u64, detail: u64): void {
  domain.state = state;
  domain.reason = reason;
  domain.stopRip = rip;
  domain.stopDetail = detail;
  domain.restartAt = 0n;
  domain.changed = true;
}

/** Whether a domain neither runs nor is about to. */
export function isIdle(domain: Domain): boolean {
  const state = domain.state;
  return state !== DomainState.running && state !== DomainState.loading && !domain.changed;
}

/** Ends a domain's run for a reason, unless it has ended; what follows is as the manifest says. */
export function stopDomain(domain: Domain, state: u32, reason: u32, rip: u64, detail: u64): void {
  // A vCPU's last exit may come to its end after the domain was paused.
  if (domain.state === DomainState.running || domain.state === DomainState.paused)
    changeDomain(domain, state, reason, rip, detail);
}
