import test from "ava";
import { makeTwin } from "../../compiler/lang/testing/twin.ts";
import { driveAtRandom, randomFrom } from "../../dsl/testing/random-twin.ts";
import { sample } from "./testing/endpoint.ts";

test("a PCI function with MSI-X does natively what it does in Node", async (t) => {
  const twin = await makeTwin("devices/pci/testing/endpoint.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 11);
  t.log(`seed ${seed}`);
  t.is(driveAtRandom(twin, sample as never, { seed, steps: 4000 }), undefined);
});

test("an aperture does natively what it does in Node, wherever it is aimed", async (t) => {
  const twin = await makeTwin("devices/pci/testing/endpoint.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 12);
  t.log(`seed ${seed}`);
  const random = randomFrom(seed);
  const one = (...list: number[]): number => list[random(list.length)]!;
  const same = (symbol: string, ...args: (number | bigint)[]): unknown => {
    const { node, native } = twin.call(symbol, ...args);
    t.is(native, node, `${symbol} ${args.join(" ")}`);
    return node;
  };
  same("initialise");
  let reached = 0;
  for (let i = 0; i < 1500; i++) {
    same("write_configuration", 0x5c, 1, one(0, 0, 0, 2, 1));
    same(
      "write_configuration",
      0x60,
      4,
      one(random(16), 0x1000 + random(64), 0x1800, 0x8_0000, random(2 ** 32)),
    );
    same("write_configuration", 0x64, 4, one(1, 2, 4, 4, random(9)));
    if (random(2) === 0) same("write_configuration", 0x68, 4, random(2 ** 32));
    if (same("read_configuration", 0x68, 4) !== 0xffff_ffff) reached++;
    same("stateHash");
  }
  t.true(reached > 300, `${reached} reached something`);
});
