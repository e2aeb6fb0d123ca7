/**
 * What a task switch works on: a copy of the registers, and the tables and task states of the guest, reached by its own
 * translation at privilege level 0 (APM vol. 2 §4.8, §12.2).
 */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { readGuest, writeGuest, type SlotTable } from "../../../kernel/slots.ts";
import { Access, WalkOutcome, walk } from "./walk.ts";

/** A segment register with its hidden part; `attributes` are descriptor bits [55:52] over [47:40]. */
export const TaskSegment = struct("TaskSegment", { selector: u16, attributes: u16, limit: u32, base: u64 });
export type TaskSegment = ValueOf<typeof TaskSegment>;

/** What a task switch reads and changes of a vCPU, and what became of it. */
export const TaskRegisters = struct("TaskRegisters", {
  cr0: u64,
  cr3: u64,
  cr4: u64,
  efer: u64,
  dr6: u64,
  dr7: u64,
  /** Behind the instruction that switches; of the interrupted one where an event does. */
  rip: u64,
  rflags: u64,
  gpr: array(u64, 8),
  /** ES, CS, SS, DS, FS, GS, LDTR, TR. */
  segments: array(TaskSegment, 8),
  gdtBase: u64,
  gdtLimit: u32,
  idtBase: u64,
  cpl: u8,
  /** The switch is committed: the registers are the new task's. */
  committed: bool,
  /** `TaskOutcome`. */
  outcome: u32,
  vector: u8,
  error: u32,
  /** The linear address of a page fault; the guest-physical one of what is no memory. */
  address: u64,
  /** The task state that is being loaded: 26 double words, or 22 words. */
  incoming: array(u32, 26),
});
export type TaskRegisters = ValueOf<typeof TaskRegisters>;

/** What became of a switch. */
export enum TaskOutcome {
  done = 0,
  /** An exception with `vector`; `error` for all but #DB. */
  fault = 1,
  /** A table or a task state does not lie in memory. */
  notMemory = 2,
}

const pageFault = 14;
const granular = 0x800;

/** Notes an exception; false. */
export function fail(r: TaskRegisters, vector: u8, error: u32): boolean {
  r.outcome = TaskOutcome.fault;
  r.vector = vector;
  r.error = error;
  return false;
}

/** The guest-physical address of a byte; `r.outcome` tells where there is none. */
function translate(r: TaskRegisters, slots: SlotTable, linear: u64, access: u32, cpl: u32): u64 {
  const state = { cr0: r.cr0, cr3: r.cr3, cr4: r.cr4, efer: r.efer, rflags: r.rflags, cpl };
  const walked = walk(slots, state, u64(linear & 0xffff_ffffn), access);
  if (walked.outcome === WalkOutcome.ok) return walked.gpa;
  r.address = linear;
  if (walked.outcome === WalkOutcome.pageFault) fail(r, pageFault, walked.error);
  else {
    r.outcome = TaskOutcome.notMemory;
    r.address = walked.gpa;
  }
  return 0n;
}

/** Reads up to 8 bytes as the system does, at privilege level 0. */
export function load(r: TaskRegisters, slots: SlotTable, linear: u64, bytes: u32): u64 {
  let value: u64 = 0n;
  for (let i = 0; i < 8; i++) {
    if (i < bytes && r.outcome === TaskOutcome.done) {
      const gpa = translate(r, slots, u64(linear + BigInt(i)), 0, 0);
      if (r.outcome === TaskOutcome.done) {
        const byte = readGuest(slots, gpa, 1);
        if (!byte.ok) {
          r.outcome = TaskOutcome.notMemory;
          r.address = gpa;
        }
        value = u64(value | (byte.value << BigInt(8 * i)));
      }
    }
  }
  return value;
}

/** Whether the bytes from `linear` on, at most a page of them, can be written. */
export function canWrite(r: TaskRegisters, slots: SlotTable, linear: u64, bytes: u32): boolean {
  translate(r, slots, linear, Access.write, 0);
  if (r.outcome === TaskOutcome.done) translate(r, slots, u64(linear + BigInt(bytes) - 1n), Access.write, 0);
  return r.outcome === TaskOutcome.done;
}

/** Writes up to 4 bytes; what is ROM or no memory stays as it is. */
export function store(
  r: TaskRegisters,
  slots: SlotTable,
  linear: u64,
  bytes: u32,
  value: u64,
  cpl: u32,
): void {
  for (let i = 0; i < 4; i++) {
    if (i < bytes && r.outcome === TaskOutcome.done) {
      const gpa = translate(r, slots, u64(linear + BigInt(i)), Access.write, cpl);
      if (r.outcome === TaskOutcome.done) writeGuest(slots, gpa, 1, u64((value >> BigInt(8 * i)) & 0xffn));
    }
  }
}

/** A descriptor's base, its attributes as `TaskSegment` has them, and its limit in bytes. */
export const segmentBase = (d: u64): u64 => u64(((d >> 16n) & 0xff_ffffn) | ((d >> 56n) << 24n));
export const attributesOf = (d: u64): u16 => u16(((d >> 40n) & 0xffn) | (((d >> 52n) & 0xfn) << 8n));
export function limitOf(d: u64): u32 {
  const limit = u32((d & 0xffffn) | ((d >> 32n) & 0xf_0000n));
  return (attributesOf(d) & granular) !== 0 ? u32(u64(limit) * 4096n + 4095n) : limit;
}
/** Where the rights byte of the descriptor at a selector lies. */
export const rightsAt = (tableBase: u64, selector: u32): u64 =>
  u64(tableBase + BigInt(selector & 0xfff8) + 5n);

/** Sets a segment register. */
export function fill(s: TaskSegment, selector: u16, base: u64, limit: u32, attributes: u16): void {
  s.selector = selector;
  s.base = base;
  s.limit = limit;
  s.attributes = attributes;
}
