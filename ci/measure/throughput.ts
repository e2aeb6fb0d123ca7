/**
 * How much of two CPUs eight virtual CPUs get that compute on them: of all instructions that the CPUs execute, those of
 * guests. Counted from outside, once all guests compute. Two on two CPUs have no exits at all, and get everything.
 */
import { marks } from "../../platforms/x86_64/bare-guest/mark.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Count } from "./counter/counter.ts";
import { countEnough } from "./counter/run.ts";
import type { Figure, Measurement } from "./figure.ts";
import { built } from "./scaling/built.ts";

const cpus = 2;
/** Virtual CPUs, each of a guest of its own. */
const vcpus = 8;
/** Marks of guests that compute, of two million instructions each. */
const enough = 200;

/** Measures it. */
export const throughput: Measurement = {
  name: "throughput",
  brings: ["throughput"],
  what: `counting what ${vcpus} virtual CPUs compute on ${cpus} CPUs`,
  measure: () => {
    prepareBareGuest();
    return built("withComputing", vcpus, async ({ efi }) => {
      const work = new Work();
      await countEnough({ kernel: efi, firmware: "ovmf", memoryMiB: 768, cpus }, (count) => work.add(count));
      return work.figures();
    });
  },
};

/** What CPUs do from when all guests compute. */
export class Work {
  private begun = 0;
  private done = 0;
  private halts = 0;
  /** Instructions of exits in which the CPU did not wait for the other one. */
  private readonly exits: number[] = [];
  private readonly first = new Map<number, Count>();
  private readonly last = new Map<number, Count>();

  /** Takes a count; true where that is enough. */
  add(count: Count): boolean {
    if (count.event === marks.begins) this.begun++;
    if (this.begun < vcpus) return false;
    if (count.event === "halt") this.halts++;
    const last = this.last.get(count.cpu);
    if (count.event === "leave") {
      // From exit to exit, so that each CPU's part is of whole turns.
      if (last === undefined) this.first.set(count.cpu, count);
      this.last.set(count.cpu, count);
    }
    if (count.event === "enter" && last?.waits === count.waits)
      this.exits.push(count.executed - last.executed);
    if (count.event === marks.computes) this.done++;
    return this.done >= enough;
  }

  /** The figures. @throws where a CPU rested, or did nothing that can be counted */
  figures(): Figure[] {
    const name = `throughput.vcpus.${vcpus}`;
    if (this.halts > 0) throw new Error(`${name}: a CPU rested ${this.halts} times`);
    if (this.first.size !== cpus || this.exits.length === 0) throw new Error(`${name}: a CPU had no exits`);
    let [all, inGuest, waits] = [0, 0, 0];
    for (const [cpu, last] of this.last) {
      const first = this.first.get(cpu) ?? last;
      all += last.executed - first.executed;
      inGuest += last.inGuest - first.inGuest;
      waits += last.waits - first.waits;
    }
    return [
      {
        name: `${name}.guests.typevisor`,
        value: Math.round((1_000_000 * inGuest) / all) / 10_000,
        unit: "%",
        note: `of ${all} instructions; a CPU waited for the other one in ${waits} turns of a loop`,
      },
      {
        name: `${name}.exit.typevisor`,
        value: Math.round(this.exits.reduce((sum, cost) => sum + cost, 0) / this.exits.length),
        unit: "instructions",
        note: `the mean of ${this.exits.length} without a wait`,
      },
    ];
  }
}
