import test from "ava";
import { tellingKernel, ticksOf } from "./firmware-ticks.ts";

test("letters are hexadecimal digits, the most significant first", (t) => {
  t.is(ticksOf("aaaaaaaaaaaaaaba"), 16);
  t.is(ticksOf("aaaaaaaabpaaaaap"), 0x1f00000f);
});

test("the kernel that tells the time is a bzImage whose entry jumps to its code", (t) => {
  const kernel = tellingKernel();
  t.is(kernel.readUInt16LE(0x1fe), 0xaa55);
  t.is(kernel.toString("latin1", 0x202, 0x206), "HdrS");
  t.is(0x202 + kernel.readUInt8(0x201), 0x268);
  t.deepEqual([...kernel.subarray(0x268, 0x26a)], [0x0f, 0x31]);
});
