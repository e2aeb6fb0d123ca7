import test from "ava";
import { u64 } from "../../../dsl/core/int.ts";
import { array, make, struct } from "../../../dsl/core/layout.ts";
import { mostFrames } from "../../../kernel/crash-dump.ts";
import { followFrames } from "./crash-dump.ts";

/** The return addresses that a stack of words by their address has from a frame on. */
function follow(stack: Readonly<Record<number, bigint>>, first: bigint, bytes = 8): readonly bigint[] {
  const { frames } = make(struct("Frames", { frames: array(u64, mostFrames) }));
  const read = (_: null, address: bigint) => {
    const value = stack[Number(address)];
    return { ok: value !== undefined, value: value ?? 0n };
  };
  const count = followFrames(null, read, u64(first), bytes, frames);
  return Array.from({ length: count }, (_, i) => frames[i]!);
}

test("return addresses are found above each frame pointer, the innermost first", (t) => {
  t.deepEqual(follow({ 0x100: 0x140n, 0x108: 1n, 0x140: 0x200n, 0x148: 2n, 0x200: 0n, 0x208: 3n }, 0x100n), [
    1n,
    2n,
    3n,
  ]);
  t.deepEqual(follow({ 0x100: 0x140n, 0x104: 7n, 0x140: 0n, 0x144: 8n }, 0x100n, 4), [7n, 8n]);
});

test("a chain ends where memory is missing, where nobody called, and where it does not lead upwards", (t) => {
  t.deepEqual(follow({}, 0x100n), []);
  t.deepEqual(follow({ 0x100: 0x140n, 0x108: 1n, 0x140: 0x200n }, 0x100n), [1n]);
  t.deepEqual(follow({ 0x100: 0x140n, 0x108: 0n }, 0x100n), []);
  t.deepEqual(follow({ 0x100: 0x100n, 0x108: 5n }, 0x100n), [5n]);
  t.deepEqual(follow({ 0x100: 0x80n, 0x108: 5n, 0x80: 0x100n, 0x88: 6n }, 0x100n), [5n]);
});

test("a chain of a hostile guest is followed no further than there is room", (t) => {
  const stack = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [
      [0x1000 + i * 16, BigInt(0x1010 + i * 16)],
      [0x1008 + i * 16, 9n],
    ]).flat(),
  ) as Record<number, bigint>;
  t.is(follow(stack, 0x1000n).length, mostFrames);
});
