/** Registers that VMRUN does not switch, under random schedules of vCPUs on a model of CPUs. */
import test from "ava";
import { u32 } from "../../../dsl/core/int.ts";
import { array, make, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { residency, type CpuRegisters, type Residency } from "./residency.ts";

const State = struct("ModelState", { value: u32 });
type State = ValueOf<typeof State>;
const afterReset = 7;
const scrambled = 0xdead;

/** Runs `steps` random turns of vCPUs; gives what a vCPU found that it had not left. */
function wrongRegisters(
  shape: { readonly vcpus: number; readonly cpus: number; readonly isSaved: boolean },
  seed: number,
  change: (made: Residency<State>) => Residency<State> = (made) => made,
): string | undefined {
  let random = seed;
  const below = (limit: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * limit);
  };
  const inCpu = Array.from({ length: shape.cpus }, () => scrambled);
  let at = 0;
  const registers: CpuRegisters<State> = {
    save(state) {
      state.value = inCpu[at]!;
      inCpu[at] = scrambled;
    },
    copy(state) {
      state.value = inCpu[at]!;
    },
    load(state) {
      inCpu[at] = state.value;
    },
    initialise(state) {
      state.value = afterReset;
    },
    reset() {
      inCpu[at] = afterReset;
    },
  };
  const { vcpus, cpus, isSaved } = shape;
  const made = change(residency(registers, make(array(State, vcpus)), cpus, isSaved));
  const right = Array.from({ length: vcpus }, () => afterReset);
  for (let vcpu = 0; vcpu < vcpus; vcpu++) made.reset(vcpu);
  for (let step = 0; step < 5000; step++) {
    at = below(cpus);
    const vcpu = below(vcpus);
    const what = below(12);
    if (what === 0) {
      made.reset(vcpu);
      right[vcpu] = afterReset;
    } else if (what === 1 && isSaved) {
      // A save reads what is kept, and a restore writes it.
      made.keep();
      if (made.kept[vcpu]!.value !== right[vcpu]) return `step ${step}: vCPU ${vcpu} is saved wrongly`;
      right[vcpu] = made.kept[vcpu]!.value = below(1000);
    } else {
      made.hold(at, vcpu);
      if (inCpu[at] !== right[vcpu]) return `step ${step}: vCPU ${vcpu} on CPU ${at} found ${inCpu[at]}`;
      if (below(2) === 0) right[vcpu] = inCpu[at] = below(1000);
      made.putDown(at, vcpu);
    }
  }
  return undefined;
}

const shapes = [
  { vcpus: 1, cpus: 1, isSaved: false },
  { vcpus: 1, cpus: 1, isSaved: true },
  { vcpus: 3, cpus: 1, isSaved: false },
  { vcpus: 3, cpus: 1, isSaved: true },
  { vcpus: 1, cpus: 3, isSaved: true },
  { vcpus: 4, cpus: 2, isSaved: false },
  { vcpus: 5, cpus: 4, isSaved: true },
];

for (const shape of shapes) {
  test(`a vCPU finds its registers as it left them: ${shape.vcpus} vCPUs, ${shape.cpus} CPUs${shape.isSaved ? ", saved" : ""}`, (t) => {
    for (let seed = 1; seed <= 8; seed++) t.is(wrongRegisters(shape, seed), undefined, `seed ${seed}`);
  });
}

const moving = { vcpus: 4, cpus: 2, isSaved: true };
for (const [what, change] of [
  ["nothing is kept when a vCPU leaves", (made) => ({ ...made, putDown: () => undefined })],
  [
    "a CPU is taken to have what it had",
    (made) => ({ ...made, hold: (cpu, vcpu) => made.hold(cpu && vcpu % 2, vcpu) }),
  ],
  ["a restore is not told", (made) => ({ ...made, keep: () => undefined })],
] as readonly (readonly [string, (made: Residency<State>) => Residency<State>])[]) {
  test(`the model notices it where ${what}`, (t) => {
    t.truthy(wrongRegisters(moving, 1, change));
  });
}
