/**
 * A program in the kernel's place that looks at what the host side built: it says what it found, takes a timer
 * interrupt, walks its own page tables, and then does what single letters on the console ask for, deliberate faults
 * among them.
 */
import { addressOf, assert, AtomicU32, load64, load8, store64, trap } from "../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { array } from "../../dsl/core/layout.ts";
import type { Program } from "../../dsl/core/program.ts";
import { storage } from "../../dsl/core/storage.ts";
import {
  bootInfo,
  BootProblem,
  maxCpus,
  maxPayloads,
  maxRegions,
  RegionKind,
  type BootInfo,
  type KernelEntry,
} from "../../kernel/boot.ts";
import { never } from "../../kernel/machine.ts";
import { asm, imageBase } from "../asm.ts";
import { addCpu } from "./acpi/madt.ts";
import { hostAcpi } from "./acpi/host-acpi.ts";
import { hostApic } from "./apic.ts";
import { say, sayByte, sayDecimal, sayHex } from "./console-text.ts";
import { guardBytes, localCpu, localCpuIndex } from "./cpu.ts";
import { host } from "./host.ts";
import { hostSpace } from "./host-space.ts";
import { pause, ud2 } from "./instructions.ts";
import { x86Machine } from "./machine.ts";
import { bytesOfKind } from "./memory-map.ts";
import type { HostPayload } from "./payloads.ts";
import { countWritableExecutable } from "./paging.ts";
import { wallClock } from "./rtc.ts";

/** What a self test is asked to look for. */
export interface SelfTestOptions {
  readonly payloads?: readonly HostPayload[];
  readonly permitNoAcpi?: boolean;
  /** 8 unless said. */
  readonly cpuCapacity?: number;
  /** Lists CPUs that are not there: one with an id that nobody has, one with an id that only an x2APIC has. */
  readonly ghosts?: boolean;
  /** Bytes that it pretends to need for guests. */
  readonly neededBytes?: bigint;
}

/** Where looking for mappings ends. */
const addressLimit = 1n << 40n;
const callAddress = asm({ template: "callq *$0", constraints: "r,~{memory}", params: [u64] });
const data = storage("selfTestData", array(u8, 16));

function endOfMemory(boot: BootInfo): u64 {
  let end: u64 = 0n;
  for (let i = 0; i < maxRegions; i++) {
    if (i >= boot.regionCount) break;
    const region = boot.regions[i];
    end = u64(region.base + region.bytes);
  }
  return end < addressLimit ? end : addressLimit;
}

function sayFact(name: string, value: u64): void {
  say(name);
  say("=");
  sayDecimal(value);
  say("\n");
}

function sayFacts(boot: BootInfo): void {
  sayFact("cpus", BigInt(boot.cpuCount));
  sayFact("absent", BigInt(boot.absentCount));
  for (let i = 0; i < maxCpus; i++) {
    if (i >= boot.absentCount) break;
    sayFact("absent-id", BigInt(boot.absent[i].hardwareId));
    sayFact("absent-reason", BigInt(boot.absent[i].reason));
  }
  sayFact("unused", BigInt(boot.unusedCount));
  sayFact("clock-difference", boot.clockDifference);
  sayFact("usable-MiB", u64(bytesOfKind(boot, RegionKind.usable) >> 20n));
  sayFact("hypervisor-KiB", u64(bytesOfKind(boot, RegionKind.hypervisor) >> 10n));
  sayFact("image-KiB", u64(boot.imageBytes >> 10n));
  sayFact("table-pages", BigInt(hostSpace.pool.used));
  sayFact("acpi", hostAcpi.present ? 1n : 0n);
  sayFact("io-apics", BigInt(hostAcpi.ioApicCount));
  sayFact("pm-timer", BigInt(hostAcpi.pmTimerPort));
  sayFact("x2apic", hostApic.x2apic ? 1n : 0n);
  sayFact("tsc-MHz", u64(x86Machine.ticksPerSecond() / 1_000_000n));
}

function sayPayloads(boot: BootInfo): void {
  for (let i = 0; i < maxPayloads; i++) {
    if (i >= boot.payloadCount) break;
    const { address, bytes } = boot.payloads[i];
    let sum: u32 = 0;
    for (let at: u64 = 0n; at < bytes; at = u64(at + 1n)) sum = u32(sum + load8(u64(address + at)));
    sayFact("payload-bytes", bytes);
    sayFact("payload-sum", BigInt(sum));
  }
}

/** Waits for the timer until 10 ms have gone by, and says whether it woke the CPU. */
function takeTimerInterrupt(): void {
  const deadline = u64(x86Machine.now() + x86Machine.ticksPerSecond() / 100n);
  x86Machine.armTimer(deadline);
  let wakes: u32 = 0;
  while (x86Machine.now() < deadline) {
    x86Machine.waitForInterrupt();
    wakes = u32(wakes + 1);
  }
  x86Machine.armTimer(never);
  if (wakes > 0 && wakes < 1000) say("the timer woke the CPU\n");
  else say("the timer did not wake the CPU\n");
}

function walkTables(boot: BootInfo): void {
  const { leaves, violations } = countWritableExecutable(hostSpace, endOfMemory(boot));
  sayFact("leaves", leaves);
  sayFact("writable-and-executable", violations);
}

/** Waits until the second has changed once, and says the time of day. */
function sayTimeOfDay(): void {
  while (!wallClock.exact) x86Machine.waitForInterrupt();
  const rate = x86Machine.ticksPerSecond();
  assert(rate > 0n, "the rate was measured");
  const since = u64(x86Machine.now() - x86Machine.wallClockTicks());
  sayFact("seconds", u64(x86Machine.wallClockSeconds() + since / rate));
}

/** Writes below the main stack: what a runaway depth would do. */
function overflowStack(): never {
  store64(u64(localCpu().stacks + BigInt(guardBytes) - 8n), 1n);
  trap("a guard page can be written");
}

function waitForByte(): u8 {
  for (;;) {
    const byte = x86Machine.consoleGet();
    if (byte >= 0) return u8(byte);
    x86Machine.waitForInterrupt();
  }
}

/** Counts what comes in until a full stop, and its sum. */
function countInput(): void {
  let count: u32 = 0;
  let sum: u32 = 0;
  for (;;) {
    const byte = waitForByte();
    if (byte === 0x2e) break;
    count = u32(count + 1);
    sum = u32(sum + byte);
  }
  sayFact("input-bytes", BigInt(count));
  sayFact("input-sum", BigInt(sum));
}

function readAbsent(): u64 {
  return load64(8n);
}

/** What each CPU is to do next: a letter, or another CPU's index and `toSignal`. */
const orders = storage("selfTestOrders", array(AtomicU32, maxCpus));
/** How often each CPU was woken. */
const woken = storage("selfTestWoken", array(AtomicU32, maxCpus));
const toSignal = 0x100;
const mostLooks = 1_000_000_000;

/** Waits until a CPU other than the first was woken once more than `before`; false where it was not. */
function wasWoken(cpu: u32, before: u32): boolean {
  for (let i = 0; i < mostLooks; i++) {
    if (woken[cpu].load() !== before) return true;
    pause();
  }
  return false;
}

/** Lets every CPU but the first signal every other one of them, and counts those that were woken by it. */
function signalEachOther(): void {
  let signals: u32 = 0;
  const count = Math.min(bootInfo.cpuCount, maxCpus);
  for (let from: u32 = 1; from < count; from++) {
    for (let to: u32 = 1; to < count; to++) {
      if (from === to) continue;
      const before = woken[to].load();
      orders[from].store(u32(toSignal | to));
      x86Machine.signalCpu(from);
      if (wasWoken(to, before)) signals = u32(signals + 1);
    }
  }
  sayFact("signals", BigInt(signals));
}

/** Lets another CPU do what the next letter asks for. */
function delegate(cpu: u32): void {
  const letter = waitForByte();
  if (cpu >= bootInfo.cpuCount || cpu >= maxCpus) {
    say("there is no such CPU\n");
    return;
  }
  const before = woken[cpu].load();
  orders[cpu].store(letter);
  x86Machine.signalCpu(cpu);
  wasWoken(cpu, before);
}

/** What the other CPUs do: they wait, halted, for signals. */
function serve(index: u32): never {
  const cpu = Math.min(index, maxCpus - 1);
  for (;;) {
    x86Machine.waitForInterrupt();
    const order = orders[cpu].exchange(0);
    if ((order & toSignal) !== 0) x86Machine.signalCpu(u32(order & 0xff));
    else if (order !== 0) obey(u8(order));
    woken[cpu].add(1);
  }
}

/** Does what a letter asks for. */
function obey(letter: u8): void {
  switch (letter) {
    case 0x61: // a
      sayHex(readAbsent(), 16);
      break;
    case 0x63: // c
      countInput();
      break;
    case 0x64: // d
      callAddress(addressOf(data));
      break;
    case 0x65: // e
      signalEachOther();
      break;
    case 0x69: // i
      sayFact("index", BigInt(localCpuIndex()));
      break;
    case 0x6d: // m
      takeTimerInterrupt();
      break;
    case 0x6e: // n
      sayFact("nmis", BigInt(localCpu().nmis));
      sayFact("strays", BigInt(localCpu().strays));
      break;
    case 0x6f: // o
      overflowStack();
      break;
    case 0x70: // p
      x86Machine.powerOff();
      break;
    case 0x72: // r
      x86Machine.reset();
      break;
    case 0x73: // s
      sayTimeOfDay();
      break;
    case 0x74: // t
      trap("the self test was asked to be wrong");
      break;
    case 0x75: // u
      ud2();
      break;
    case 0x77: // w
      store64(u64(imageBase() + 0x1000n), 0n);
      break;
    default:
      sayByte(letter);
      say(" means nothing\n");
      break;
  }
}

/** The program. */
export function selfTest(options: SelfTestOptions = {}): Program {
  const needed = options.neededBytes ?? 0n;
  const ghosts = options.ghosts ?? false;
  const kernel: KernelEntry = {
    check(boot: BootInfo): { problem: u32; detail: u64 } {
      if (ghosts && hostAcpi.cpuCount + 2 <= maxCpus) {
        addCpu(hostAcpi, 77, 1);
        addCpu(hostAcpi, 300, 1);
      }
      const usable = bytesOfKind(boot, RegionKind.usable);
      if (usable >= needed) return { problem: BootProblem.none, detail: 0n };
      return { problem: BootProblem.noMemory, detail: u64(needed - usable) };
    },
    start(boot: BootInfo): never {
      say("self test\n");
      sayFacts(boot);
      sayPayloads(boot);
      takeTimerInterrupt();
      walkTables(boot);
      say("ready\n");
      for (;;) {
        const byte = waitForByte();
        // A digit before the letter: on another CPU.
        if (byte >= 0x31 && byte <= 0x39) delegate(u32(byte - 0x30));
        else obey(byte);
      }
    },
    join: serve,
  };
  return host({
    name: "selftest",
    kernel,
    cpuCapacity: options.cpuCapacity ?? 8,
    payloads: options.payloads ?? [],
    disks: [],
    permitNoAcpi: options.permitNoAcpi ?? false,
    console: { port: 0x3f8, baud: 115_200 },
  });
}
