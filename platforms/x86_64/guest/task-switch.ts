/**
 * Hardware task switches, done by software where the processor leaves them to the hypervisor (APM vol. 2 §12.2, §12.3,
 * §15.14.1). It works on a copy of the registers. A fault before the switch is committed changes nothing; one behind it
 * is the new task's, as the processor has it. Tables and task states are reached by the guest's own translation, and
 * what of them does not lie in memory ends the guest.
 */
import { u16, u32, u64, u8, type i32 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import type { SlotTable } from "../../../kernel/slots.ts";
import {
  attributesOf,
  canWrite,
  fail,
  fill,
  limitOf,
  load,
  rightsAt,
  segmentBase,
  store,
  TaskOutcome,
  type TaskRegisters,
} from "./task-registers.ts";

/** What switches. */
export enum TaskCause {
  call = 0,
  jump = 1,
  return = 2,
  /** An interrupt or an exception, through a task gate. */
  event = 3,
}

/** A switch that is asked for. */
export interface TaskRequest {
  readonly cause: u32;
  /** Of the task state to switch to. */
  readonly selector: u32;
  /** The vector of a software interrupt, whose gate has a privilege level; -1: of none. */
  readonly software: i32;
  /** An event of the processor's own or from outside: error codes have EXT set. */
  readonly external: boolean;
  readonly hasError: boolean;
  /** What the new task finds on its stack. */
  readonly error: u32;
}

const debugVector = 1;
const taskFault = 10;
const notPresent = 11;
const stackFault = 12;
const protection = 13;

const [cs, ss, ldtr, tr] = [1, 2, 6, 7] as const;
const presentBit = 0x80;
const sizeBit = 0x400;
const nestedTask = 0x4000n;
const virtualMode = 0x2_0000n;
/** Bits of EFLAGS that exist (APM vol. 2 §3.1.4), without the one that is fixed. */
const flagsKnown = 0x3f_7fd5n;
const taskSwitched = 8n;
const paging = 1n << 31n;
/** L0 to L3 (APM vol. 2 §13.1.1.4). */
const localBreakpoints = 0x55n;
const taskBreakpoint = 0x8000n;

/**
 * Where a task state holds what: a 32-bit one by double words, a 16-bit one by words (APM vol. 2 §12.2.3, §12.2.4). ES,
 * CS, SS and DS follow each other, and in the longer one FS and GS.
 */
const widthOf = (isLong: boolean): u8 => (isLong ? 4 : 2);
const countOf = (isLong: boolean): u8 => (isLong ? 26 : 22);
const ripOf = (isLong: boolean): u8 => (isLong ? 8 : 7);
const segmentsOf = (isLong: boolean): u8 => (isLong ? 18 : 17);
const segmentCountOf = (isLong: boolean): u8 => (isLong ? 6 : 4);
const ldtOf = (isLong: boolean): u8 => (isLong ? 24 : 21);
const cr3Entry = 7;
const debugEntry = 25;

/** Builds the load of a segment register of the new task; false where it faults. */
function loadSegment(r: TaskRegisters, slots: SlotTable, index: u32, external: u32): boolean {
  const segment = r.segments[index & 7];
  const selector = segment.selector;
  const error = u32((selector & 0xfffc) | external);
  if ((selector & 0xfffc) === 0) return index === cs || index === ss ? fail(r, taskFault, error) : true;
  const local = (selector & 4) !== 0;
  const table = local ? r.segments[ldtr] : null;
  const base = table === null ? r.gdtBase : table.base;
  const limit = table === null ? r.gdtLimit : table.limit;
  const isTable = index === ldtr;
  if (isTable && local) return fail(r, taskFault, error);
  if (table !== null && (table.attributes & presentBit) === 0) return fail(r, taskFault, error);
  if ((selector | 7) > limit) return fail(r, taskFault, error);
  const d = load(r, slots, u64(base + BigInt(selector & 0xfff8)), 8);
  if (r.outcome !== TaskOutcome.done) return false;
  const attributes = attributesOf(d);
  const present = (attributes & presentBit) !== 0;
  const level = (attributes >> 5) & 3;
  const asked = selector & 3;
  const cpl = r.cpl;
  if (isTable) {
    if ((attributes & 0x1f) !== 2 || !present) return fail(r, taskFault, error);
  } else {
    // A segment, not a system descriptor; code or data; conforming or growing down; readable or writable.
    const isCode = (attributes & 0x18) === 0x18;
    const conforms = (attributes & 0x1c) === 0x1c;
    const rights = (attributes & 0x10) !== 0;
    let allowed: boolean;
    if (index === cs) allowed = isCode && (conforms ? level <= asked : level === asked);
    else if (index === ss)
      allowed = rights && !isCode && (attributes & 2) !== 0 && level === cpl && asked === cpl;
    else {
      const readable = !isCode || (attributes & 2) !== 0;
      allowed = rights && readable && (conforms || (level >= asked && level >= cpl));
    }
    if (!allowed) return fail(r, taskFault, error);
    if (!present) return fail(r, index === ss ? stackFault : notPresent, error);
    // Accessed.
    if ((attributes & 1) === 0) {
      store(r, slots, rightsAt(base, selector), 1, u64((attributes & 0xff) | 1), 0);
      if (r.outcome !== TaskOutcome.done) return false;
    }
  }
  fill(segment, selector, segmentBase(d), limitOf(d), isTable ? attributes : u16(attributes | 1));
  return true;
}

/** Loads the registers of the new task from `incoming`. */
function takeRegisters(r: TaskRegisters, isLong: boolean): void {
  const words: FixedArray<u32> = r.incoming;
  const rip = ripOf(isLong);
  const first = segmentsOf(isLong);
  const count = segmentCountOf(isLong);
  r.rip = u64(words[rip]);
  r.rflags = u64((BigInt(words[rip + 1]) & flagsKnown) | 2n);
  for (let i = 0; i < 8; i++) r.gpr[i] = u64(words[rip + 2 + i]);
  for (let i = 0; i < 6; i++) fill(r.segments[i], i < count ? u16(words[first + i]) : 0, 0n, 0, 0);
  fill(r.segments[ldtr], u16(words[ldtOf(isLong)]), 0n, 0, 0);
}

/** Loads the segments of the new task; a fault is the new task's. */
function takeSegments(r: TaskRegisters, slots: SlotTable, external: u32): boolean {
  const virtual = (r.rflags & virtualMode) !== 0n;
  r.cpl = virtual ? 3 : r.segments[cs].selector & 3;
  if (!loadSegment(r, slots, ldtr, external)) return false;
  if (virtual) {
    for (let i = 0; i < 6; i++) {
      const selector = r.segments[i].selector;
      fill(r.segments[i], selector, u64(BigInt(selector) << 4n), 0xffff, 0xf3);
    }
    return true;
  }
  if (!loadSegment(r, slots, cs, external) || !loadSegment(r, slots, ss, external)) return false;
  for (let i = 0; i < 6; i++) if (i !== cs && i !== ss && !loadSegment(r, slots, i, external)) return false;
  return true;
}

/** Puts an error code on the new task's stack. */
function pushError(r: TaskRegisters, slots: SlotTable, width: u32, error: u32): void {
  const stack = r.segments[ss];
  const attributes = stack.attributes;
  const mask = (attributes & sizeBit) !== 0 ? 0xffff_ffffn : 0xffffn;
  const pointer = r.gpr[4];
  const at = u64(u64(pointer - BigInt(width)) & mask);
  const last = u64(at + BigInt(width) - 1n);
  const growsDown = (attributes & 0x1c) === 0x14;
  if (growsDown ? at <= BigInt(stack.limit) || last > mask : last > BigInt(stack.limit)) {
    fail(r, stackFault, 0);
    return;
  }
  store(r, slots, u64(stack.base + at), width, u64(error), r.cpl);
  if (r.outcome === TaskOutcome.done) r.gpr[4] = u64((pointer & u64(~mask)) | at);
}

/** Writes the registers into the state of the task that is left. */
function saveRegisters(r: TaskRegisters, slots: SlotTable, isReturn: boolean): void {
  const task = r.segments[tr];
  const isLong = (task.attributes & 8) !== 0;
  const width = widthOf(isLong);
  const count = segmentCountOf(isLong);
  const base = task.base;
  const at = u64(base + BigInt(ripOf(isLong) * width));
  const segmentsAt = u64(base + BigInt(segmentsOf(isLong) * width));
  store(r, slots, at, width, r.rip, 0);
  store(r, slots, u64(at + BigInt(width)), width, isReturn ? u64(r.rflags & ~nestedTask) : r.rflags, 0);
  for (let i = 0; i < 8; i++) store(r, slots, u64(at + BigInt(width * (2 + i))), width, r.gpr[i], 0);
  for (let i = 0; i < 6; i++)
    if (i < count)
      store(r, slots, u64(segmentsAt + BigInt(width * i)), width, u64(r.segments[i].selector), 0);
}

/** Touches whatever can fault before anything is changed, and reads the new task's state. */
function prepare(
  r: TaskRegisters,
  slots: SlotTable,
  cause: u32,
  selector: u32,
  newBase: u64,
  toLong: boolean,
): void {
  const task = r.segments[tr];
  const fromLong = (task.attributes & 8) !== 0;
  const links = cause === TaskCause.call || cause === TaskCause.event;
  const width = widthOf(toLong);
  const count = countOf(toLong);
  for (let i = 0; i < 26; i++) {
    if (i < count) {
      r.incoming[i] = u32(load(r, slots, u64(newBase + BigInt(i * width)), width));
      if (r.outcome !== TaskOutcome.done) return;
    }
  }
  const first = u32(ripOf(fromLong) * widthOf(fromLong));
  const saved = u32((countOf(fromLong) - ripOf(fromLong)) * widthOf(fromLong));
  if (!canWrite(r, slots, u64(task.base + BigInt(first)), saved)) return;
  if (!links && !canWrite(r, slots, rightsAt(r.gdtBase, task.selector), 1)) return;
  if (cause !== TaskCause.return && !canWrite(r, slots, rightsAt(r.gdtBase, selector), 1)) return;
  if (links) canWrite(r, slots, newBase, 2);
}

/** The switch to a task state that is there and long enough. */
function switchTo(r: TaskRegisters, slots: SlotTable, request: TaskRequest, descriptor: u64): void {
  const { cause, external, selector } = request;
  const links = cause === TaskCause.call || cause === TaskCause.event;
  const task = r.segments[tr];
  const oldSelector = task.selector;
  const newBase = segmentBase(descriptor);
  const attributes = attributesOf(descriptor);
  const toLong = (attributes & 8) !== 0;
  if (task.limit < ((task.attributes & 8) !== 0 ? 0x67 : 0x2b)) {
    fail(r, taskFault, u32((oldSelector & 0xfffc) | (external ? 1 : 0)));
    return;
  }
  prepare(r, slots, cause, selector, newBase, toLong);
  if (r.outcome !== TaskOutcome.done) return;

  saveRegisters(r, slots, cause === TaskCause.return);
  if (links) store(r, slots, newBase, 2, u64(oldSelector), 0);
  else {
    const rights = load(r, slots, rightsAt(r.gdtBase, oldSelector), 1);
    store(r, slots, rightsAt(r.gdtBase, oldSelector), 1, u64(rights & ~2n), 0);
  }
  if (cause !== TaskCause.return)
    store(r, slots, rightsAt(r.gdtBase, selector), 1, u64((attributes & 0xff) | 2), 0);
  // Another processor may have changed the tables meanwhile.
  if (r.outcome !== TaskOutcome.done) return;
  r.committed = true;

  fill(task, u16(selector), newBase, limitOf(descriptor), u16(attributes | 2));
  r.cr0 = u64(r.cr0 | taskSwitched);
  r.dr7 = u64(r.dr7 & ~localBreakpoints);
  if (toLong && (r.cr0 & paging) !== 0n) r.cr3 = u64(r.incoming[cr3Entry]);
  takeRegisters(r, toLong);
  if (links) r.rflags = u64(r.rflags | nestedTask);
  if (!takeSegments(r, slots, external ? 1 : 0)) return;
  if (request.hasError) pushError(r, slots, widthOf(toLong), request.error);
  if (r.outcome === TaskOutcome.done && toLong && (r.incoming[debugEntry] & 1) !== 0) {
    r.dr6 = u64(r.dr6 | taskBreakpoint);
    fail(r, debugVector, 0);
  }
}

/** Switches to the task whose state `request` selects. */
export function switchTask(r: TaskRegisters, slots: SlotTable, request: TaskRequest): void {
  const { cause, selector, software } = request;
  const isReturn = cause === TaskCause.return;
  const error = u32((selector & 0xfffc) | (request.external ? 1 : 0));
  const wrong = isReturn ? taskFault : protection;
  r.outcome = TaskOutcome.done;
  r.committed = false;
  if (software >= 0 && r.cpl > 0) {
    const gate = load(r, slots, u64(r.idtBase + BigInt(software & 0xff) * 8n), 8);
    if (r.outcome !== TaskOutcome.done) return;
    if (r.cpl > ((attributesOf(gate) >> 5) & 3)) {
      fail(r, protection, u32((software << 3) | 2));
      return;
    }
  }
  if ((selector & 0xfff8) === 0 || (selector & 4) !== 0 || (selector | 7) > r.gdtLimit) {
    fail(r, wrong, error);
    return;
  }
  const descriptor = load(r, slots, u64(r.gdtBase + BigInt(selector & 0xfff8)), 8);
  if (r.outcome !== TaskOutcome.done) return;
  const attributes = attributesOf(descriptor);
  // An available task state, 16-bit (1) or 32-bit (9); a busy one to return to (3, 0xb).
  const isLong = (attributes & 8) !== 0;
  const level = (attributes >> 5) & 3;
  const mayReach = cause > TaskCause.jump || (r.cpl <= level && (selector & 3) <= level);
  if ((attributes & 0x17) !== (isReturn ? 3 : 1) || !mayReach) {
    fail(r, wrong, error);
    return;
  }
  if ((attributes & presentBit) === 0) {
    fail(r, notPresent, error);
    return;
  }
  if (limitOf(descriptor) < (isLong ? 0x67 : 0x2b)) {
    fail(r, taskFault, error);
    return;
  }
  switchTo(r, slots, request, descriptor);
}
