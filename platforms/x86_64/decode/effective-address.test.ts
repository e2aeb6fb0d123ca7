import test from "ava";
import { u64 } from "../../../dsl/core/int.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { effectiveOffset, linearAddress, Segmentation } from "./effective-address.ts";
import { DecodeResult, Mode } from "./operation.ts";
import { decodeBytes } from "./testing/decoding.ts";

const gpr = make(array(u64, 16));
for (let i = 0; i < 16; i++)
  gpr[i] = 0x1111_0000_0000_0000n * BigInt(i % 8) + 0x1_0000n * BigInt(i + 1) + BigInt(0x100 * i);
const segmentation = make(Segmentation);
for (let i = 0; i < 6; i++) segmentation.base[i] = 0x10_0000n * BigInt(i + 1);
const rip = 0x7fff_0000_1000n;

function offsetOf(text: string, mode = Mode.bits64): bigint {
  const { result, instruction } = decodeBytes(
    text.split(" ").map((b) => parseInt(b, 16)),
    mode,
  );
  if (result !== DecodeResult.ok) throw new Error(text);
  return effectiveOffset(instruction, gpr, rip);
}
function linearOf(text: string, mode = Mode.bits64): bigint {
  const offset = offsetOf(text, mode);
  const { instruction } = decodeBytes(
    text.split(" ").map((b) => parseInt(b, 16)),
    mode,
  );
  return linearAddress(segmentation, instruction.mode, instruction.segment, offset);
}
const low = (v: bigint, bits: number) => BigInt.asUintN(bits, v);

test("base, scaled index and displacement add up modulo 2^64", (t) => {
  t.is(offsetOf("8b 44 f7 80"), low(gpr[7]! + gpr[6]! * 8n - 0x80n, 64));
  t.is(offsetOf("43 8b 84 8c 00 00 00 80"), low(gpr[12]! + gpr[9]! * 4n - 0x8000_0000n, 64));
  t.is(offsetOf("8b 04 9d 78 56 34 12"), low(gpr[3]! * 4n + 0x1234_5678n, 64));
});

test("with 67 the sum is cut to 32 bits in 64-bit mode, and RIP with it", (t) => {
  t.is(offsetOf("67 8b 44 f7 80"), low(gpr[7]! + gpr[6]! * 8n - 0x80n, 32));
  t.is(offsetOf("67 8b 05 ff ff ff ff"), low(rip - 1n, 32));
  t.is(offsetOf("8b 05 ff ff ff ff"), rip - 1n);
});

test("16-bit addressing takes its two registers and wraps at 64 KiB", (t) => {
  t.is(offsetOf("8b 40 ff", Mode.bits16), low(gpr[3]! + gpr[6]! - 1n, 16));
  t.is(offsetOf("8b 83 00 ff", Mode.bits16), low(gpr[5]! + gpr[7]! + 0xff00n, 16));
  t.is(offsetOf("8b 47 05", Mode.bits16), low(gpr[3]! + 5n, 16));
  t.is(offsetOf("8b 06 34 12", Mode.bits16), 0x1234n);
  t.is(offsetOf("67 8b 46 10", Mode.bits32), low(gpr[5]! + 0x10n, 16));
});

test("only FS and GS have a base in 64-bit mode", (t) => {
  t.is(linearOf("8b 04 25 00 10 00 00"), 0x1000n);
  t.is(linearOf("2e 8b 04 25 00 10 00 00"), 0x1000n);
  t.is(linearOf("64 8b 04 25 00 10 00 00"), 0x50_1000n);
  t.is(linearOf("65 8b 04 25 00 10 00 00"), 0x60_1000n);
});

test("outside 64-bit mode every segment's base is added and the sum wraps at 4 GiB", (t) => {
  t.is(linearOf("8b 05 00 10 00 00", Mode.bits32), 0x40_1000n);
  t.is(linearOf("36 8b 05 00 10 00 00", Mode.bits32), 0x30_1000n);
  t.is(linearOf("8b 05 00 00 f0 ff", Mode.bits32), 0x30_0000n);
  t.is(linearOf("a1 34 12", Mode.bits16), 0x40_1234n);
});

test("absolute offsets are as long as the address size", (t) => {
  t.is(offsetOf("a1 88 77 66 55 44 33 22 11"), 0x1122_3344_5566_7788n);
  t.is(offsetOf("67 a1 88 77 66 f5"), 0xf566_7788n);
});
