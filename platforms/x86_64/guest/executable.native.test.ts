import test from "ava";
import { makeTwin } from "../../../compiler/lang/testing/twin.ts";
import { location } from "../../../dsl/core/layout.ts";
import { memory } from "../../../dsl/core/memory.ts";
import {
  multiboot2Header,
  multiboot2Kernel,
  multibootHeader,
  multibootKernel,
  pvhKernel,
} from "../../../dsl/payload/testing/elf-file.ts";
import { randomNumbers } from "../decode/testing/random.ts";
import { mostBytes, program, Reading, reading } from "./testing/reader-program.ts";

const twin = makeTwin("platforms/x86_64/guest/testing/reader-program.ts");
const nodeAddress = location(reading)!.address;
const inNode = (): Uint8Array => new Uint8Array(memory.buffer, nodeAddress, Reading.size);

const oneMebibyte = 1 << 20;
const originals = [
  ["pvh", pvhKernel()],
  ["pvh", pvhKernel(oneMebibyte, { wide: true })],
  ["multiboot", multibootKernel()],
  ["multiboot", multibootKernel(3, oneMebibyte, { wide: true })],
  [
    "multiboot",
    Uint8Array.from([
      ...multibootHeader(0x1_0003, oneMebibyte, oneMebibyte, 0, 0, oneMebibyte),
      ...new Uint8Array(64),
    ]),
  ],
  [
    "multiboot2",
    multiboot2Kernel(
      [
        [1, [4]],
        [10, [0x2000, 0xffff_ffff, 0x1000, 0], "optional"],
      ],
      0xc000_0000,
    ),
  ],
  [
    "multiboot2",
    multiboot2Header([2, [oneMebibyte, oneMebibyte, 0, 0]], [3, [oneMebibyte]], [10, [0, 0x8000, 1, 0]]),
  ],
] as const;

const fault = 3;

test("executables are read alike in Node and natively, whatever they hold", async (t) => {
  const { wasm } = await twin;
  const address = Number(wasm.functions["readingAddress"]!());
  const native = (): Uint8Array => new Uint8Array(wasm.memory().buffer, address, Reading.size);
  const random = randomNumbers(0xe1f);
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  const faults = new Set<bigint>();
  for (let round = 0; round < 10_000; round++) {
    const [kind, original] = originals[round % originals.length]!;
    const bytes = new Uint8Array(mostBytes);
    bytes.set(original);
    for (let i = random(4); i > 0; i--) bytes[random(original.length)] = extremes[random(extremes.length)]!;
    inNode().fill(0);
    bytes.forEach((byte, i) => (reading.file[i] = byte));
    reading.size = random(4) === 0 ? random(original.length) : original.length;
    native().set(inNode());
    wasm.functions[kind]!();
    program.entries.find(({ symbol }) => symbol === kind)!.fn();
    if (Buffer.compare(inNode(), native()) !== 0) t.fail(`${kind} ${Buffer.from(bytes).toString("hex")}`);
    faults.add(reading.words[fault]!);
  }
  t.true(faults.size > 10, `${faults.size} kinds of faults were met`);
});
