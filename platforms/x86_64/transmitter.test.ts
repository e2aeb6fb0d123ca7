import test from "ava";
import { mostWaiting, transmitter } from "./transmitter.ts";

let made = 0;

/** A 16550's transmitter that sends a byte at every tick, and loses what finds its FIFO full. */
function wire() {
  const fifo: number[] = [];
  const sent: number[] = [];
  let lost = 0;
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    const byte = fifo.shift();
    if (byte !== undefined) sent.push(byte);
  };
  const line = transmitter(`transmitter.test.${made++}`, {
    isFree: () => fifo.length === 0,
    await: () => {
      while (fifo.length > 0) tick();
    },
    send: (byte) => void (fifo.length < 16 ? fifo.push(byte) : lost++),
  });
  return { ...line, fifo, sent, tick, lost: () => lost, ticks: () => ticks };
}

/** Lets everything go. */
function settle(w: ReturnType<typeof wire>): void {
  while (!w.flush() || w.fifo.length > 0) w.tick();
}

test("a byte goes out at once while the wire is free", (t) => {
  const w = wire();
  t.true(w.queue(1));
  t.deepEqual(w.fifo, [1]);
});

test("a byte that finds the wire busy waits without waiting for it", (t) => {
  const w = wire();
  w.queue(1);
  t.false(w.queue(2));
  t.is(w.ticks(), 0);
  t.false(w.flush());
  t.is(w.ticks(), 0);
  w.tick();
  t.true(w.flush());
  t.deepEqual(w.fifo, [2]);
});

test("bytes keep their order, whether they waited or not, and none is lost", (t) => {
  const w = wire();
  const all: number[] = [];
  let seed = 99;
  for (let i = 0; i < 20_000; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const what = seed >>> 28;
    const byte = (seed >>> 8) & 0xff;
    if (what < 6) {
      w.queue(byte);
      all.push(byte);
    } else if (what === 6) {
      w.put(byte);
      all.push(byte);
    } else if (what < 9) w.flush();
    else w.tick();
  }
  settle(w);
  t.deepEqual(w.sent, all);
  t.is(w.lost(), 0);
});

test("what the hypervisor says comes behind what a guest has said", (t) => {
  const w = wire();
  for (const byte of [1, 2, 3]) w.queue(byte);
  w.put(4);
  settle(w);
  t.deepEqual(w.sent, [1, 2, 3, 4]);
});

test("where too much waits, a flush waits until it is little enough", (t) => {
  const w = wire();
  for (let i = 0; i < mostWaiting + 200; i++) w.queue(i & 0xff);
  t.is(w.ticks(), 0);
  t.false(w.flush());
  t.true(w.ticks() > 0);
  const waited = w.ticks();
  t.false(w.flush());
  t.is(w.ticks(), waited, "and then no longer");
  settle(w);
  t.deepEqual(
    w.sent,
    Array.from({ length: mostWaiting + 200 }, (_, i) => i & 0xff),
  );
});

test("emptying sends everything", (t) => {
  const w = wire();
  for (let i = 0; i < 300; i++) w.queue(i & 0xff);
  w.empty();
  t.true(w.flush());
});
