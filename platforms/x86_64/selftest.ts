/**
 * A program in the kernel's place that looks at what the host side built: it says what it found, takes a timer
 * interrupt, walks its own page tables, and then does what single letters on the console ask for, deliberate faults
 * among them.
 */
import { addressOf, assert, load64, load8, store64, trap } from "../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { array } from "../../dsl/core/layout.ts";
import type { Program } from "../../dsl/core/program.ts";
import { storage } from "../../dsl/core/storage.ts";
import {
  BootProblem,
  maxPayloads,
  maxRegions,
  RegionKind,
  type BootInfo,
  type KernelEntry,
} from "../../kernel/boot.ts";
import { never } from "../../kernel/machine.ts";
import { asm, imageBase } from "../asm.ts";
import { hostAcpi } from "./acpi/host-acpi.ts";
import { hostApic } from "./apic.ts";
import { say, sayByte, sayDecimal, sayHex } from "./console-text.ts";
import { bootCpu, bootStacks, guardBytes } from "./cpu.ts";
import { host } from "./host.ts";
import { hostSpace } from "./host-space.ts";
import { ud2 } from "./instructions.ts";
import { x86Machine } from "./machine.ts";
import { bytesOfKind } from "./memory-map.ts";
import type { HostPayload } from "./payloads.ts";
import { countWritableExecutable } from "./paging.ts";
import { wallClock } from "./rtc.ts";

/** What a self test is asked to look for. */
export interface SelfTestOptions {
  readonly payloads?: readonly HostPayload[];
  readonly permitNoAcpi?: boolean;
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
  store64(u64(addressOf(bootStacks) + BigInt(guardBytes) - 8n), 1n);
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
    case 0x6e: // n
      sayFact("nmis", BigInt(bootCpu.nmis));
      sayFact("strays", BigInt(bootCpu.strays));
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
  const kernel: KernelEntry = {
    check(boot: BootInfo): { problem: u32; detail: u64 } {
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
      for (;;) obey(waitForByte());
    },
    join(_index: u32): never {
      for (;;) x86Machine.waitForInterrupt();
    },
  };
  return host({
    name: "selftest",
    kernel,
    payloads: options.payloads ?? [],
    disks: [],
    permitNoAcpi: options.permitNoAcpi ?? false,
    console: { port: 0x3f8, baud: 115_200 },
  });
}
