/** The policy where every vCPU has a CPU of its own: there is nothing to decide, and the image has next to no code for it. */
import { i32, u32, u64 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { never } from "../machine.ts";
import type { Scheduler } from "./scheduler.ts";

/** Builds it: `cpus` are the CPUs of the vCPUs, `capacity` is how many CPUs there may be. */
export function pinned(cpus: readonly number[], capacity: number): Scheduler {
  if (capacity === 1)
    return Object.freeze({ ...still, wake: (): void => undefined, takeSignals: (): u64 => 0n });
  const vcpus = Object.freeze(Array.from({ length: capacity }, (_, cpu) => cpus.indexOf(cpu)));
  const homes = Object.freeze([...cpus]);
  const [lastCpu, lastVcpu] = [capacity - 1, cpus.length - 1];
  const state = storage("pinnedState", struct("PinnedState", { signals: u64 }));
  return Object.freeze({
    ...still,
    wake(vcpu: u32, _now: u64, _event: boolean): void {
      state.signals = u64(state.signals | (1n << BigInt(homes[Math.min(vcpu, lastVcpu)] & 63)));
    },
    choose: (cpu: u32, _now: u64): i32 => vcpus[Math.min(cpu, lastCpu)],
    takeSignals(): u64 {
      const signals = state.signals;
      state.signals = 0n;
      return signals;
    },
  });
}

/** What is the same wherever nothing is decided. */
const still = Object.freeze({
  accounts: false,
  start: (_rate: u64): void => undefined,
  online: (_cpu: u32, _now: u64): void => undefined,
  sleep: (_vcpu: u32, _now: u64): void => undefined,
  charge: (_cpu: u32, _guest: u32, _since: u64, _now: u64): void => undefined,
  choose: (_cpu: u32, _now: u64): i32 => 0,
  deadline: (_cpu: u32): u64 => never,
  giveWay: (_cpu: u32, _to: i32, _now: u64): void => undefined,
  ran: (_vcpu: u32): u64 => 0n,
});
