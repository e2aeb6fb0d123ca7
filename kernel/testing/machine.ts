/** A machine for tests: a clock that is set by hand, and a console that remembers. */
import { provide } from "../../dsl/core/binding.ts";
import { u64, type i32, type u8 } from "../../dsl/core/int.ts";
import { machine, never, type Machine } from "../machine.ts";

/** What a test sets and sees. */
export interface ModelMachine {
  ticks: bigint;
  rate: bigint;
  armed: bigint;
  readonly output: number[];
  readonly input: number[];
  readonly debug: number[];
}

/** Provides a machine whose clock starts at `ticks`. */
export function modelMachine(rate = 1_000_000_000n, ticks = 0n): ModelMachine {
  const state: ModelMachine = { ticks, rate, armed: never, output: [], input: [], debug: [] };
  const stop = (what: string) => (): never => {
    throw new Error(what);
  };
  const model: Machine = {
    now: () => u64(state.ticks),
    ticksPerSecond: () => u64(state.rate),
    wallClockSeconds: () => 1_700_000_000n,
    wallClockTicks: () => 0n,
    armTimer: (deadline) => {
      state.armed = deadline;
    },
    cpuIndex: () => 0,
    signalCpu: () => undefined,
    disableInterrupts: () => undefined,
    enableInterrupts: () => undefined,
    waitForInterrupt: () => undefined,
    relaxForLock: () => undefined,
    relaxForGuest: () => undefined,
    consolePut: (byte: u8) => {
      state.output.push(byte);
    },
    consoleQueue: (byte: u8) => {
      state.output.push(byte);
      return true;
    },
    consoleFlush: () => true,
    consoleGet: (): i32 => state.input.shift() ?? -1,
    debugPut: (byte: u8) => {
      state.debug.push(byte);
    },
    random: () => ({ ok: true, value: 0x0123_4567_89ab_cdefn }),
    powerOff: stop("power off"),
    reset: stop("reset"),
  };
  provide(machine, model);
  return state;
}

/** What the console was told so far. */
export function said(state: ModelMachine): string {
  return String.fromCharCode(...state.output);
}
