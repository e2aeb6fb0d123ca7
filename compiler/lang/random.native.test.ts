import test from "ava";
import { explained } from "./testing/explain.ts";
import { argumentLists, randomFrom, seedOfRun } from "./testing/inputs.ts";
import { programText, ProgramGenerator } from "./testing/random-program.ts";
import { lowerText } from "./testing/text.ts";
import { linkTwin } from "./testing/twin.ts";

/** Compiles a text, with intervals checked where it runs; an error says what was refused. */
const lower = (text: string): ReturnType<typeof lowerText> =>
  explained(() => lowerText(text, { debug: false, checkIntervals: true }));

const seed = seedOfRun();

for (let round = 0; round < 3; round++) {
  test(`random programs give natively what they give in Node, round ${round}`, async (t) => {
    t.log(`SEED=${seed}`);
    const random = randomFrom(seed + round * 7919);
    const generator = new ProgramGenerator(random);
    for (let i = 0; i < 40; i++) generator.add();
    const { module, program } = lower(programText(generator.functions));
    const twin = await linkTwin(module, program);
    for (const { symbol, params } of program.entries) {
      for (const args of argumentLists(params, 60, random)) {
        const { node, native } = twin.call(symbol, ...args);
        if (native === (node === 0 ? 0 : node)) continue;
        const source = generator.functions.find((f) => f.name === symbol)!.text;
        t.fail(
          `${symbol}(${args.join(", ")}): ${String(node)} in Node, ${String(native)} natively, SEED=${seed}\n${source}`,
        );
        return;
      }
    }
    t.pass();
  });
}
