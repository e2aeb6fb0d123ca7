import test from "ava";
import { memory } from "../dsl/core/memory.ts";
import type { EntryPoint } from "../dsl/core/program.ts";
import { declaredStorage } from "../dsl/core/storage.ts";
import type { Device } from "../dsl/device/device.ts";
import { leavesAt, type StateLeaf } from "../dsl/device/state-layout.ts";
import type { TraceHooks } from "../dsl/device/trace.ts";
import { deviceProgram } from "../dsl/testing/device-program.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { catalogue } from "./catalogue.ts";

const nobody = (): void => undefined;

/** What lies in the state and is told as a change when it changes: all but lines and timers, and a hypercall's parameters. */
function toldLeaves({ model, wires, hypercalls }: Device): readonly StateLeaf[] {
  const apart = wires.filter(({ kind }) => kind === "line" || kind === "timer").map(({ name }) => name);
  for (const { name } of hypercalls) apart.push(`${name}Input`, `${name}Output`);
  return leavesAt(model.layout, 0, model.stateBytes).filter(
    ({ name }) => !apart.includes(name.replace(/[.[].*$/, "")),
  );
}

/** The first scalar that is other than its changes say, while the device is driven at random. */
function firstUntold(device: Device, seed: number, steps: number): string | undefined {
  const leaves = toldLeaves(device);
  const byOffset = new Map(leaves.map((leaf) => [leaf.offset, leaf]));
  const shadow = new DataView(new ArrayBuffer(Math.ceil(device.model.stateBytes / 8) * 8));
  let base = 0;
  const change: TraceHooks["change"] = (address, value) => {
    const leaf = byOffset.get(Number(address) - base);
    if (leaf === undefined) return;
    for (let i = 0; i < leaf.bytes; i++)
      shadow.setUint8(leaf.offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
  };
  const hooks = {
    read: nobody,
    write: nobody,
    hypercall: nobody,
    status: nobody,
    call: nobody,
    result: nobody,
  };
  const traced: Device = Object.freeze({ ...device, ...device.traced({ ...hooks, change }) });
  const program = deviceProgram(traced as never);
  base = declaredStorage().findLast(({ name }) => name === "state")!.address;
  const entries = new Map(program.entries.map((entry: EntryPoint) => [entry.symbol, entry]));
  const differing = (): string | undefined => {
    const actual = new DataView(memory.buffer, base);
    const other = leaves.find(({ offset, bytes }) =>
      Array.from({ length: bytes }, (_, i) => offset + i).some(
        (at) => actual.getUint8(at) !== shadow.getUint8(at),
      ),
    );
    return other?.name;
  };
  const difference = driveAtRandom(
    {
      call: (symbol, ...args) => {
        const node = (entries.get(symbol)!.fn as (...a: unknown[]) => number | undefined)(...args);
        return { node, native: symbol === "stateHash" && differing() !== undefined ? -1 : node };
      },
    },
    traced as never,
    { seed, steps },
  );
  return difference && `${differing() ?? ""} after ${difference.call}`;
}

for (const [name, device] of Object.entries(catalogue))
  test.serial(`the state of ${name} follows from its reset and from the changes that are told`, (t) => {
    t.is(firstUntold(device, 4711, 400), undefined);
  });
