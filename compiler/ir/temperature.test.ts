import test from "ava";
import { sampleFunction, sampleModule } from "../link/sample.ts";
import { symbolAddress } from "./builder.ts";
import { ptr, voidType, type IrFunction } from "./ir.ts";
import { markCold } from "./temperature.ts";

/** A function that calls others. */
function calling(symbol: string, callees: readonly string[], options: Partial<IrFunction> = {}): IrFunction {
  return sampleFunction(
    symbol,
    [],
    voidType,
    (b) => {
      for (const callee of callees) b.call(callee, voidType, []);
      b.return();
    },
    options,
  );
}

test("what the exit path does not reach becomes cold; what must be inlined stays", (t) => {
  const module = sampleModule({
    functions: [
      calling("main", ["start", "loop", "stub"]),
      calling("start", ["shared"]),
      calling("loop", ["handle", "inlined"]),
      calling("handle", ["shared", "fail", "stub"]),
      calling("shared", []),
      calling("inlined", [], { inline: "always" }),
      calling("other", [], { inline: "always" }),
      calling("fail", ["say"], { cold: true }),
      calling("say", []),
      calling("fromAssembly", []),
      sampleFunction("named", [], ptr, (b) => b.return(symbolAddress("start"))),
    ],
    naked: [{ symbol: "stub", displayName: "stub", lines: [], uses: ["fromAssembly"], loc: undefined }],
  });
  const cold = (hot: string[]): string[] =>
    markCold(module, hot)
      .functions.filter((fn) => fn.cold)
      .map((fn) => fn.symbol);
  t.deepEqual(cold(["loop"]), ["main", "start", "fail", "say", "named"]);
  t.false(cold(["loop", "named"]).includes("start"), "a function whose address is taken may be called");
});
