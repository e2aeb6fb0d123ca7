import test from "ava";
import { make, struct, type ValueOf } from "../dsl/core/layout.ts";
import { arbiter, combine, Combination, raise, raiseNmi, requeue, type InjectionAccess } from "./arbiter.ts";
import { EventKind, Request, Vcpu, type Vcpu as VcpuType } from "./vcpu.ts";

const Holder = struct("Holder", { core: Vcpu });
type Holder = ValueOf<typeof Holder>;

interface Scene {
  readonly v: Holder;
  readonly vcpu: VcpuType;
  interruptsEnabled: boolean;
  shadow: boolean;
  returned: boolean;
  pending: number[];
  readonly injected: { kind: number; vector: number; hasError: boolean; error: number }[];
  interruptWindow: boolean;
  nmiWindow: boolean;
  arbitrate(): void;
  wakes(): boolean;
}

/** A vCPU whose guest takes interrupts, with nothing pending. */
function scene(): Scene {
  const v = make(Holder);
  const state = {
    v,
    vcpu: v.core,
    interruptsEnabled: true,
    shadow: false,
    returned: false,
    pending: [] as number[],
    injected: [] as Scene["injected"],
    interruptWindow: false,
    nmiWindow: false,
  };
  const access: InjectionAccess<Holder> = {
    core: (x) => x.core,
    interruptsEnabled: () => state.interruptsEnabled,
    inShadow: () => state.shadow,
    inject: (_, kind, vector, hasError, error) => state.injected.push({ kind, vector, hasError, error }),
    interruptWindow: (_, open) => {
      state.interruptWindow = open;
    },
    nmiWindow: (_, open) => {
      state.nmiWindow = open;
    },
    nmiReturned: () => state.returned,
  };
  const made = arbiter(access, {
    pending: () => state.pending[0] ?? -1,
    acknowledge: () => state.pending.shift()!,
  });
  return Object.assign(state, { arbitrate: () => made.arbitrate(v), wakes: () => made.wakes(v) });
}

const vectors = (s: Scene) => s.injected.map((e) => e.vector);

test("an interrupt is acknowledged and injected where the guest takes interrupts", (t) => {
  const s = scene();
  s.pending = [0x31];
  s.arbitrate();
  t.deepEqual(s.injected, [{ kind: EventKind.externalInterrupt, vector: 0x31, hasError: false, error: 0 }]);
  t.false(s.interruptWindow);
});

test("an interrupt that cannot be taken stays in its controller and opens the window", (t) => {
  for (const key of ["interruptsEnabled", "shadow"] as const) {
    const s = scene();
    s[key] = key === "shadow";
    s.pending = [0x31];
    s.arbitrate();
    t.deepEqual(s.injected, []);
    t.deepEqual(s.pending, [0x31]);
    t.true(s.interruptWindow);
    s[key] = key !== "shadow";
    s.arbitrate();
    t.deepEqual(vectors(s), [0x31]);
    t.false(s.interruptWindow);
  }
});

test("a second interrupt behind the injected one keeps the window open", (t) => {
  const s = scene();
  s.pending = [0x31, 0x30];
  s.arbitrate();
  t.deepEqual(vectors(s), [0x31]);
  t.true(s.interruptWindow);
});

test("what an exit interrupted goes before everything else, and the interrupt waits in its controller", (t) => {
  const s = scene();
  s.pending = [0x31];
  requeue(s.vcpu, EventKind.externalInterrupt, 0x40, false, 0);
  s.arbitrate();
  t.deepEqual(vectors(s), [0x40]);
  t.deepEqual(s.pending, [0x31]);
  t.true(s.interruptWindow);
});

test("a requeued event is injected even where the guest takes no interrupts", (t) => {
  const s = scene();
  s.interruptsEnabled = false;
  requeue(s.vcpu, EventKind.externalInterrupt, 0x40, false, 0);
  s.arbitrate();
  t.deepEqual(vectors(s), [0x40]);
});

test("an exception is injected with its error code before an NMI and an interrupt", (t) => {
  const s = scene();
  s.pending = [0x31];
  raiseNmi(s.vcpu);
  t.true(raise(s.vcpu, 13, true, 0x18));
  s.arbitrate();
  t.deepEqual(s.injected, [{ kind: EventKind.exception, vector: 13, hasError: true, error: 0x18 }]);
  t.true((s.vcpu.requests.load() & Request.event) !== 0);
  s.arbitrate();
  t.deepEqual(vectors(s), [13, 2]);
});

test("an NMI blocks further NMIs until its IRET", (t) => {
  const s = scene();
  raiseNmi(s.vcpu);
  s.arbitrate();
  raiseNmi(s.vcpu);
  s.arbitrate();
  t.deepEqual(vectors(s), [2]);
  t.true(s.nmiWindow);
  s.returned = true;
  s.arbitrate();
  t.deepEqual(vectors(s), [2, 2]);
});

test("an NMI waits for the end of the interrupt shadow", (t) => {
  const s = scene();
  s.shadow = true;
  raiseNmi(s.vcpu);
  s.arbitrate();
  t.deepEqual(s.injected, []);
  s.shadow = false;
  s.arbitrate();
  t.deepEqual(vectors(s), [2]);
});

test("a requeued NMI keeps others blocked", (t) => {
  const s = scene();
  requeue(s.vcpu, EventKind.nmi, 2, false, 0);
  raiseNmi(s.vcpu);
  s.arbitrate();
  s.arbitrate();
  t.deepEqual(vectors(s), [2]);
});

test("a halted vCPU wakes for an interrupt only where interrupts are on, and for an NMI always", (t) => {
  const s = scene();
  s.pending = [0x31];
  t.true(s.wakes());
  s.interruptsEnabled = false;
  t.false(s.wakes());
  raiseNmi(s.vcpu);
  t.true(s.wakes());
});

test("exceptions during the delivery of exceptions combine as the manual's table says", (t) => {
  const [de, db, df, gp, pf] = [0, 1, 8, 13, 14];
  t.is(combine(db, gp), Combination.second);
  t.is(combine(de, gp), Combination.doubleFault);
  t.is(combine(gp, pf), Combination.second);
  t.is(combine(pf, pf), Combination.doubleFault);
  t.is(combine(pf, gp), Combination.doubleFault);
  t.is(combine(df, gp), Combination.shutdown);
});

test("a fault during a double fault ends in shutdown", (t) => {
  const s = scene();
  requeue(s.vcpu, EventKind.exception, 8, true, 0);
  t.false(raise(s.vcpu, 13, true, 0));
});

test("a fault while a contributory one was delivered becomes a double fault with error code 0", (t) => {
  const s = scene();
  requeue(s.vcpu, EventKind.exception, 13, true, 0x50);
  t.true(raise(s.vcpu, 11, true, 0x20));
  s.arbitrate();
  t.deepEqual(s.injected, [{ kind: EventKind.exception, vector: 8, hasError: true, error: 0 }]);
});

test("an exception while an interrupt was being delivered does not lose the interrupt", (t) => {
  const s = scene();
  requeue(s.vcpu, EventKind.externalInterrupt, 0x40, false, 0);
  raise(s.vcpu, 14, true, 2);
  s.arbitrate();
  t.deepEqual(vectors(s), [14]);
  s.interruptsEnabled = false;
  s.arbitrate();
  t.deepEqual(vectors(s), [14]);
  s.interruptsEnabled = true;
  s.arbitrate();
  t.deepEqual(vectors(s), [14, 0x40]);
});

test("an exception while an NMI was being delivered leaves the NMI pending and unblocked", (t) => {
  const s = scene();
  requeue(s.vcpu, EventKind.nmi, 2, false, 0);
  raise(s.vcpu, 14, true, 2);
  s.arbitrate();
  s.arbitrate();
  t.deepEqual(vectors(s), [14, 2]);
});
