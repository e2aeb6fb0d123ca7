/**
 * Registers of vCPUs that VMRUN does not switch: vector and x87 state, XCR0, PKRU, debug address registers, TSC_AUX. Who
 * is alone has them in the CPU for good. Who shares one CPU leaves them there until another vCPU comes. Who may go on on
 * another CPU has them kept in memory whenever it leaves, and they are loaded where the CPU has not still got them.
 */
import { u32 } from "../../../dsl/core/int.ts";
import { array, struct, type FixedArray } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";

/** The registers of the CPU that calls these, and places in memory for them. */
export interface CpuRegisters<S> {
  /** Keeps them, and may change them. */
  save(state: S): void;
  /** Keeps them, and leaves them as they are. */
  copy(state: S): void;
  load(state: S): void;
  /** Makes what is kept that of a RESET. */
  initialise(state: S): void;
  /** Resets the CPU's own. */
  reset(): void;
}

export interface Residency<S> {
  /** By vCPU: its registers, as far as they are in memory. */
  readonly kept: FixedArray<S>;
  /** Gives a CPU, which calls this, a vCPU's registers. */
  hold(cpu: u32, vcpu: u32): void;
  /** The vCPU leaves the CPU that calls this, and may go on on another. */
  putDown(cpu: u32, vcpu: u32): void;
  /** Brings everything that this CPU has to memory, which is what counts from then on. */
  keep(): void;
  /** Gives a vCPU, which no CPU runs, the state after RESET. */
  reset(vcpu: u32): void;
}

/** A number that no vCPU and no CPU has: nobody's registers are there. */
const nobody = 0xffff_ffff;

/** One vCPU on one CPU. */
function alone<S>(registers: CpuRegisters<S>, kept: FixedArray<S>): Residency<S> {
  return Object.freeze({
    kept,
    hold: (_cpu: u32, _vcpu: u32): void => {},
    putDown: (_cpu: u32, _vcpu: u32): void => {},
    keep: (): void => {},
    reset: (_vcpu: u32): void => registers.reset(),
  });
}

/** Several that take turns on one CPU, or one that is saved. */
function takingTurns<S>(registers: CpuRegisters<S>, kept: FixedArray<S>): Residency<S> {
  const count = kept.length;
  const state = storage("extendedStateHolder", struct("ExtendedStateHolder", { loaded: u32 }));
  state.loaded = nobody;
  return Object.freeze({
    kept,
    hold(_cpu: u32, vcpu: u32): void {
      if (state.loaded === vcpu) return;
      if (state.loaded < count) registers.save(kept[state.loaded]);
      registers.load(kept[vcpu]);
      state.loaded = vcpu;
    },
    putDown: (_cpu: u32, _vcpu: u32): void => {},
    keep(): void {
      if (state.loaded < count) registers.save(kept[state.loaded]);
      state.loaded = nobody;
    },
    reset(vcpu: u32): void {
      registers.initialise(kept[vcpu]);
      if (state.loaded === vcpu) state.loaded = nobody;
    },
  });
}

/** Virtual CPUs that go on on any of several CPUs. Called under the kernel's lock. */
function movingAbout<S>(registers: CpuRegisters<S>, kept: FixedArray<S>, cpuCount: number): Residency<S> {
  const count = kept.length;
  /** By CPU: whose registers it has. By vCPU: which CPU had its registers when it left. Equal to memory only where both agree. */
  const loaded: FixedArray<u32> = storage("extendedStatesLoaded", array(u32, cpuCount));
  const holders: FixedArray<u32> = storage("extendedStateHolders", array(u32, count));
  for (let cpu = 0; cpu < cpuCount; cpu++) loaded[cpu] = nobody;
  for (let vcpu = 0; vcpu < count; vcpu++) holders[vcpu] = nobody;
  return Object.freeze({
    kept,
    hold(cpu: u32, vcpu: u32): void {
      if (loaded[cpu] === vcpu && holders[vcpu] === cpu) return;
      registers.load(kept[vcpu]);
      loaded[cpu] = vcpu;
    },
    putDown(cpu: u32, vcpu: u32): void {
      registers.copy(kept[vcpu]);
      holders[vcpu] = cpu;
    },
    keep(): void {
      for (let vcpu = 0; vcpu < count; vcpu++) holders[vcpu] = nobody;
    },
    reset(vcpu: u32): void {
      registers.initialise(kept[vcpu]);
      holders[vcpu] = nobody;
    },
  });
}

/** Keeps the registers of an image's vCPUs, a state each. `isSaved`: it is written away and put back. Build time. */
export function residency<S>(
  registers: CpuRegisters<S>,
  kept: FixedArray<S>,
  cpuCount: number,
  isSaved: boolean,
): Residency<S> {
  if (cpuCount > 1) return movingAbout(registers, kept, cpuCount);
  return kept.length > 1 || isSaved ? takingTurns(registers, kept) : alone(registers, kept);
}
