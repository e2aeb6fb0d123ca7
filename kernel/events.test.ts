import test from "ava";
import { declaredEvents, eventKind, eventRings } from "./events.ts";
import { modelMachine } from "./testing/machine.ts";

const tick = eventKind("test-tick", "value");

test("records carry their sequence, time and values", (t) => {
  const machine = modelMachine();
  const rings = eventRings(1, 64);
  machine.ticks = 77n;
  rings.record(tick, 5n, 6n, 7n, 8n);
  const record = rings.read(0, 0n);
  t.deepEqual(
    [record?.kind, record?.ticks, record?.a, record?.b, record?.c, record?.d],
    [tick.number, 77n, 5n, 6n, 7n, 8n],
  );
  t.is(rings.next(0), 1n);
});

test("a full ring forgets its oldest records and no others", (t) => {
  modelMachine();
  const rings = eventRings(1, 64);
  for (let i = 0n; i < 70n; i++) rings.record(tick, i, 0n, 0n, 0n);
  t.is(rings.read(0, 5n), null);
  t.is(rings.read(0, 6n)?.a, 6n);
  t.is(rings.read(0, 69n)?.a, 69n);
  t.is(rings.read(0, 70n), null);
});

test("a record that is being written is not read", (t) => {
  modelMachine();
  const rings = eventRings(1, 64);
  rings.record(tick, 1n, 0n, 0n, 0n);
  rings.read(0, 0n)!.published.store(0n);
  t.is(rings.read(0, 0n), null);
});

test("every declared event has a number of its own, and at most four values", (t) => {
  const numbers = declaredEvents().map((e) => e.number);
  t.is(new Set(numbers).size, numbers.length);
  t.throws(() => eventKind("too-much", "a", "b", "c", "d", "e"), { message: /room for four/ });
});
