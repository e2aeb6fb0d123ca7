import { join } from "node:path";
import test from "ava";
import { preparePayloads } from "../../ci/payloads.ts";
import { composeImage } from "../build.ts";
import type { IrModule } from "../ir/ir.ts";
import { repositoryRoot } from "../root.ts";

/** The source files of everything that a module executes, and the names of its globals. */
function contents({ functions, globals }: IrModule): {
  readonly files: Set<string>;
  readonly names: string[];
} {
  const instructions = functions.flatMap((f) => f.blocks.flatMap((block) => block.instrs));
  return {
    files: new Set(instructions.flatMap(({ loc }) => (loc === undefined ? [] : [loc.file]))),
    names: globals.map(({ symbol }) => symbol),
  };
}

test("an image that declares no trace has no code and no memory for one; an image that does has both", async (t) => {
  await preparePayloads();
  const compose = (image: string) => contents(composeImage(join(repositoryRoot, image), false).module);
  const traced = compose("ci/boot/images/saved-traced.ts");
  const plain = compose("images/saved-linux.ts");
  const sources = ["kernel/trace.ts", "dsl/device/trace.ts"];
  t.deepEqual(
    sources.filter((file) => traced.files.has(file)),
    sources,
  );
  t.deepEqual(
    sources.filter((file) => plain.files.has(file)),
    [],
  );
  t.true(traced.names.includes("traceRings"));
  t.false(plain.names.includes("traceRings"));
});
