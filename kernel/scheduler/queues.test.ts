import test from "ava";
import { u32 } from "../../dsl/core/int.ts";
import { queues } from "./queues.ts";
import { pinned } from "./pinned.ts";
import { neededCpus } from "./scheduler.ts";
import { randomFrom } from "./testing/simulator.ts";

test("queues give the least first, whatever was put in and taken out between", (t) => {
  const random = randomFrom(20261122);
  const below = (n: number): number => Math.floor(random() * n);
  const queued = queues(24, [24, 24, 24]);
  const model = new Map<number, { queue: number; key: bigint }>();
  for (let step = 0; step < 4000; step++) {
    const vcpu = below(24);
    if (model.has(vcpu)) {
      queued.remove(vcpu);
      model.delete(vcpu);
    } else {
      // Around the place where keys run over.
      const entry = { queue: below(3), key: BigInt.asUintN(64, BigInt(below(1000)) - 500n) };
      queued.insert(entry.queue, vcpu, entry.key);
      model.set(vcpu, entry);
    }
    t.is(queued.queueOf(vcpu), model.get(vcpu)?.queue ?? -1);
    for (let queue = 0; queue < 3; queue++) {
      const keys = [...model.values()].filter((e) => e.queue === queue).map((e) => BigInt.asIntN(64, e.key));
      const head = queued.head(queue);
      if (keys.length === 0) t.is(head, -1);
      else
        t.is(
          BigInt.asIntN(64, queued.key(u32(head))),
          keys.reduce((a, b) => (b < a ? b : a)),
        );
    }
  }
  queued.clear();
  t.deepEqual(
    [0, 1, 2].map((queue) => queued.head(queue)),
    [-1, -1, -1],
  );
});

test("a pinned vCPU is its CPU's, and that is told of it", (t) => {
  const s = pinned([2, 0], 4);
  t.deepEqual(
    [0, 1, 2, 3].map((cpu) => s.choose(cpu, 0n)),
    [1, -1, 0, -1],
  );
  s.wake(0, 0n, true);
  s.wake(1, 0n, true);
  t.is(s.takeSignals(), 0b101n);
  t.is(s.takeSignals(), 0n);
  t.false(s.accounts);
});

test("a machine needs the CPUs without which a vCPU could not run", (t) => {
  const places = (...of: readonly (readonly number[])[]) => ({
    guests: [{ schedule: { places: of.map((cpus) => ({ cpus, prefer: [], exclusive: false })) } }],
  });
  t.is(neededCpus(places([0, 1, 2], [1, 3]) as never), 2);
  t.is(neededCpus(places([5]) as never), 6);
});
