/** The kernel's machine, on x86_64: ticks are the TSC's, the timer the local APIC's, the console the serial port. */
import { interrupted, timerExpired } from "../../kernel/cpu.ts";
import { bootInfo, maxCpus } from "../../kernel/boot.ts";
import type { Machine } from "../../kernel/machine.ts";
import { u32, u64, type u8 } from "../../dsl/core/int.ts";
import { wait } from "../landmark.ts";
import type { HostAcpi } from "./acpi/host-acpi.ts";
import { acknowledge, apicId, armTimer, sendInterrupt, startTimer } from "./apic.ts";
import { hostRates } from "./calibration.ts";
import { localCpuIndex } from "./cpu.ts";
import { cli, out8, pause, readTsc, sti, stiHlt } from "./instructions.ts";
import { routeIsa } from "./ioapic.ts";
import { powerOff, reset } from "./power.ts";
import { randomNumber } from "./random.ts";
import { onSecondChanged, startWallClock, wallClock } from "./rtc.ts";
import {
  serialEnableInput,
  serialFlush,
  serialGet,
  serialPut,
  serialQueue,
  serialReceive,
} from "./serial.ts";
import { hostVector } from "./vectors.ts";

/** QEMU's isa-debugcon and Bochs's port_e9_hack. */
const debugPort = 0xe9;
const serialIrq = 4;
const clockIrq = 8;

const timer = hostVector("timer", () => {
  acknowledge();
  timerExpired(localCpuIndex());
});
/** The CPU is out of its guest or its wait by now, and looks at its requests. */
const signal = hostVector("signal", acknowledge);
const serial = hostVector("serial", () => {
  serialReceive();
  acknowledge();
  interrupted(localCpuIndex());
});
const clock = hostVector("clock", () => {
  onSecondChanged();
  acknowledge();
});

/** Lets this CPU's timer interrupt it; what it counts was measured on the first CPU. */
export function startLocalTimer(): void {
  startTimer(timer.vector, hostRates.timerCounts, hostRates.tscTicks);
}

/** Starts timer, console input and time of day, once, on the first CPU, with interrupts off. */
export function startMachine(acpi: HostAcpi): void {
  const id = apicId();
  startLocalTimer();
  if (routeIsa(acpi, serialIrq, serial.vector, id)) serialEnableInput();
  startWallClock();
  routeIsa(acpi, clockIrq, clock.vector, id);
}

const waitForLock = wait("for the lock of the kernel");
const waitForGuest = wait("for a CPU to leave its guest");

/** What the kernel calls. */
export const x86Machine: Machine = Object.freeze({
  now: (): u64 => readTsc(),
  ticksPerSecond: (): u64 => hostRates.tscHz,
  wallClockSeconds: (): u64 => wallClock.seconds,
  wallClockTicks: (): u64 => wallClock.ticks,
  armTimer,
  cpuIndex: (): u32 => localCpuIndex(),
  signalCpu: (cpu: u32): void => {
    if (cpu < maxCpus) sendInterrupt(bootInfo.cpus[cpu].hardwareId, signal.vector);
  },
  disableInterrupts: (): void => cli(),
  enableInterrupts: (): void => sti(),
  waitForInterrupt: (): void => {
    stiHlt();
    cli();
  },
  relaxForLock: (): void => {
    waitForLock();
    pause();
  },
  relaxForGuest: (): void => {
    waitForGuest();
    pause();
  },
  consolePut: serialPut,
  consoleQueue: serialQueue,
  consoleFlush: serialFlush,
  consoleGet: serialGet,
  debugPut: (byte: u8): void => out8(debugPort, byte),
  random: randomNumber,
  powerOff,
  reset,
});
