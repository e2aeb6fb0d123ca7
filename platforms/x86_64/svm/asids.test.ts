/** The numbers that a TLB's tags are made of, under random schedules of vCPUs on a model of TLBs. */
import test, { type ExecutionContext } from "ava";
import { asidGenerations, type Asids } from "./asids.ts";
import { tlbControl } from "./vmcb.ts";

/** What a model is made of. */
interface Shape {
  readonly cpus: number;
  readonly domains: number;
  readonly vcpusPerDomain: number;
  readonly asids: number;
  readonly flushByAsid: boolean;
}

const pages = 6;

/** A wrong translation: what a guest's access found, and what it should have. */
class Wrong extends Error {}

/**
 * CPUs with TLBs, tagged as the hardware's: they keep what they have walked until told otherwise, and walk ahead as they
 * like. Guests change their own tables and invalidate properly; the hypervisor changes nested tables and shoots down.
 */
class Model {
  private state: number;
  private readonly guestTables: number[][];
  private readonly nestedTables: number[][];
  private readonly tlbs: Map<string, number>[];
  /** By CPU: the vCPU in its guest, or -1. */
  private readonly running: number[];
  private readonly asked: boolean[];
  private readonly wantsPrepare: boolean[];
  private nextFrame = 1;
  entries = 0;
  flushes = 0;

  constructor(
    private readonly shape: Shape,
    private readonly asids: Asids,
    seed: number,
  ) {
    this.state = seed >>> 0;
    const vcpus = shape.domains * shape.vcpusPerDomain;
    const table = (): number[] => Array.from({ length: pages }, () => this.below(pages));
    this.guestTables = Array.from({ length: vcpus }, table);
    this.nestedTables = Array.from({ length: shape.domains }, () =>
      Array.from({ length: pages }, () => this.nextFrame++),
    );
    this.tlbs = Array.from({ length: shape.cpus }, () => new Map<string, number>());
    this.running = Array.from({ length: shape.cpus }, () => -1);
    this.asked = Array.from({ length: vcpus }, () => true);
    this.wantsPrepare = Array.from({ length: vcpus }, () => false);
  }

  below(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  private domainOf(vcpu: number): number {
    return Math.floor(vcpu / this.shape.vcpusPerDomain);
  }

  private walk(vcpu: number, page: number): number {
    return this.nestedTables[this.domainOf(vcpu)]![this.guestTables[vcpu]![page]!]!;
  }

  /** A translation on a CPU whose guest is `vcpu`: from the TLB where it is there. */
  private translate(cpu: number, vcpu: number, page: number): number {
    const key = `${this.asids.numberOf(vcpu)}:${page}`;
    const tlb = this.tlbs[cpu]!;
    const kept = tlb.get(key) ?? this.walk(vcpu, page);
    tlb.set(key, kept);
    return kept;
  }

  private invalidate(cpu: number, vcpu: number, page?: number): void {
    const number = this.asids.numberOf(vcpu);
    for (const key of this.tlbs[cpu]!.keys()) {
      const [tag, at] = key.split(":").map(Number);
      if (tag === number && (page === undefined || at === page)) this.tlbs[cpu]!.delete(key);
    }
  }

  /** An entry, as `run` of virtualization.ts does it; with `fails` the processor refuses the guest's state. */
  private enter(cpu: number, vcpu: number, fails: boolean): void {
    if (this.asked[vcpu] || this.wantsPrepare[vcpu]) {
      const flush = this.asked[vcpu]!;
      const control = this.asids.enter(cpu, vcpu, flush, this.shape);
      this.asked[vcpu] = false;
      // The entry after one with a flush takes the flush back.
      this.wantsPrepare[vcpu] = control !== tlbControl.nothing;
      if (fails) {
        this.asids.distrust(cpu, this.shape);
        this.asked[vcpu] = true;
        return;
      }
      if (control === tlbControl.flushAll) this.tlbs[cpu]!.clear();
      if (control === tlbControl.flushAsid) this.invalidate(cpu, vcpu);
      if (control !== tlbControl.nothing) this.flushes++;
    } else if (fails) return;
    this.running[cpu] = vcpu;
    this.entries++;
  }

  private run(cpu: number): void {
    const vcpu = this.below(this.asked.length);
    if (this.running.includes(vcpu)) return;
    if (!this.asids.holds(cpu, vcpu)) this.wantsPrepare[vcpu] = true;
    // Something else may want the CPU before the entry.
    if (this.below(8) === 0) return;
    this.enter(cpu, vcpu, this.below(40) === 0);
  }

  /** The hypervisor changes a nested table, and waits until no CPU is in one of its guests as before. */
  private changeNested(): void {
    const domain = this.below(this.shape.domains);
    this.nestedTables[domain]![this.below(pages)] = this.nextFrame++;
    for (let vcpu = 0; vcpu < this.asked.length; vcpu++)
      if (this.domainOf(vcpu) === domain) this.asked[vcpu] = true;
    this.running.forEach((vcpu, cpu) => {
      if (vcpu < 0 || this.domainOf(vcpu) !== domain) return;
      this.running[cpu] = -1;
      if (this.below(2) === 0) this.enter(cpu, vcpu, false);
    });
  }

  private guest(cpu: number, vcpu: number): void {
    const page = this.below(pages);
    switch (this.below(8)) {
      case 0:
        this.guestTables[vcpu]![page] = this.below(pages);
        this.invalidate(cpu, vcpu, page);
        return;
      case 1:
        this.guestTables[vcpu] = this.guestTables[vcpu]!.map(() => this.below(pages));
        this.invalidate(cpu, vcpu);
        return;
      case 2:
        // An exit and the next entry.
        this.running[cpu] = -1;
        this.enter(cpu, vcpu, false);
        return;
      case 3:
        this.running[cpu] = -1;
        return;
      default: {
        const found = this.translate(cpu, vcpu, page);
        const right = this.walk(vcpu, page);
        if (found !== right) throw new Wrong(`vCPU ${vcpu} on CPU ${cpu}: frame ${found} for ${right}`);
      }
    }
  }

  step(): void {
    const cpu = this.below(this.shape.cpus);
    const vcpu = this.running[cpu]!;
    if (this.below(20) === 0) this.changeNested();
    else if (vcpu < 0) this.run(cpu);
    else this.guest(cpu, vcpu);
  }
}

const shapes: readonly Shape[] = [2, 3, 5, 16].flatMap((asids) =>
  [false, true].flatMap((flushByAsid) =>
    [
      { cpus: 1, domains: 2, vcpusPerDomain: 1 },
      { cpus: 2, domains: 1, vcpusPerDomain: 3 },
      { cpus: 4, domains: 3, vcpusPerDomain: 3 },
    ].map((rest) => ({ ...rest, asids, flushByAsid })),
  ),
);

/** Runs every shape, with the numbers as `change` makes them; gives the shapes whose guests saw something wrong. */
function wrongOnes(steps: number, change: (asids: Asids, shape: Shape) => Asids): string[] {
  return shapes.flatMap((shape, index) => {
    const asids = change(asidGenerations(shape.cpus, shape.domains * shape.vcpusPerDomain), shape);
    const model = new Model(shape, asids, 12345 + index);
    try {
      for (let i = 0; i < steps; i++) model.step();
      return [];
    } catch (error) {
      if (error instanceof Wrong) return [JSON.stringify(shape)];
      throw error;
    }
  });
}

test("no access is translated by what another vCPU left, or by what was changed since", (t) => {
  t.deepEqual(
    wrongOnes(40_000, (asids) => asids),
    [],
  );
});

/** The numbers, made wrong on purpose. */
const faults: readonly (readonly [string, (asids: Asids, shape: Shape) => Asids])[] = [
  [
    "a new generation flushes nothing",
    (asids) => ({
      ...asids,
      enter: (...args) => asids.enter(...args) & tlbControl.flushAsid & ~tlbControl.flushAll,
    }),
  ],
  [
    "a flush that is asked for is forgotten",
    (asids) => ({ ...asids, enter: (c, v, _f, x) => asids.enter(c, v, false, x) }),
  ],
  ["a number holds on every CPU", (asids) => ({ ...asids, holds: () => true })],
  ["every vCPU has the same number", (asids) => ({ ...asids, numberOf: () => 1 })],
  ["a failed entry counts as a flush", (asids) => ({ ...asids, distrust: () => undefined })],
  [
    "the last two numbers are one",
    (asids, shape) => ({
      ...asids,
      numberOf: (v) => Math.min(asids.numberOf(v), Math.max(1, shape.asids - 2)),
    }),
  ],
];

for (const [what, change] of faults) {
  test(`the model notices it where ${what}`, (t) => {
    t.true(wrongOnes(4_000, change).length > 0);
  });
}

function fresh(t: ExecutionContext, shape: Pick<Shape, "asids" | "flushByAsid">) {
  const asids = asidGenerations(2, 8);
  const enter = (cpu: number, vcpu: number, flush = false): readonly [number, number] => {
    const control = asids.enter(cpu, vcpu, flush, shape);
    t.true(asids.holds(cpu, vcpu));
    return [asids.numberOf(vcpu), control];
  };
  return { asids, enter };
}

test("numbers begin at 1 behind a flush, stay below what the CPU has, and begin again behind the next flush", (t) => {
  const { enter } = fresh(t, { asids: 4, flushByAsid: false });
  const { flushAll, nothing } = tlbControl;
  t.deepEqual(
    [0, 1, 2, 3, 0, 1].map((vcpu) => enter(0, vcpu)),
    [
      [1, flushAll],
      [2, nothing],
      [3, nothing],
      [1, flushAll],
      [2, nothing],
      [3, nothing],
    ],
  );
});

test("a vCPU keeps its number on a CPU, and has a new one when it comes back from another", (t) => {
  const { asids, enter } = fresh(t, { asids: 16, flushByAsid: false });
  t.deepEqual(enter(0, 5), [1, tlbControl.flushAll]);
  t.deepEqual(enter(0, 5), [1, tlbControl.nothing]);
  enter(1, 5);
  t.false(asids.holds(0, 5));
  t.deepEqual(enter(0, 5), [2, tlbControl.nothing]);
});

test("a flush is one of the number where the CPU can do that, and else a new number", (t) => {
  const can = fresh(t, { asids: 16, flushByAsid: true });
  can.enter(0, 0);
  t.deepEqual(can.enter(0, 0, true), [1, tlbControl.flushAsid]);
  const cannot = fresh(t, { asids: 16, flushByAsid: false });
  cannot.enter(0, 0);
  t.deepEqual(cannot.enter(0, 0, true), [2, tlbControl.nothing]);
});
