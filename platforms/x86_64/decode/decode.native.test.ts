import test from "ava";
import { memory } from "../../../dsl/core/memory.ts";
import { location } from "../../../dsl/core/layout.ts";
import { makeTwin } from "../../../compiler/lang/testing/twin.ts";
import { shortForms } from "./fast-length.ts";
import { modes, randomEncodings } from "./testing/corpus.ts";
import { hex } from "./testing/decoding.ts";
import { program, scene, Scene } from "./testing/program.ts";
import { randomNumbers } from "./testing/random.ts";

const twin = makeTwin("platforms/x86_64/decode/testing/program.ts");
const inNode = new Map(
  program.entries.map((e) => [e.symbol, e.fn as (...args: (number | bigint)[]) => number | bigint]),
);

const nodeAddress = location(scene)!.address;
const nodeScene = () => new Uint8Array(memory.buffer, nodeAddress, Scene.size);

const offsetOf = (name: string) => Scene.fields.find((f) => f.name === name)!.offset;

/** Calls an entry on the same scene in Node and natively; the results and the scenes afterwards have to be equal. */
async function runBoth(symbol: string, mode: number): Promise<string | undefined> {
  const { wasm } = await twin;
  const address = Number(wasm.functions["sceneAddress"]!());
  const native = () => new Uint8Array(wasm.memory().buffer, address, Scene.size);
  native().set(nodeScene());
  const before = Buffer.from(nodeScene()).toString("hex");
  const theirs = Number(wasm.functions[symbol]!(mode));
  const ours = Number(inNode.get(symbol)!(mode));
  if (theirs !== ours) return `${symbol} in mode ${mode} gives ${ours} in Node, ${theirs} natively`;
  if (Buffer.compare(nodeScene(), native()) === 0) return undefined;
  const at = nodeScene().findIndex((b, i) => b !== native()[i]);
  return `${symbol} in mode ${mode} differs at byte ${at} of the scene ${before}`;
}

test.serial(
  "decoding and emulation leave the same in Node and natively, for random code, registers and memory",
  async (t) => {
    const random = randomNumbers(0xdec0de);
    let ok = 0;
    for (const mode of modes) {
      for (const encoding of randomEncodings(mode, 3_000, 1_000 + mode)) {
        const bytes = nodeScene();
        bytes.fill(0);
        for (let i = 0; i < offsetOf("code"); i++)
          bytes[i] = random(4) === 0 ? 0xff * random(2) : random(256);
        scene.segmentation.stackSize = mode;
        scene.rflags &= 0xed5n;
        encoding.forEach((b, i) => (scene.code.bytes[i] = b));
        if (random(3) === 0) scene.code.bytes[0] = [0xf0, 0xa4, 0xa5, 0xaf, 0x89, 0x01][random(6)]!;
        scene.code.length = random(5) === 0 ? random(16) : 15;
        const problem = await runBoth("run", mode);
        if (problem !== undefined) t.fail(`${hex(encoding)}: ${problem}`);
        if (scene.instruction.length !== 0) ok++;
      }
    }
    t.true(ok > 4_000, `${ok} were decoded`);
  },
);

test.serial("intercepted instructions have the same length in Node and natively", async (t) => {
  const { wasm } = await twin;
  for (const bytes of [
    [0x0f, 0xa2],
    [0x66, 0x0f, 0xa2],
    [0x48, 0x0f, 0xa2],
    [0x0f],
    [0x0f, 0xa3, 0xc0],
    [0xf0, 0x0f, 0xa2],
  ]) {
    for (const mode of modes) {
      nodeScene().fill(0);
      bytes.forEach((b, i) => (scene.code.bytes[i] = b));
      scene.code.length = bytes.length;
      t.is(await runBoth("cpuidLength", mode), undefined);
    }
  }
  const head = BigInt(shortForms.cpuid.bytes) | 0x1234_0000n;
  t.is(wasm.functions["shortCpuid"]!(head), 2);
  t.is(wasm.functions["shortCpuid"]!(head ^ 0x100n), 0);
});
