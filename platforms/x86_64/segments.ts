/** Flat segments and the task state: what long mode still wants of them (APM vol. 2 §4.8, §12.2). */
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { u16, u64 } from "../../dsl/core/int.ts";
import { at, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { exceptionStacks, exceptionStackTop, mainStackTop, type LocalCpu } from "./cpu.ts";
import {
  loadCs,
  loadGdt,
  loadLdt,
  loadTaskRegister,
  writeDs,
  writeEs,
  writeFs,
  writeGs,
  writeMsr,
  writeSs,
} from "./instructions.ts";
import { msr } from "./registers.ts";

/** Selectors. */
export const codeSelector = 0x08;
export const dataSelector = 0x10;
export const taskSelector = 0x18;

/** Present, ring 0, 64-bit code; and writable data. */
export const codeDescriptor = 0x00af_9b00_0000_ffffn;
export const dataDescriptor = 0x00cf_9300_0000_ffffn;

/** What LGDT and LIDT read: limit and base. */
export const TablePointer = struct("TablePointer", { limit: at(0, u16), base: at(2, u64) }, { packed: true });
export type TablePointer = ValueOf<typeof TablePointer>;
const pointer = storage("gdtPointer", TablePointer);

/** The two words of an available 64-bit task-state descriptor (APM vol. 2 §4.8.3). */
export function taskDescriptor(base: u64, limit: u64): { low: u64; high: u64 } {
  const low =
    (limit & 0xffffn) | ((base & 0xff_ffffn) << 16n) | (0x89n << 40n) | (((base >> 24n) & 0xffn) << 56n);
  return { low: u64(low), high: u64(base >> 32n) };
}

/** Fills a CPU's descriptor table and task state. */
export function describeSegments(cpu: LocalCpu): void {
  const task = cpu.task;
  task.rsp0 = mainStackTop(cpu.stacks);
  for (let i = 0; i < exceptionStacks; i++) task.ist[i] = exceptionStackTop(cpu.stacks, i + 1);
  task.ioMapBase = 104;
  const descriptor = taskDescriptor(addressOf(task), 103n);
  cpu.gdt[0] = 0n;
  cpu.gdt[1] = codeDescriptor;
  cpu.gdt[2] = dataDescriptor;
  cpu.gdt[3] = descriptor.low;
  cpu.gdt[4] = descriptor.high;
}

/** Loads a CPU's own tables on that CPU, and points GS base to its structure. Interrupts are off. */
export function loadSegments(cpu: LocalCpu): void {
  pointer.limit = 39;
  pointer.base = addressOf(cpu.gdt);
  loadGdt(addressOf(pointer));
  loadCs(BigInt(codeSelector));
  writeSs(dataSelector);
  writeDs(dataSelector);
  writeEs(dataSelector);
  // Null selectors: their bases come from MSRs, which a selector load would reset.
  writeFs(0);
  writeGs(0);
  loadLdt(0);
  loadTaskRegister(taskSelector);
  writeMsr(msr.fsBase, 0n);
  writeMsr(msr.gsBase, addressOf(cpu));
}
