import test from "ava";
import { u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, load32, load8, store32, store64 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { TaskOutcome, TaskRegisters } from "./task-registers.ts";
import { switchTask, TaskCause } from "./task-switch.ts";

const pageBytes = 4096;
const pages = 8;
const gdtAt = 0x1000;
const [oldAt, newAt, shortAt, ldtAt, idtAt, directoryAt, tableAt] = [
  0x2000, 0x3000, 0x3800, 0x4000, 0x4800, 0x5000, 0x6000,
];
/** Selectors. */
const [code, data, old, next, short, ldt, absent, userData] = [8, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x43];
const notPresent = 11;
const [task, protection, pageFault, stack] = [10, 13, 14, 12];
const nestedTask = 0x4000n;

const descriptor = (base: number, limit: number, rights: number, flags = 0): bigint =>
  BigInt(limit & 0xffff) |
  (BigInt(base & 0xff_ffff) << 16n) |
  (BigInt(rights) << 40n) |
  (BigInt(limit >>> 16) << 48n) |
  (BigInt(flags) << 52n) |
  (BigInt(base >>> 24) << 56n);

/** A vCPU in a 32-bit task with another one to switch to, in 32 KiB of memory without paging. */
function machine() {
  const slots = make(SlotTable);
  const bytes = pages * pageBytes;
  const host = (addressOf(make(array(u8, bytes + pageBytes))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(bytes));
  addSlot(slots, SlotKind.ram, 0, 0n, BigInt(bytes), 0n);
  const at = (address: number): u64 => u64(host + BigInt(address));
  const word = (address: number): number => load32(at(address));
  const setWord = (address: number, value: number): void => store32(at(address), value >>> 0);
  const describe = (selector: number, d: bigint): void => store64(at(gdtAt + (selector & ~7)), d);
  const rights = (selector: number): number => load8(at(gdtAt + (selector & ~7) + 5));
  describe(code, descriptor(0, 0xf_ffff, 0x9a, 0xc));
  describe(data, descriptor(0, 0xf_ffff, 0x92, 0xc));
  describe(old, descriptor(oldAt, 0x67, 0x8b));
  describe(next, descriptor(newAt, 0x67, 0x89));
  describe(short, descriptor(shortAt, 0x2b, 0x81));
  describe(ldt, descriptor(ldtAt, 0xff, 0x82));
  describe(absent, descriptor(0, 0xffff, 0x12));
  describe(userData, descriptor(0, 0xf_ffff, 0xf2, 0xc));
  const r = make(TaskRegisters);
  Object.assign(r, { cr0: 0x11n, rip: 0x1234n, rflags: 0x202n, dr7: 0x4ffn });
  Object.assign(r, { gdtBase: BigInt(gdtAt), gdtLimit: 0xff, idtBase: BigInt(idtAt) });
  for (let i = 0; i < 8; i++) r.gpr[i] = BigInt(0x100 + i);
  for (let i = 0; i < 6; i++)
    Object.assign(r.segments[i], { selector: i === 1 ? code : data, limit: 0xffff_ffff, attributes: 0xc93 });
  Object.assign(r.segments[7], { selector: old, base: BigInt(oldAt), limit: 0x67, attributes: 0x8b });
  // The new task: EIP, EFLAGS, the general registers, the segments, the LDT.
  const fields = [0xaaa0, 0x2, ...Array.from({ length: 8 }, (_, i) => (i === 4 ? 0x7000 : 0x200 + i))];
  fields.forEach((value, i) => setWord(newAt + 0x20 + 4 * i, value));
  [data, code, data, data, 0, userData, ldt].forEach((value, i) => setWord(newAt + 0x48 + 4 * i, value));
  const run = (cause: number, selector: number, options: object = {}): void =>
    switchTask(r, slots, {
      ...{ cause, selector, software: -1, external: false, hasError: false, error: 0 },
      ...options,
    });
  const outcome = (): unknown[] => [r.outcome, r.vector, r.error, r.committed];
  return { r, run, word, setWord, describe, rights, outcome };
}
const fault = (vector: number, error: number, committed = false): unknown[] => [
  TaskOutcome.fault,
  vector,
  error,
  committed,
];

test("a jump saves the old task, loads the new one, and passes the busy bit on", (t) => {
  const m = machine();
  m.run(TaskCause.jump, next);
  t.deepEqual([m.r.outcome, m.r.committed], [TaskOutcome.done, true]);
  t.deepEqual([m.word(oldAt + 0x20), m.word(oldAt + 0x24)], [0x1234, 0x202]);
  for (let i = 0; i < 8; i++) t.is(m.word(oldAt + 0x28 + 4 * i), 0x100 + i);
  t.deepEqual([m.word(oldAt + 0x48), m.word(oldAt + 0x4c)], [data, code]);
  t.deepEqual([m.rights(old), m.rights(next)], [0x89, 0x8b]);
  t.deepEqual([m.r.rip, m.r.rflags, m.r.gpr[0], m.r.gpr[4]], [0xaaa0n, 2n, 0x200n, 0x7000n]);
  t.like(m.r.segments[7], { selector: next, base: BigInt(newAt), limit: 0x67, attributes: 0x8b });
  t.like(m.r.segments[6], { selector: ldt, base: BigInt(ldtAt), limit: 0xff, attributes: 0x82 });
  t.like(m.r.segments[1], { selector: code, limit: 0xffff_ffff, attributes: 0xc9b });
  t.like(m.r.segments[4], { selector: 0, attributes: 0 });
  t.like(m.r.segments[5], { selector: userData, attributes: 0xcf3 });
  t.is(m.rights(data), 0x93, "the descriptor is marked as accessed");
  t.is(m.r.cr0, 0x19n, "TS is set");
  t.is(m.r.dr7, 0x4aan, "local breakpoints are off");
  t.is(m.word(newAt), 0, "a jump leaves no link");
});

test("a call links the new task to the old one, which stays busy, and a return goes back", (t) => {
  const m = machine();
  m.run(TaskCause.call, next);
  t.is(m.r.outcome, TaskOutcome.done);
  t.is(m.word(newAt), old);
  t.is(m.r.rflags & nestedTask, nestedTask);
  t.deepEqual([m.rights(old), m.rights(next)], [0x8b, 0x8b]);
  m.r.rip = 0xbbb0n;
  m.run(TaskCause.return, old);
  t.is(m.r.outcome, TaskOutcome.done);
  t.deepEqual([m.rights(old), m.rights(next)], [0x8b, 0x89]);
  t.deepEqual([m.word(newAt + 0x20), m.word(newAt + 0x24) & 0x4000], [0xbbb0, 0], "NT is not kept");
  t.deepEqual([m.r.rip, m.r.rflags, m.r.gpr[3]], [0x1234n, 0x202n, 0x103n]);
});

test("an event's error code lies on the new task's stack", (t) => {
  const m = machine();
  m.run(TaskCause.event, next, { external: true, hasError: true, error: 0x55 });
  t.is(m.r.outcome, TaskOutcome.done);
  t.is(m.r.gpr[4], 0x6ffcn);
  t.is(m.word(0x6ffc), 0x55);
  t.is(m.word(oldAt + 0x20), 0x1234);
});

test("a 16-bit task state is loaded and saved in its own layout", (t) => {
  const m = machine();
  const words = [0xaaa0, 0x2, 1, 2, 3, 4, 0x7000, 6, 7, 8, data, code, data, data, 0];
  words.forEach((value, i) => {
    const at = shortAt + 0x0e + 2 * i;
    const shift = (at & 2) * 8;
    m.setWord(at & ~3, (m.word(at & ~3) & ~(0xffff << shift)) | (value << shift));
  });
  m.run(TaskCause.call, short);
  t.is(m.r.outcome, TaskOutcome.done);
  t.deepEqual([m.r.rip, m.r.rflags, m.r.gpr[0], m.r.gpr[7]], [0xaaa0n, 0x4002n, 1n, 8n]);
  t.like(m.r.segments[4], { selector: 0, attributes: 0 });
  t.is(m.r.segments[7].attributes, 0x83);
  m.r.rip = 0xccc0n;
  m.run(TaskCause.return, old);
  t.is(m.r.outcome, TaskOutcome.done);
  t.is(m.word(shortAt + 0x0c) >>> 16, 0xccc0);
  t.is(m.r.rip, 0x1234n);
});

test("with paging the new task has its own page tables", (t) => {
  const m = machine();
  m.setWord(directoryAt, tableAt | 3);
  for (let i = 0; i < pages; i++) m.setWord(tableAt + 4 * i, (i * pageBytes) | 3);
  m.r.cr0 = 0x8000_0011n;
  m.r.cr3 = BigInt(directoryAt);
  m.setWord(newAt + 0x1c, directoryAt | 8);
  m.run(TaskCause.jump, next);
  t.is(m.r.outcome, TaskOutcome.done);
  t.is(m.r.cr3, BigInt(directoryAt | 8));
});

test("what cannot be written is found before anything has changed", (t) => {
  const m = machine();
  m.setWord(directoryAt, tableAt | 3);
  for (let i = 0; i < pages; i++) m.setWord(tableAt + 4 * i, (i * pageBytes) | 3);
  m.setWord(tableAt + 4 * (oldAt / pageBytes), oldAt | 1);
  m.r.cr0 = 0x8001_0011n;
  m.r.cr3 = BigInt(directoryAt);
  m.run(TaskCause.jump, next);
  t.deepEqual(m.outcome(), fault(pageFault, 3));
  t.is(m.r.address, BigInt(oldAt + 0x20));
  t.deepEqual([m.rights(old), m.rights(next), m.r.rip], [0x8b, 0x89, 0x1234n]);
});

/** What is wrong with a switch, what is raised, and whether the new task raises it. */
const wrongs: readonly (readonly [string, (m: ReturnType<typeof machine>) => void, unknown[]])[] = [
  ["no selector", (m) => m.run(TaskCause.jump, 0), fault(protection, 0)],
  ["a selector of the LDT", (m) => m.run(TaskCause.call, next | 4), fault(protection, next | 4)],
  ["a selector beyond the table", (m) => m.run(TaskCause.jump, 0x100), fault(protection, 0x100)],
  ["a busy task", (m) => m.run(TaskCause.jump, old), fault(protection, old)],
  ["no task state", (m) => m.run(TaskCause.jump, data), fault(protection, data)],
  ["a return to what is not busy", (m) => m.run(TaskCause.return, next), fault(task, next)],
  [
    "an event from outside, whose codes say so",
    (m) => m.run(TaskCause.event, data, { external: true }),
    fault(protection, data | 1),
  ],
  [
    "a task state that is not present",
    (m) => {
      m.describe(next, descriptor(newAt, 0x67, 0x09));
      m.run(TaskCause.jump, next);
    },
    fault(notPresent, next),
  ],
  [
    "a task state that is too short",
    (m) => {
      m.describe(next, descriptor(newAt, 0x66, 0x89));
      m.run(TaskCause.jump, next);
    },
    fault(task, next),
  ],
  [
    "a jump from user mode to the system's task",
    (m) => {
      m.r.cpl = 3;
      m.run(TaskCause.jump, next | 3);
    },
    fault(protection, next),
  ],
  [
    "a software interrupt from user mode through the system's gate",
    (m) => {
      m.setWord(idtAt + 8 * 0x30 + 4, 0x8500);
      m.r.cpl = 3;
      m.run(TaskCause.event, next, { software: 0x30 });
    },
    fault(protection, 0x30 * 8 + 2),
  ],
  [
    "an LDT that is none",
    (m) => {
      m.setWord(newAt + 0x60, data);
      m.run(TaskCause.jump, next);
    },
    fault(task, data, true),
  ],
  [
    "code that is data",
    (m) => {
      m.setWord(newAt + 0x4c, data);
      m.run(TaskCause.jump, next);
    },
    fault(task, data, true),
  ],
  [
    "a stack of another privilege level",
    (m) => {
      m.setWord(newAt + 0x50, userData);
      m.run(TaskCause.jump, next);
    },
    fault(task, userData & ~3, true),
  ],
  [
    "a segment that is not present",
    (m) => {
      m.setWord(newAt + 0x54, absent);
      m.run(TaskCause.jump, next);
    },
    fault(notPresent, absent, true),
  ],
  [
    "a stack that is not present",
    (m) => {
      m.setWord(newAt + 0x50, absent);
      m.run(TaskCause.jump, next);
    },
    fault(stack, absent, true),
  ],
  [
    "its debug bit",
    (m) => {
      m.setWord(newAt + 0x64, 1);
      m.run(TaskCause.jump, next);
      if (m.r.dr6 !== 0x8000n) throw new Error("DR6.BT is not set");
    },
    fault(1, 0, true),
  ],
];
for (const [what, act, expected] of wrongs) {
  test(`a switch with ${what} raises what the processor would`, (t) => {
    const m = machine();
    act(m);
    t.deepEqual(m.outcome(), expected);
    if (!m.r.committed) t.deepEqual([m.r.rip, m.rights(old)], [0x1234n, 0x8b]);
  });
}

test("a task state outside memory ends the guest, not the hypervisor", (t) => {
  const m = machine();
  m.describe(next, descriptor(0xd000_0000, 0x67, 0x89));
  m.run(TaskCause.jump, next);
  t.is(m.r.outcome, TaskOutcome.notMemory);
  t.is(m.r.address, 0xd000_0000n);
});
