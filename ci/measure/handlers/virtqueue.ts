/** A split virtqueue by itself, over guest memory that is one stretch of storage: what `virtqueue.c` is in C. */
import { provide } from "../../../dsl/core/binding.ts";
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  load16,
  load32,
  load64,
  store16,
  store32,
  store64,
} from "../../../dsl/core/intrinsics.ts";
import { array, bool, struct, type AnyFunction } from "../../../dsl/core/layout.ts";
import type { EntryPoint, Program } from "../../../dsl/core/program.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { board, type Board, type GuestValue } from "../../../dsl/device/board.ts";
import { virtqueue } from "../../../dsl/device/virtqueue.ts";

/** Where the guest's memory starts, and its bytes; the last 4 KiB cannot be written by a device. */
export const ramGpa = 0x1000n;
export const ramBytes = 0x8000n;
const writableBytes = 0x7000n;
/** Where the rings lie, and descriptors of the queue. */
export const rings = { descriptors: 0x2000n, driver: 0x3000n, device: 0x4000n, size: 16 } as const;

const ram = storage("ram", array(u64, 0x1000));
const state = storage("state", struct("QueueState", { queue: virtqueue(rings.size), found: bool }));

/** Where bytes of the guest's memory lie in `ram`, or behind `bytes`. */
const inside = (gpa: u64): u64 => u64(gpa - ramGpa);
const lies = (at: u64, width: u8, bytes: u64): boolean => at <= bytes - BigInt(width);
const placeOf = (at: u64): u64 => u64(addressOf(ram) + at);

provide(board, {
  readMemory: (gpa: u64, width: u8): GuestValue => {
    const at = inside(gpa);
    if (!lies(at, width, ramBytes)) return { ok: false, value: 0n };
    if (width === 8) return { ok: true, value: load64(placeOf(at)) };
    return { ok: true, value: BigInt(width === 4 ? load32(placeOf(at)) : load16(placeOf(at))) };
  },
  writeMemory: (gpa: u64, width: u8, value: u64): boolean => {
    const at = inside(gpa);
    if (!lies(at, width, writableBytes)) return false;
    if (width === 8) store64(placeOf(at), value);
    else if (width === 4) store32(placeOf(at), u32(value));
    else store16(placeOf(at), u16(value));
    return true;
  },
} as unknown as Board);

const entries: EntryPoint[] = [];
const entry = (
  symbol: string,
  fn: AnyFunction,
  params: EntryPoint["params"],
  result?: EntryPoint["result"],
): void => {
  entries.push({ symbol, fn, params, result });
};
entry(
  "initialise",
  (indirect: boolean, eventIndex: boolean): boolean =>
    state.queue.start(rings.descriptors, rings.driver, rings.device, rings.size, indirect, eventIndex),
  [bool, bool],
  bool,
);
entry(
  "set",
  (gpa: u64, value: u64): void => {
    const at = inside(gpa);
    if (lies(at, 8, ramBytes)) store64(placeOf(at), value);
  },
  [u64, u64],
);
entry(
  "word",
  (gpa: u64): u32 => (lies(inside(gpa), 4, ramBytes) ? load32(placeOf(inside(gpa))) : 0),
  [u64],
  u32,
);
entry("take", (): u8 => state.queue.take(), [], u8);
entry("complete", (written: u32): boolean => state.queue.complete(written), [u32], bool);
entry("finish", (): u8 => state.queue.finish(), [], u8);
entry("count", (): u16 => state.queue.count, [], u16);
entry("bytes", (): u64 => BigInt(state.queue.readable) | (BigInt(state.queue.writable) << 32n), [], u64);
entry("gpaOf", (index: u32): u64 => state.queue.segments[index & (rings.size - 1)].gpa, [u32], u64);
entry("bytesOf", (index: u32): u32 => state.queue.segments[index & (rings.size - 1)].bytes, [u32], u32);

export const program: Program = { name: "virtqueue", entries };
