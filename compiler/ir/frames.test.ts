import test from "ava";
import { sampleFunction, sampleModule } from "../link/sample.ts";
import { constant, type FunctionBuilder } from "./builder.ts";
import { avoidFrames } from "./frames.ts";
import { i32, voidType, type IrFunction, type Value } from "./ir.ts";

const argument: Value = { kind: "param", type: i32, index: 0 };

/** A function that compares its argument with 0, 1, …, and calls what belongs to it as its last act. */
function dispatch(symbol: string, callees: readonly string[], options: Partial<IrFunction> = {}): IrFunction {
  return sampleFunction(
    symbol,
    [i32],
    voidType,
    (b) => {
      callees.forEach((callee, i) => {
        const [then, next] = [b.block("then"), b.block("next")];
        b.branch(b.compare("eq", argument, constant(i32, BigInt(i))), then, next);
        b.place(then);
        call(b, callee);
        b.return();
        b.place(next);
      });
      b.return();
    },
    { exported: false, ...options },
  );
}

/** A function that calls others, one after the other, and does as much as is asked. */
function doing(symbol: string, work: number, callees: readonly string[] = []): IrFunction {
  return sampleFunction(
    symbol,
    [i32],
    voidType,
    (b) => {
      let value: Value = argument;
      for (let i = 0; i < work; i++) value = b.binary("add", value, argument);
      for (const callee of callees) call(b, callee);
      b.return();
    },
    { exported: false },
  );
}

function call(b: FunctionBuilder, callee: string): void {
  b.call(callee, voidType, [argument]);
}

function decided(...functions: readonly IrFunction[]): Record<string, string> {
  const made = avoidFrames(sampleModule({ functions: [...functions] })).functions;
  return Object.fromEntries(made.map(({ symbol, inline }) => [symbol, inline]));
}

const large = 200;

test("a dispatch keeps out what needs a frame, and nothing else", (t) => {
  const found = decided(
    dispatch("tree", ["framed", "jumping", "leaf"], { exported: true }),
    doing("framed", 5, ["shared", "shared"]),
    doing("jumping", 5, ["shared"]),
    doing("leaf", 30),
    doing("shared", large),
  );
  t.deepEqual(found, { tree: "auto", framed: "never", jumping: "auto", leaf: "auto", shared: "auto" });
});

test("a dispatch whose caller needs a frame anyway keeps nothing out", (t) => {
  const functions = [
    dispatch("tree", ["framed", "other"]),
    doing("framed", 5, ["shared", "shared"]),
    doing("other", 5, ["shared", "shared"]),
    doing("shared", large),
  ];
  t.is(decided(doing("caller", 1, ["tree"]), ...functions)["framed"], "never", "the tree is its last act");
  t.is(decided(doing("caller", 1, ["tree", "shared"]), ...functions)["framed"], "auto");
});

test("a function whose only calls are of small leaves has those inlined", (t) => {
  const callers = (work: number): Record<string, string> =>
    decided(doing("observer", 3, ["cause", "note"]), doing("asker", 3, ["cause", "asks"]), ...leaves(work));
  const leaves = (work: number): IrFunction[] => [
    doing("cause", work),
    doing("note", large),
    doing("asks", large),
  ];
  t.is(callers(50)["cause"], "always");
  t.is(callers(large)["cause"], "auto", "copies of it would be too large");
});

test("a leaf that is called beside what is no leaf stays apart", (t) => {
  const found = decided(
    doing("first", 3, ["cause", "framed", "note"]),
    doing("second", 3, ["cause", "framed", "note"]),
    doing("cause", 50),
    doing("framed", 5, ["note", "note"]),
    doing("note", large),
  );
  t.is(found["cause"], "auto");
});

test("a guard of what seldom holds is inlined, and its seldom call counts for nothing", (t) => {
  const guard = sampleFunction(
    "guard",
    [i32],
    voidType,
    (b) => {
      const [then, next] = [b.block("then"), b.block("next")];
      b.branch(b.compare("ne", argument, constant(i32, 1n)), then, next, [1, 2000]);
      b.place(then);
      call(b, "wide");
      call(b, "wide");
      b.return();
      b.place(next);
      call(b, "tree");
      b.return();
    },
    { exported: false },
  );
  const found = decided(
    dispatch("first", ["guard", "tree"], { exported: true }),
    guard,
    doing("wide", large),
    doing("tree", large),
  );
  t.is(found["guard"], "always");
});

test("what was decided before, and what is cold, stays as it is", (t) => {
  const found = decided(
    dispatch("tree", ["framed", "cold"], { exported: true }),
    { ...doing("framed", 5, ["shared", "shared"]), inline: "always" },
    { ...doing("cold", 5, ["shared", "shared"]), cold: true },
    doing("shared", large),
  );
  t.deepEqual([found["framed"], found["cold"]], ["always", "auto"]);
});
