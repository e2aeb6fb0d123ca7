/** The schedulers of the samples, compiled: fast enough for millions of steps. */
import { makeTwin } from "../../../compiler/lang/testing/twin.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Sample } from "./images.ts";

/** Compiles all, and gives each by its name; the second place in memory of one is not there, so it serves one test at a time. */
export async function nativeSchedulers(): Promise<(name: Sample) => Scheduler> {
  const { functions } = (await makeTwin("kernel/scheduler/testing/images.ts")).wasm;
  return (name) => {
    const call =
      (what: keyof Scheduler) =>
      (...args: readonly (number | bigint | boolean)[]): number | bigint | undefined =>
        functions[`${name}_${what}`]!(...args.map((a) => (typeof a === "boolean" ? Number(a) : a)));
    const wide = (what: keyof Scheduler) => {
      const raw = call(what);
      return (...args: readonly (number | bigint)[]): bigint => BigInt.asUintN(64, raw(...args) as bigint);
    };
    return {
      accounts: true,
      start: call("start"),
      online: call("online"),
      wake: call("wake"),
      sleep: call("sleep"),
      charge: call("charge"),
      choose: call("choose"),
      deadline: wide("deadline"),
      giveWay: call("giveWay"),
      takeSignals: wide("takeSignals"),
      ran: wide("ran"),
    } as unknown as Scheduler;
  };
}
