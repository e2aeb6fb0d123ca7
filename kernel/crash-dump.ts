/** What is kept of guests that have crashed, until they crash again: the registers and the stack of the vCPU that did it. */
import { u32, u64 } from "../dsl/core/int.ts";
import { array, struct, type FixedArray, type ValueOf } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Domain } from "./domain.ts";
import { guestDumped, type EventRings } from "./events.ts";
import { virtualization } from "./virtualization.ts";

/** Return addresses of a dump at most. */
export const mostFrames = 16;
/** Registers of a dump at most. */
const mostRegisters = 48;

const CrashDump = struct("CrashDump", {
  /** 1 where there is one. */
  kept: u32,
  /** `StopReason`. */
  reason: u32,
  /** The vCPU, by its number in the domain. */
  vcpu: u32,
  frameCount: u32,
  registers: array(u64, mostRegisters),
  frames: array(u64, mostFrames),
});
export type CrashDump = ValueOf<typeof CrashDump>;

export interface CrashDumps {
  /** Keeps what the vCPU that ended a domain's run has; it is on no CPU, and the guest's memory is as it was. */
  keep(domain: Domain): void;
  /** The dump of each guest. */
  readonly dumps: FixedArray<CrashDump>;
}

/** Builds the dumps of `guests` guests with `vcpus` vCPUs together. */
export function crashDumps(guests: number, vcpus: number, rings: EventRings): CrashDumps {
  const dumps = storage("crashDumps", array(CrashDump, guests));
  return Object.freeze({
    dumps,
    keep(domain: Domain): void {
      const dump = dumps[Math.min(domain.index, guests - 1)];
      const vcpu = u32(Math.min(domain.firstVcpu + domain.endedBy, vcpus - 1));
      virtualization.dumpRegisters(vcpu, dump.registers);
      const frames = virtualization.dumpFrames(vcpu, dump.frames);
      dump.kept = 1;
      dump.reason = domain.reason;
      dump.vcpu = domain.endedBy;
      dump.frameCount = u32(Math.min(frames, mostFrames));
      rings.record(guestDumped, BigInt(domain.index), BigInt(domain.endedBy), u64(frames), domain.stopRip);
    },
  });
}
