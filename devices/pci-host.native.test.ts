import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { randomFrom } from "../dsl/testing/random-twin.ts";
import { functions } from "./testing/pci-host.ts";

test("both configuration mechanisms do natively what they do in Node, whatever is read and written", async (t) => {
  const twin = await makeTwin("devices/testing/pci-host.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 3);
  t.log(`seed ${seed}`);
  const random = randomFrom(seed);
  const same = (...call: [string, ...number[]]): number => {
    const { node, native } = twin.call(...call);
    if (node !== native) t.fail(`${call.join(" ")}: ${String(node)} in Node, ${String(native)} natively`);
    return Number(node);
  };
  same("initialise");
  let found = 0;
  for (let i = 0; i < 4000; i++) {
    const { name, devfn } = functions[random(functions.length)]!;
    const elsewhere = random(16) === 0 ? random(0x100) : 0;
    const offset = random(3) === 0 ? random(0x100) : [0x00, 0x04, 0x0c, 0x10, 0x40, 0x44, 0x60][random(7)]!;
    const width = [1, 2, 4, 4][random(4)]!;
    const value = random(2 ** 16) + random(2 ** 16) * 2 ** 16;
    same("write_address", 0, 4, 0x8000_0000 + (devfn ^ elsewhere) * 0x100 + (offset & 0xfc));
    const part = width === 4 ? 0 : offset & (4 - width);
    if (random(2) === 0) same("write_data", part, width, value);
    else if (same("read_data", part, width) !== 0) found++;
    if (random(4) === 0) same("read_ecam", devfn * 0x1000 + (offset & -width), width);
    if (random(2) === 0) same(`write_${name}`, offset & -width, width, value);
    else same(`read_${name}`, offset & -width, width);
    same("stateHash");
  }
  t.true(found > 500, `${found} registers that are not 0`);
});
