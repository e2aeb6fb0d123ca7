/**
 * A host CPU as the platform sees it: descriptor tables, task state, stacks. GS base points to the structure, whose
 * first word is its own address, so that one load finds it. Indices are dense and stay for good.
 */
import { binding } from "../../dsl/core/binding.ts";
import { addressOf, assert, viewOf } from "../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, at, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { asm } from "../asm.ts";
import { readGsSelf } from "./instructions.ts";

/** The 64-bit task-state segment (APM vol. 2 §12.2.5). */
export const TaskState = struct(
  "TaskState",
  {
    rsp0: at(4, u64),
    rsp1: at(12, u64),
    rsp2: at(20, u64),
    ist: at(36, array(u64, 7)),
    ioMapBase: at(102, u16),
  },
  { packed: true, size: 104 },
);
export type TaskState = ValueOf<typeof TaskState>;

/** One CPU's structure. */
export const LocalCpu = struct(
  "LocalCpu",
  {
    self: at(0, u64),
    index: at(8, u32),
    apicId: at(12, u32),
    /** Non-maskable interrupts that came. */
    nmis: at(16, u32),
    /** Interrupts that nobody expected. */
    strays: at(20, u32),
    /** Null, code, data, task state in two words. */
    gdt: at(32, array(u64, 5)),
    task: at(80, TaskState),
    /** Lowest address of the stacks. */
    stacks: at(184, u64),
  },
  { size: 192, align: 64 },
);
export type LocalCpu = ValueOf<typeof LocalCpu>;

/** Bytes of the stack that everything runs on, and of each stack of its own that an exception has. */
export const mainStackBytes = 32 * 1024;
export const exceptionStackBytes = 4096;
/** An unmapped page below each stack, so that an overflow faults instead of writing into what lies there. */
export const guardBytes = 4096;
/** Exceptions with a stack of their own: double fault, NMI, machine check. */
export const exceptionStacks = 3;
/** All stacks of one CPU: the main one first, each above its guard page. */
export const stackBytes = guardBytes + mainStackBytes + exceptionStacks * (guardBytes + exceptionStackBytes);

/** The structures and the stacks of all CPUs that an image has room for; index 0 is the CPU that starts it. */
export interface HostCpus {
  readonly capacity: number;
  at(index: u32): LocalCpu;
  /** Lowest address of a CPU's stacks. */
  stacksOf(index: u32): u64;
  /** The CPU on whose stacks an address lies: whose GS base may be a guest's is told apart by its stack. */
  onStack(address: u64): LocalCpu;
}
export const hostCpus = binding<HostCpus>("hostCpus");

/** Lays out the CPUs of an image. Build time. */
export function layOutCpus(capacity: number): HostCpus {
  const locals = storage("hostCpus", array(LocalCpu, capacity), { align: 64 });
  const stacks = storage("hostStacks", array(u8, capacity * stackBytes), { align: 4096 });
  if (capacity === 1)
    return Object.freeze({
      capacity,
      at: (_index: u32): LocalCpu => locals[0],
      stacksOf: (_index: u32): u64 => addressOf(stacks),
      onStack: (_address: u64): LocalCpu => locals[0],
    });
  const last = capacity - 1;
  return Object.freeze({
    capacity,
    at(index: u32): LocalCpu {
      assert(index <= last, "there is no such CPU");
      return locals[index];
    },
    stacksOf: (index: u32): u64 => u64(addressOf(stacks) + BigInt(index) * BigInt(stackBytes)),
    onStack(address: u64): LocalCpu {
      const number = u64(address - addressOf(stacks)) / BigInt(stackBytes);
      return locals[number <= BigInt(last) ? u32(number) : 0];
    },
  });
}

/** Top of the main stack among stacks at an address. */
export function mainStackTop(stacks: u64): u64 {
  return u64(stacks + BigInt(guardBytes + mainStackBytes));
}

/** Top of the stack of interrupt-stack-table entry `number`, 1 to 3. */
export function exceptionStackTop(stacks: u64, number: u32): u64 {
  return u64(mainStackTop(stacks) + BigInt(number) * BigInt(guardBytes + exceptionStackBytes));
}

/** Whether an address lies in a guard page of stacks at an address. */
export function isGuard(stacks: u64, address: u64): boolean {
  if (address < stacks || address >= u64(stacks + BigInt(stackBytes))) return false;
  const offset = u64(address - stacks);
  if (offset < BigInt(guardBytes + mainStackBytes)) return offset < BigInt(guardBytes);
  return (
    u64(offset - BigInt(guardBytes + mainStackBytes)) % BigInt(guardBytes + exceptionStackBytes) <
    BigInt(guardBytes)
  );
}

/** Fills in what identifies a CPU and where its stacks are. */
export function describeCpu(cpu: LocalCpu, index: u32, apicId: u32, stacks: u64): void {
  cpu.self = addressOf(cpu);
  cpu.index = index;
  cpu.apicId = apicId;
  cpu.stacks = stacks;
}

/** The structure of the CPU that runs this; valid once GS base is set. */
export function localCpu(): LocalCpu {
  return viewOf(LocalCpu, readGsSelf());
}

/** Dense index of the CPU that runs this. */
export const localCpuIndex = asm({ template: "movl %gs:8, $0", constraints: "=r", params: [], result: u32 });
