import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { cfiFlash } from "./cfi-flash.ts";

const bytes = 0x8000;
const fitted = () => attach(cfiFlash(bytes));
type Guest = ReturnType<typeof fitted>;
const put = (guest: Guest, offset: number, ...values: readonly number[]): void => {
  for (const value of values) guest.writeAt("chip", offset, 1, value);
};
const get = (guest: Guest, offset: number): number => guest.readAt("chip", offset, 1);
const arrayOf = (guest: Guest): Uint8Array => guest.board.flash;

test("OVMF tells a flash by the status that clearing leaves, which is neither the command nor what lay there", (t) => {
  const guest = fitted();
  put(guest, 0x123, 0x50);
  t.is(get(guest, 0x123), 0xff);
  put(guest, 0x123, 0x70);
  t.is(get(guest, 0x123), 0);
  t.false(guest.board.flashShown);
  put(guest, 0x123, 0xff);
  t.true(guest.board.flashShown);
  t.true(arrayOf(guest).every((byte) => byte === 0xff));
});

test("programming clears bits, and the chip answers with its status until it is told to show the array", (t) => {
  const guest = fitted();
  for (const [at, command] of [
    [5, 0x10],
    [6, 0x40],
  ] as const) {
    put(guest, at, command);
    t.false(guest.board.flashShown);
    put(guest, at, 0xa5);
    t.is(get(guest, at), 0x80);
    put(guest, at, command, 0x3c);
  }
  t.deepEqual([...arrayOf(guest).slice(4, 8)], [0xff, 0x24, 0x24, 0xff]);
  put(guest, 0, 0xff);
  t.true(guest.board.flashShown);
  t.is(get(guest, 5), 0x24);
});

test("a confirmed erase sets a block of 4 KiB and no more, and one that is not confirmed is an error", (t) => {
  const guest = fitted();
  arrayOf(guest).fill(0);
  put(guest, 0x1234, 0x20, 0xd0);
  t.is(get(guest, 0), 0x80);
  t.true(
    arrayOf(guest)
      .subarray(0x1000, 0x2000)
      .every((byte) => byte === 0xff),
  );
  t.is(arrayOf(guest).filter((byte) => byte === 0xff).length, 0x1000);
  put(guest, 0x2000, 0x20, 0xff);
  t.is(get(guest, 0), 0xb0);
  t.is(arrayOf(guest)[0x2000], 0);
  put(guest, 0, 0x50, 0x70);
  t.is(get(guest, 0), 0);
});

test("a buffer of up to 32 bytes is programmed when it is confirmed", (t) => {
  const guest = fitted();
  put(guest, 0x40, 0xe8);
  t.is(get(guest, 0x40), 0x80);
  put(guest, 0x40, 2);
  put(guest, 0x41, 1);
  put(guest, 0x5f, 2);
  put(guest, 0x40, 3);
  t.is(arrayOf(guest)[0x41], 0xff);
  put(guest, 0x40, 0xd0);
  t.deepEqual(
    [arrayOf(guest)[0x40], arrayOf(guest)[0x41], arrayOf(guest)[0x42], arrayOf(guest)[0x5f]],
    [3, 1, 0xff, 2],
  );
  t.is(get(guest, 0x40), 0x80);
  // Too many, in two buffers, and not confirmed.
  for (const writes of [
    [
      [0, 0xe8],
      [0, 32],
    ],
    [
      [0, 0xe8],
      [0, 1],
      [0, 0],
      [32, 0],
    ],
    [
      [0, 0xe8],
      [0, 0],
      [0, 0],
      [0, 0xff],
    ],
  ] as const) {
    put(guest, 0, 0x50);
    for (const [at, value] of writes) put(guest, at, value);
    t.is(get(guest, 0) & 0x90, 0x90);
    put(guest, 0, 0xff);
  }
  t.is(arrayOf(guest)[0], 0xff);
});

test("identifiers and the common flash interface say what the chip is", (t) => {
  const guest = fitted();
  put(guest, 0, 0x90);
  t.deepEqual([get(guest, 0), get(guest, 1), get(guest, 2)], [0x89, 0x18, 0]);
  put(guest, 0x55, 0x98);
  const query = Array.from({ length: 0x40 }, (_, i) => get(guest, i));
  t.is(String.fromCharCode(...query.slice(0x10, 0x13)), "QRY");
  t.deepEqual(query.slice(0x13, 0x17), [1, 0, 0x31, 0]);
  // 2^15 bytes, a byte wide, a buffer of 2^5; one region of 8 blocks of 16 times 256 bytes.
  t.deepEqual(query.slice(0x27, 0x31), [15, 0, 0, 5, 0, 1, 7, 0, 16, 0]);
  t.is(String.fromCharCode(...query.slice(0x31, 0x34)), "PRI");
  t.deepEqual(query.slice(0, 0x10), new Array(0x10).fill(0));
});

test("a restart shows the array again, with what it holds, and a save goes on in the middle of a command", (t) => {
  const guest = fitted();
  put(guest, 9, 0x40, 0x12, 0x40);
  guest.reset();
  t.true(guest.board.flashShown);
  t.is(get(guest, 9), 0x12);
  put(guest, 10, 0x40);
  // Another machine's board shows it at first.
  guest.board.flashShown = true;
  guest.resume();
  t.false(guest.board.flashShown);
  put(guest, 10, 0x34);
  t.is(arrayOf(guest)[10], 0x34);
});

test("a wider access is several of a byte, lowest first", (t) => {
  const guest = fitted();
  guest.writeAt("chip", 0, 2, 0x7740);
  t.is(arrayOf(guest)[1], 0x77);
  put(guest, 0, 0xff);
  t.is(guest.readAt("chip", 0, 4), 0xffff_77ff);
});
