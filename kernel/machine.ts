/**
 * What the kernel needs from a machine, and nothing else: a clock, one timer per CPU, a console, a way to wait and a
 * way to stop. A platform provides it with `provide(machine, { … })`; tests provide a model.
 *
 * Host memory is mapped one to one: a host-physical address that the kernel owns can be given to `load64` and the
 * like as it is. Every function may be called on any CPU unless it says otherwise.
 */
import { binding } from "../dsl/core/binding.ts";
import type { i32, u32, u64, u8 } from "../dsl/core/int.ts";
import type { GuestValue } from "../dsl/device/board.ts";

/** The deadline that never comes: disarms a timer. */
export const never = 0xffff_ffff_ffff_ffffn;

/** The interface between the kernel and one machine. Ticks are those of the host's timebase counter. */
export interface Machine {
  /** The timebase counter: monotonic, of constant rate, equal on all CPUs, not stopped by idling. */
  now(): u64;
  /** Its rate in ticks per second; constant after start-up and at least 1,000,000. */
  ticksPerSecond(): u64;
  /** Seconds since 1970-01-01 UTC at the moment when `now()` was `wallClockTicks()`. */
  wallClockSeconds(): u64;
  /** The value of `now()` at which `wallClockSeconds()` was true. */
  wallClockTicks(): u64;
  /** Arms this CPU's one timer for an absolute tick, replacing what was armed; past deadlines fire at once, `never` disarms. */
  armTimer(deadline: u64): void;

  /** Dense index of the CPU that runs this, from 0. */
  cpuIndex(): u32;
  /** Makes another CPU leave its guest or its idle wait, so that it looks at its requests. */
  signalCpu(cpu: u32): void;
  /** Holds interrupts off on this CPU. Not nested. */
  disableInterrupts(): void;
  /** Lets interrupts in again. */
  enableInterrupts(): void;
  /** With interrupts off: lets them in and waits until one came, without a gap between. Returns with interrupts off. */
  waitForInterrupt(): void;
  /** Tells the CPU that it goes round in a loop until another one gives the kernel's lock back. */
  relaxForLock(): void;
  /** Tells the CPU that it goes round in a loop until another one is out of its guest. */
  relaxForGuest(): void;

  /** Sends one byte to the host's console, behind what waits; waits for room at most as long as the console takes for one byte. */
  consolePut(byte: u8): void;
  /** Sends one byte without waiting, behind what waits, or lets it wait; false where something waits for `consoleFlush`. */
  consoleQueue(byte: u8): boolean;
  /** Sends what waits, as far as the console takes it without a wait, and never leaves much; true where nothing is left. */
  consoleFlush(): boolean;
  /** Takes the oldest byte that the host's console received, or -1. Input arrives by interrupt. */
  consoleGet(): i32;

  /** Sends one byte to the machine's debug port, where an emulator keeps it in a file. Never waits. */
  debugPut(byte: u8): void;
  /** Eight bytes from the machine's source of random numbers; not `ok` where it has none, or it has none left for now. */
  random(): GuestValue;

  /** Turns the machine off, after the console has sent everything. Falls back to a halt that says so. */
  powerOff(): never;
  /** Restarts the machine. */
  reset(): never;
}

/** The machine of this image. */
export const machine = binding<Machine>("machine");
