import test from "ava";
import { location, make, struct, array } from "../../../dsl/core/layout.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { memory } from "../../../dsl/core/memory.ts";
import { Domain } from "../../../kernel/domain.ts";
import { addExtent, addSlot, SlotKind } from "../../../kernel/slots.ts";
import type { DeclaredHypercall } from "../guest/interfaces.ts";
import { hypercalls, HypercallStatus, mayCall } from "./hypercall.ts";
import { SvmVcpu } from "./vcpu.ts";

const Words = struct("TestParameters", { words: array(u64, 4) }, { align: 8 });
const Memory = struct("TestGuestMemory", { words: array(u64, 1024) }, { align: 4096 });
const addressOf = (value: object): bigint => BigInt(location(value)!.address);

/** A vCPU with two pages of memory and a page of ROM, and one call that adds its two inputs. */
function machine(inputBytes: number, outputBytes: number) {
  const input = make(Words);
  const output = make(Words);
  const guestMemory = make(Memory);
  const domain = make(Domain);
  addExtent(domain.slots, 0, addressOf(guestMemory), 8192n);
  addSlot(domain.slots, SlotKind.ram, 0, 0n, 4096n, 0n);
  addSlot(domain.slots, SlotKind.rom, 0, 0x8000n, 4096n, 4096n);
  const v = make(SvmVcpu);
  v.core.domain = domain;
  v.vmcb.cr0 = 0x8000_0001n;
  let calls = 0;
  const declared: DeclaredHypercall = {
    code: 7,
    first: 0,
    last: 0,
    inputBytes,
    outputBytes,
    input: () => addressOf(input),
    output: () => addressOf(output),
    run: () => {
      calls++;
      output.words[0] = output.words[0]! + input.words[0]! + input.words[1]!;
      output.words[1] = 0x1_0000_0002n;
      return 0;
    },
  };
  const call = hypercalls([declared]);
  return {
    v,
    guestMemory,
    input,
    calls: () => calls,
    /** In 64-bit mode. */
    long(control: bigint, first: bigint, second: bigint): bigint {
      v.vmcb.efer = 0x400n;
      v.vmcb.cs.attributes = 0x200;
      v.gpr[1] = control;
      v.gpr[2] = first;
      v.gpr[8] = second;
      call(v);
      return v.gpr[0]!;
    },
    /** In 32-bit mode, where each is a pair of registers. */
    short(control: bigint, first: bigint, second: bigint): bigint {
      const put = (high: number, low: number, value: bigint): void => {
        v.gpr[high] = (value >> 32n) | 0xdead_0000_0000n;
        v.gpr[low] = (value & 0xffff_ffffn) | 0xdead_0000_0000n;
      };
      v.vmcb.efer = 0n;
      put(2, 0, control);
      put(3, 1, first);
      put(7, 6, second);
      v.gpr[2] &= 0xffff_ffffn;
      v.gpr[3] &= 0xffff_ffffn;
      v.gpr[7] &= 0xffff_ffffn;
      call(v);
      return v.gpr[0]!;
    },
  };
}

const fast = 0x1_0000n;

test("a fast call takes its parameters from the registers and leaves its results there", (t) => {
  const m = machine(16, 16);
  t.is(m.long(fast | 7n, 40n, 2n), 0n);
  t.is(m.v.gpr[2], 42n);
  t.is(m.v.gpr[8], 0x1_0000_0002n);
});

test("outside 64-bit mode every parameter is a pair of 32-bit registers", (t) => {
  const m = machine(16, 16);
  t.is(m.short(fast | 7n, 0x1_0000_0028n, 2n), 0n);
  t.is(m.v.gpr[3], 1n);
  t.is(m.v.gpr[1], 0x2an);
  t.is(m.v.gpr[7], 1n);
  t.is(m.v.gpr[6], 2n);
  t.is(m.v.gpr[2], 0n);
});

test("parameters in memory are copied in and out once, and nothing beside them", (t) => {
  const m = machine(16, 16);
  m.guestMemory.words[2] = 40n;
  m.guestMemory.words[3] = 2n;
  m.guestMemory.words[7] = 9n;
  m.guestMemory.words[10] = 9n;
  t.is(m.long(7n, 0x10n, 0x40n), 0n);
  t.deepEqual(
    [7, 8, 9, 10].map((i) => m.guestMemory.words[i]),
    [9n, 42n, 0x1_0000_0002n, 9n],
  );
  t.is(m.input.words[2], 0n);
  t.is(m.v.gpr[8], 0x40n, "the registers are the guest's");
});

test("what an earlier call left does not come out of a later one", (t) => {
  const m = machine(16, 16);
  m.long(fast | 7n, 40n, 2n);
  m.long(fast | 7n, 1n, 2n);
  t.is(m.v.gpr[2], 3n);
});

const refusals: readonly (readonly [string, bigint, bigint, bigint, HypercallStatus])[] = [
  ["a code that nobody declares", 8n, 0n, 0n, HypercallStatus.invalidCode],
  ["a variable header", 7n | (1n << 17n), 0n, 0x40n, HypercallStatus.invalidInput],
  ["a repeated call", 7n | (1n << 32n), 0n, 0x40n, HypercallStatus.invalidInput],
  ["a reserved bit", 7n | (1n << 63n), 0n, 0x40n, HypercallStatus.invalidInput],
  ["an input that is not aligned", 7n, 4n, 0x40n, HypercallStatus.invalidAlignment],
  ["an input across pages", 7n, 0xff8n, 0x40n, HypercallStatus.invalidAlignment],
  ["an input in no memory", 7n, 0x1_0000n, 0x40n, HypercallStatus.invalidParameter],
  [
    "an input at the end of all addresses",
    7n,
    0xffff_ffff_ffff_fff0n,
    0x40n,
    HypercallStatus.invalidParameter,
  ],
  ["an output that is not aligned", 7n, 0n, 0x41n, HypercallStatus.invalidAlignment],
  ["an output in no memory", 7n, 0n, 0x1_0000n, HypercallStatus.invalidParameter],
  ["an output in ROM", 7n, 0n, 0x8000n, HypercallStatus.invalidParameter],
];

for (const [what, control, first, second, status] of refusals) {
  test(`${what} gets its status, and the call is not made`, (t) => {
    const m = machine(16, 16);
    const before = new Uint8Array(memory.buffer, Number(addressOf(m.guestMemory)), 8192).slice();
    t.is(m.long(control, first, second), BigInt(status));
    t.is(m.calls(), 0);
    t.deepEqual(new Uint8Array(memory.buffer, Number(addressOf(m.guestMemory)), 8192), before);
  });
}

test("a fast call has no room for more than 16 bytes", (t) => {
  t.is(machine(24, 0).long(fast | 7n, 0n, 0n), BigInt(HypercallStatus.invalidInput));
  t.is(machine(0, 24).long(fast | 7n, 0n, 0n), BigInt(HypercallStatus.invalidInput));
});

test("an input in ROM can be read", (t) => {
  t.is(machine(16, 16).long(7n, 0x8000n, 0x40n), 0n);
});

test("only the guest's kernel has hypercalls, and not in real mode", (t) => {
  const { v } = machine(0, 0);
  t.true(mayCall(v));
  v.vmcb.cpl = 3;
  t.false(mayCall(v));
  v.vmcb.cpl = 0;
  v.vmcb.cr0 = 0n;
  t.false(mayCall(v));
});
