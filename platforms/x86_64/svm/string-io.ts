/** INS and OUTS: elements between a port and memory, a bounded number of them in one exit. */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { complete, prepare } from "../decode/execute.ts";
import { Operation } from "../decode/operation.ts";
import { PlanResult, retire } from "../decode/plan.ts";
import type { Bus } from "../guest/bus.ts";
import { Emulation, linearMemory, noHint, type Emulated } from "../guest/emulate.ts";
import { FetchOutcome, fetcher } from "../guest/fetch.ts";
import { svmState } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** Elements in one exit; then the guest resumes at the same instruction. */
const elementsPerExit = 16;

/** Builds the string port operations over a bus. `info` is EXITINFO1 (APM vol. 2 §15.10.2). */
export function stringIo(bus: Bus): (v: SvmVcpu, info: u32) => Emulated {
  const fetch = fetcher(svmState);
  const memory = linearMemory(svmState, bus);
  return (v: SvmVcpu, info: u32): Emulated => {
    const got = fetch(v);
    if (got.outcome === FetchOutcome.pageFault)
      return { outcome: Emulation.pageFault, address: got.address, error: got.error };
    if (got.outcome === FetchOutcome.generalProtection)
      return { outcome: Emulation.generalProtection, address: 0n, error: 0 };
    if (got.outcome === FetchOutcome.undefined)
      return { outcome: Emulation.undefined, address: 0n, error: 0 };
    if (got.outcome === FetchOutcome.notMemory)
      return { outcome: Emulation.notMemory, address: got.address, error: 0 };
    const { instruction } = svmState.decoded(v);
    const isIn = instruction.operation === Operation.ins;
    // Another instruction stands there now: the guest goes on with that.
    if (!isIn && instruction.operation !== Operation.outs)
      return { outcome: Emulation.done, address: 0n, error: 0 };
    const port = u16(info >>> 16);
    const width = u8((info >>> 4) & 7);
    const plan = v.plan;
    const segmentation = svmState.segmentation(v);
    for (let element = 0; element < elementsPerExit; element++) {
      const prepared = prepare(instruction, v.gpr, segmentation, v.vmcb.rip, v.vmcb.rflags, plan);
      if (prepared === PlanResult.unsupported || prepared === PlanResult.vector)
        return { outcome: Emulation.unsupported, address: 0n, error: 0 };
      if (prepared === PlanResult.ready) {
        if (isIn) {
          // Where the store will fault nothing may be read: the port is read once the address is known to be good.
          const place = memory.check(v, plan.store.linear, u8(Math.min(plan.store.width, 8)));
          if (place.outcome !== Emulation.done)
            return { outcome: place.outcome, address: place.address, error: place.error };
          complete(instruction, v.gpr, plan, u64(bus.portIn(v.core.index, port, width)), 0n);
          memory.store(v, plan.store.linear, u8(Math.min(plan.store.width, 8)), plan.storeValue, noHint);
        } else {
          const loaded = memory.load(v, plan.load.linear, u8(Math.min(plan.load.width, 8)), noHint);
          if (loaded.outcome !== Emulation.done)
            return { outcome: loaded.outcome, address: loaded.address, error: loaded.error };
          bus.portOut(v.core.index, port, width, u32(loaded.value));
          complete(instruction, v.gpr, plan, loaded.value, 0n);
        }
      }
      retire(plan, v.gpr);
      const more = plan.repeat;
      svmState.finish(v, plan.rip, plan.rflags);
      // What an element changed is delivered before the next, which the guest resumes with.
      if (!more || bus.hasQueued()) return { outcome: Emulation.done, address: 0n, error: 0 };
    }
    return { outcome: Emulation.done, address: 0n, error: 0 };
  };
}
