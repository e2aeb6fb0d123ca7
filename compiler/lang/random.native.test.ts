import test from "ava";
import type { Program } from "../../dsl/core/program.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { render } from "../diagnostics/render.ts";
import { createRealm } from "../evaluate/realm.ts";
import { createFront } from "../front-end.ts";
import { repositoryPath, virtualSources } from "../source/virtual.ts";
import { lowerProgram } from "./lower.ts";
import { argumentLists, randomFrom, seedOfRun } from "./testing/inputs.ts";
import { programText, ProgramGenerator } from "./testing/random-program.ts";
import { linkTwin, type Twin } from "./testing/twin.ts";

/** Compiles a program that is not on the disk. */
async function twinOf(text: string): Promise<{ readonly program: Program; readonly twin: Twin }> {
  const path = "compiler/random.ts";
  const sources = virtualSources({ [path]: text });
  const diagnostics = new Diagnostics();
  // TypeScript is not asked for errors: to it, comparing two literals is one.
  const realm = createRealm(sources);
  const root = realm.module(repositoryPath(path));
  const front = createFront(sources, realm, diagnostics);
  const program = root["program"] as Program;
  const module = lowerProgram({ sources, realm, root, diagnostics, front }, program, { debug: false, checkIntervals: true });
  return { program, twin: await linkTwin(module, program) };
}

const seed = seedOfRun();

for (let round = 0; round < 3; round++) {
  test(`random programs give natively what they give in Node, round ${round}`, async (t) => {
    t.log(`SEED=${seed}`);
    const random = randomFrom(seed + round * 7919);
    const generator = new ProgramGenerator(random);
    for (let i = 0; i < 40; i++) generator.add();
    const text = programText(generator.functions);
    const { program, twin } = await twinOf(text).catch((error: unknown) => {
      const { diagnostics } = error as { diagnostics?: Parameters<typeof render>[0] };
      throw diagnostics === undefined ? error : new Error(render(diagnostics, { color: false }));
    });
    for (const { symbol, params } of program.entries) {
      for (const args of argumentLists(params, 60, random)) {
        const { node, native } = twin.call(symbol, ...args);
        if (native === (node === 0 ? 0 : node)) continue;
        const source = generator.functions.find((f) => f.name === symbol)!.text;
        t.fail(`${symbol}(${args.join(", ")}): ${String(node)} in Node, ${String(native)} natively, SEED=${seed}\n${source}`);
        return;
      }
    }
    t.pass();
  });
}
