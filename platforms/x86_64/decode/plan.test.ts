import test from "ava";
import { u64 } from "../../../dsl/core/int.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { Segmentation } from "./effective-address.ts";
import { complete, prepare } from "./execute.ts";
import { DecodeResult, Mode, type Instruction } from "./operation.ts";
import { Plan, PlanResult, retire } from "./plan.ts";
import { decodeBytes } from "./testing/decoding.ts";

const gpr = make(array(u64, 16));
const plan = make(Plan);
const segmentation = make(Segmentation);
for (let i = 0; i < 6; i++) segmentation.base[i] = 0x10_0000n * BigInt(i + 1);
const [ss, ds, es] = [0x30_0000n, 0x40_0000n, 0x10_0000n];
const high = 0xaaaa_bbbb_0000_0000n;

function decoded(text: string, mode: Mode): Instruction {
  const { result, instruction } = decodeBytes(
    text.split(" ").map((b) => parseInt(b, 16)),
    mode,
  );
  if (result !== DecodeResult.ok) throw new Error(`${text} is ${DecodeResult[result]}`);
  return instruction;
}

/** Prepares an instruction with registers (others are 0). */
function plans(
  text: string,
  mode: Mode,
  registers: Readonly<Record<number, bigint>>,
  rip = 0x1000n,
  rflags = 2n,
): PlanResult {
  for (let i = 0; i < 16; i++) gpr[i] = registers[i] ?? 0n;
  return prepare(decoded(text, mode), gpr, segmentation, rip, rflags, plan);
}
function completes(text: string, mode: Mode, first: bigint, second = 0n): void {
  complete(decoded(text, mode), gpr, plan, first, second);
}

test("a 16-bit string operation moves and wraps only the low halves of its registers", (t) => {
  const text = "f3 a4";
  t.is(
    plans(text, Mode.bits16, { 1: high | 0x5555_0002n, 6: high | 0x1234_ffffn, 7: high | 0x5678_0010n }),
    PlanResult.ready,
  );
  t.deepEqual([plan.load.linear, plan.store.linear], [ds + 0xffffn, es + 0x10n]);
  completes(text, Mode.bits16, 0x77n);
  retire(plan, gpr);
  t.deepEqual([gpr[6], gpr[7], gpr[1]], [high | 0x1234_0000n, high | 0x5678_0011n, high | 0x5555_0001n]);
  t.true(plan.repeat);
  t.is(plan.rip, 0x1000n);
});

test("a 32-bit string operation clears the upper halves in 64-bit mode", (t) => {
  const text = "67 f3 ab";
  t.is(
    plans(text, Mode.bits64, { 0: 0x1122_3344_5566_7788n, 1: high | 1n, 7: high | 0xffff_fffcn }),
    PlanResult.ready,
  );
  t.is(plan.store.linear, 0xffff_fffcn);
  completes(text, Mode.bits64, 0n);
  retire(plan, gpr);
  t.deepEqual(
    [gpr[7], gpr[1], plan.storeValue, plan.repeat, plan.rip],
    [0n, 0n, 0x5566_7788n, false, 0x1003n],
  );
});

test("the count of a repeated operation is as wide as the addresses", (t) => {
  t.is(plans("67 f3 ab", Mode.bits64, { 1: high }), PlanResult.finished);
  t.is(plans("f3 ab", Mode.bits16, { 1: high | 0x5555_0000n }), PlanResult.finished);
  t.is(plan.rip, 0x1002n);
  t.is(plan.registerCount, 0);
  t.is(plans("f3 ab", Mode.bits64, { 1: high }), PlanResult.ready);
});

test("the source of a string operation takes a segment override, its destination is always in ES", (t) => {
  plans("36 a5", Mode.bits32, { 6: 8n, 7: 16n });
  t.deepEqual([plan.load.linear, plan.store.linear], [ss + 8n, es + 16n]);
  plans("36 a7", Mode.bits32, { 6: 8n, 7: 16n });
  t.deepEqual([plan.load.linear, plan.secondLoad.linear, plan.store.width], [ss + 8n, es + 16n, 0]);
  plans("36 af", Mode.bits32, { 6: 8n, 7: 16n });
  t.is(plan.load.linear, es + 16n);
});

test("INS stores what the port gave, OUTS loads what the port gets", (t) => {
  t.is(plans("f3 6d", Mode.bits64, { 1: 2n, 2: 0x1f0n, 7: 0x5000n }), PlanResult.ready);
  t.deepEqual([plan.load.width, plan.store.width, plan.store.linear], [0, 4, 0x5000n]);
  completes("f3 6d", Mode.bits64, 0xdead_beefn);
  t.is(plan.storeValue, 0xdead_beefn);
  retire(plan, gpr);
  t.deepEqual([gpr[7], gpr[1], plan.repeat], [0x5004n, 1n, true]);
  t.is(plans("66 6f", Mode.bits64, { 6: 0x6000n }, 0x1000n, 0x402n), PlanResult.ready);
  t.deepEqual([plan.load.width, plan.load.linear, plan.store.width], [2, 0x6000n, 0]);
  completes("66 6f", Mode.bits64, 0x1234n);
  retire(plan, gpr);
  t.deepEqual([gpr[6], plan.rip], [0x5ffen, 0x1002n]);
});

test("PUSH and POP keep what is above the stack's size", (t) => {
  segmentation.stackSize = 2;
  t.is(plans("ff 37", Mode.bits16, { 3: 0x40n, 4: high | 0x1111_0001n }), PlanResult.ready);
  t.deepEqual([plan.load.linear, plan.store.linear, plan.store.width], [ds + 0x40n, ss + 0xffffn, 2]);
  completes("ff 37", Mode.bits16, 0xabcdn);
  retire(plan, gpr);
  t.deepEqual([gpr[4], plan.storeValue], [high | 0x1111_ffffn, 0xabcdn]);
  segmentation.stackSize = 4;
  t.is(plans("66 8f 44 24 08", Mode.bits32, { 4: 0xffff_fffen }), PlanResult.ready);
  t.deepEqual([plan.load.linear, plan.store.linear], [ss - 2n, ss + 8n]);
  retire(plan, gpr);
  t.is(gpr[4], 0n);
});

test("nothing but the plan changes before `retire`", (t) => {
  plans("48 87 07", Mode.bits64, { 0: 5n, 7: 0x8000n });
  completes("48 87 07", Mode.bits64, 9n);
  t.deepEqual([gpr[0], plan.storeValue, plan.load.linear, plan.store.linear], [5n, 5n, 0x8000n, 0x8000n]);
  retire(plan, gpr);
  t.is(gpr[0], 9n);
});

test("RIP stays within 32 bits outside 64-bit mode", (t) => {
  plans("8b 07", Mode.bits32, {}, 0xffff_ffffn);
  t.is(plan.rip, 1n);
  plans("8b 07", Mode.bits64, {}, 0xffff_ffffn);
  t.is(plan.rip, 0x1_0000_0001n);
});

test("vector moves name one access, and instructions that are not emulated are said to be", (t) => {
  t.is(plans("c5 fe 7f 07", Mode.bits64, { 7: 0x9000n }), PlanResult.vector);
  t.deepEqual([plan.store.linear, plan.store.width, plan.load.width], [0x9000n, 32, 0]);
  t.is(plans("0f 10 0f", Mode.bits64, { 7: 0x9000n }), PlanResult.vector);
  t.deepEqual([plan.load.width, plan.store.width], [16, 0]);
  for (const text of [
    "89 c0",
    "0f a2",
    "ff 17",
    "0f 01 17",
    "8d 07",
    "0f 58 07",
    "d8 07",
    "0f ae 07",
    "8e 07",
  ]) {
    t.is(plans(text, Mode.bits64, {}), PlanResult.unsupported, text);
  }
});
