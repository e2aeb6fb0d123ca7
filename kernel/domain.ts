/**
 * A domain: one guest, its memory, its vCPUs and its life.
 */
import { array, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { SlotTable } from "./slots.ts";
import { GuestTime } from "./timebase.ts";

/** Where a domain is in its life. */
export enum DomainState {
  /** Memory and vCPUs are there, nothing is loaded. */
  built = 0,
  running = 1,
  /** Asked for a restart: the kernel's loop reloads it. */
  restarting = 2,
  /** Ended in the way that it wanted: power-off. */
  poweredOff = 3,
  /** Ended by what it did: `reason` says why. */
  crashed = 4,
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
  time: GuestTime,
  slots: SlotTable,
  /** Root of the nested translation, host-physical; the platform's. */
  translationRoot: u64,
  /** Tag of its translations on the CPU. */
  translationTag: u32,
  spare: array(u32, 1),
});
export type Domain = ValueOf<typeof Domain>;

/** Ends a domain's run for a reason; the kernel's loop does what the manifest says follows. */
export function stopDomain(domain: Domain, state: u32, reason: u32, rip: u64, detail: u64): void {
  if (domain.state !== DomainState.running) return;
  domain.state = state;
  domain.reason = reason;
  domain.stopRip = rip;
  domain.stopDetail = detail;
}
