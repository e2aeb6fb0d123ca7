/**
 * A program in the kernel's place that looks at what the host side built: it says what it found, takes a timer
 * interrupt, walks its own page tables, and ends in a way that can be chosen, deliberate faults among them.
 */
import { addressOf, load64, store64, trap } from "../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { array } from "../../dsl/core/layout.ts";
import type { Program } from "../../dsl/core/program.ts";
import { storage } from "../../dsl/core/storage.ts";
import { BootProblem, maxRegions, RegionKind, type BootInfo, type KernelEntry } from "../../kernel/boot.ts";
import { never } from "../../kernel/machine.ts";
import { asm, imageBase } from "../asm.ts";
import { hostAcpi } from "./acpi/host-acpi.ts";
import { hostApic } from "./apic.ts";
import { say, sayByte, sayDecimal, sayHex } from "./console-text.ts";
import { bootCpu, bootStacks, guardBytes, mainStackBytes } from "./cpu.ts";
import { host, type HostOptions } from "./host.ts";
import { hostSpace } from "./host-space.ts";
import { ud2 } from "./instructions.ts";
import { bytesOfKind } from "./memory-map.ts";
import { x86Machine } from "./machine.ts";
import { countWritableExecutable } from "./paging.ts";

/** How a self test ends. */
export type Ending =
  | "power-off"
  | "reset"
  | "invalid-opcode"
  | "page-fault"
  | "write-to-text"
  | "execute-data"
  | "stack-overflow"
  | "trap"
  | "echo";

const addressLimit = 1n << 40n;
const jumpTo = asm({ template: "callq *$0", constraints: "r,~{memory}", params: [u64] });
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
  sayFact("regions", BigInt(boot.regionCount));
  sayFact("usable-MiB", u64(bytesOfKind(boot, RegionKind.usable) >> 20n));
  sayFact("hypervisor-KiB", u64(bytesOfKind(boot, RegionKind.hypervisor) >> 10n));
  sayFact("image-KiB", u64(boot.imageBytes >> 10n));
  sayFact("table-pages", BigInt(hostSpace.pool.used));
  sayFact("acpi", hostAcpi.present ? 1n : 0n);
  sayFact("io-apics", BigInt(hostAcpi.ioApicCount));
  sayFact("pm-timer", BigInt(hostAcpi.pmTimerPort));
  sayFact("s5", hostAcpi.s5Known ? 1n : 0n);
  sayFact("x2apic", hostApic.x2apic ? 1n : 0n);
  sayFact("tsc-MHz", u64(x86Machine.ticksPerSecond() / 1_000_000n));
  sayFact("year", u64(1970n + x86Machine.wallClockSeconds() / 31_556_952n));
}

/** Waits for the timer until 10 ms have gone by, and says how often the CPU was woken. */
function takeTimerInterrupt(): void {
  const deadline = u64(x86Machine.now() + x86Machine.ticksPerSecond() / 100n);
  x86Machine.armTimer(deadline);
  let wakes = 0;
  while (x86Machine.now() < deadline) {
    x86Machine.waitForInterrupt();
    if (wakes < 1000) wakes = wakes + 1;
  }
  x86Machine.armTimer(never);
  if (wakes > 0 && wakes < 1000) say("the timer woke the CPU\n");
  else say("the timer did not wake the CPU\n");
  sayFact("strays", BigInt(bootCpu.strays));
}

function walkTables(boot: BootInfo): void {
  const { leaves, violations } = countWritableExecutable(hostSpace, endOfMemory(boot));
  sayFact("leaves", leaves);
  sayFact("writable-and-executable", violations);
}

/** Uses up the main stack by hand: what a runaway depth would do, without recursion. */
function overflowStack(): never {
  const lowest = u64(addressOf(bootStacks) + BigInt(guardBytes));
  sayFact("stack-KiB", u64(BigInt(mainStackBytes) >> 10n));
  store64(u64(lowest - 8n), 1n);
  trap("a guard page can be written");
}

/** Says back what comes in until a full stop. */
function echo(): void {
  for (;;) {
    const byte = x86Machine.consoleGet();
    if (byte < 0) {
      x86Machine.waitForInterrupt();
      continue;
    }
    if (byte === 0x2e) return;
    sayByte(u8(byte));
  }
}

function readAbsent(): u64 {
  return load64(8n);
}

/** The program. */
export function selfTest(ending: Ending, options: Partial<HostOptions> = {}): Program {
  function start(boot: BootInfo): never {
    say("self test\n");
    sayFacts(boot);
    takeTimerInterrupt();
    walkTables(boot);
    if (ending === "invalid-opcode") ud2();
    if (ending === "page-fault") sayHex(readAbsent(), 16);
    if (ending === "write-to-text") store64(u64(imageBase() + 0x1000n), 0n);
    if (ending === "stack-overflow") overflowStack();
    if (ending === "trap") trap("the self test was asked to be wrong");
    if (ending === "execute-data") jumpTo(addressOf(data));
    if (ending === "echo") echo();
    say("self test done\n");
    if (ending === "reset") x86Machine.reset();
    x86Machine.powerOff();
  }
  const kernel: KernelEntry = {
    check: (_boot: BootInfo): { problem: u32; detail: u64 } => ({ problem: BootProblem.none, detail: 0n }),
    start,
  };
  return host({
    name: "selftest",
    kernel,
    payloads: [],
    permitNoAcpi: false,
    console: { port: 0x3f8, baud: 115_200 },
    ...options,
  });
}
