/** Sets of CPUs as bits of one word: where work waits, and who has to be told. */
import { u32, u64 } from "../../dsl/core/int.ts";
import { lowestBit } from "../../dsl/core/intrinsics.ts";
import { array, struct, type FixedArray, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Members } from "./members.ts";

const stateOf = (classCount: number) =>
  struct("SchedulerState", {
    /** Bits of CPUs: those that run guests, those without work, those whose vCPU has no rival, those to be told. */
    online: u64,
    idle: u64,
    alone: u64,
    signals: u64,
    /** Those whose vCPU prefers another. */
    astray: u64,
    /** By class: CPUs on which some wait. */
    waiting: array(u64, Math.max(classCount, 1)),
  });

/** The sets of an image. */
export interface CpuSets {
  readonly state: ValueOf<ReturnType<typeof stateOf>>;
  /** By class: the CPUs of its vCPUs. */
  readonly classCpus: FixedArray<u64>;
  /** The set of one CPU. */
  bit(cpu: u32): u64;
  /** The first CPU of a set that has one. */
  firstOf(bits: u64): u32;
  /** Has some CPUs choose again. */
  tell(bits: u64): void;
  /** Empties all. */
  clear(): void;
}

/** Lays them out. */
export function cpuSets({ classes, capacity }: Members): CpuSets {
  const count = Math.max(classes.length, 1);
  const state = storage("schedulerState", stateOf(count));
  const classCpus = storage("classCpus", array(u64, count), { constant: true });
  for (const [k, { cpus }] of classes.entries())
    classCpus[k] = cpus.reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n);
  return Object.freeze({
    state,
    classCpus,
    bit: (cpu: u32): u64 => u64(1n << BigInt(cpu & 63)),
    firstOf: (bits: u64): u32 => Math.min(lowestBit(bits), capacity - 1),
    tell(bits: u64): void {
      state.signals = u64(state.signals | bits);
    },
    clear(): void {
      state.online = 0n;
      state.idle = 0n;
      state.alone = 0n;
      state.signals = 0n;
      state.astray = 0n;
      for (let k = 0; k < count; k++) state.waiting[k] = 0n;
    },
  });
}
