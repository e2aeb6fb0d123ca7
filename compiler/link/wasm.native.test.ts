import test from "ava";
import { constant, symbolAddress } from "../ir/builder.ts";
import { Interpreter } from "../ir/interpreter.ts";
import type { IrType } from "../ir/ir.ts";
import { i32, i64, i8, ptr, voidType } from "../ir/ir.ts";
import { instantiate } from "./instantiate.ts";
import { param, run, wideInteresting } from "./sample-values.ts";
import { sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";
import { HostTargetError, linkWasm } from "./wasm.ts";

test("switches, loops, calls, records and unreachable code agree with the interpreter", async (t) => {
  const pair: IrType = { kind: "record", fields: [i64, i8] };
  const functions = [
    sampleFunction(
      "pair",
      [pair, i64],
      pair,
      (b) => {
        const from = param(0, pair);
        b.return(b.record([b.binary("add", b.extract(from, 0), param(1)), b.extract(from, 1)]));
      },
      { exported: false, inline: "never" },
    ),
    sampleFunction("usePair", [i64, i64], i64, (b) => {
      const made = b.call("pair", pair, [b.record([param(0), b.cast("trunc", param(1), i8)]), param(1)]);
      b.return(b.binary("xor", b.extract(made, 0), b.cast("zext", b.extract(made, 1), i64)));
    }),
    sampleFunction("weighted", [i64, i64], i64, (b) => {
      const blocks = [0, 1, 2, 3].map((n) => b.block(`case${n}`));
      const otherwise = b.block("otherwise");
      b.switch(
        param(0),
        blocks.map((to, i) => ({ value: BigInt(i) ** 7n, to, weight: 10 ** i })),
        otherwise,
      );
      blocks.forEach((block, i) => {
        b.place(block);
        b.return(b.binary("mul", param(1), constant(i64, BigInt(i + 3))));
      });
      b.place(otherwise);
      b.return(constant(i64, 99n));
    }),
    sampleFunction("sumTo", [i64, i64], i64, (b) => {
      const [i, sum] = [b.slot("i", 8, 8), b.slot("sum", 8, 8)];
      const [head, body, done] = [b.block("head"), b.block("body"), b.block("done")];
      b.store(constant(i64, 0n), i, 8);
      b.store(constant(i64, 0n), sum, 8);
      b.jump(head);
      b.place(head);
      const at = b.load(i64, i, 8);
      b.branch(b.compare("ult", at, b.binary("and", param(0), constant(i64, 63n))), body, done, [2000, 1]);
      b.place(body);
      b.assume(b.compare("ult", at, constant(i64, 64n)));
      b.store(b.binary("add", b.load(i64, sum, 8), b.binary("mul", at, param(1))), sum, 8);
      b.store(b.binary("add", at, constant(i64, 1n)), i, 8);
      b.jump(head);
      b.place(done);
      b.return(b.load(i64, sum, 8));
    }),
    sampleFunction("impossible", [i64, i64], i64, (b) => {
      const [fine, never] = [b.block("fine"), b.block("never")];
      b.branch(
        b.compare("ule", b.binary("and", param(0), constant(i64, 7n)), constant(i64, 7n)),
        fine,
        never,
      );
      b.place(never);
      b.unreachable();
      b.place(fine);
      b.return(param(1));
    }),
  ];
  const module = sampleModule({ functions });
  const names = functions.filter((fn) => fn.exported).map((fn) => fn.symbol);
  const exports = await run(linkWasm(module, names).wasm);
  const judge = new Interpreter(module);
  for (const name of names) {
    for (const a of [...wideInteresting, 2187n]) {
      const native = BigInt.asUintN(64, exports[name]!(a, 77n));
      t.is(native, judge.call(name, [a, 77n]) as bigint, `${name}(${a})`);
    }
  }
});

test("a trap calls the module's handler with its site", async (t) => {
  const trap = sampleFunction("check", [i64], i64, (b) => {
    const [fine, small, large] = [b.block("fine"), b.block("small"), b.block("large")];
    const next = b.block("next");
    b.branch(b.compare("ult", param(0), constant(i64, 10n)), small, next);
    b.place(small);
    b.trap(0);
    b.place(next);
    b.branch(b.compare("ugt", param(0), constant(i64, 90n)), large, fine);
    b.place(large);
    b.trap(1);
    b.place(fine);
    b.return(param(0));
  });
  const module = sampleModule({
    functions: [trap],
    imports: [{ symbol: "trapped", params: [i32], result: voidType }],
    traps: ["too small", "too large"],
    trapHandler: "trapped",
  });
  const trapped = (site: number): never => {
    throw new Error(module.traps[site]);
  };
  const exports = await run(linkWasm(module, ["check"]).wasm, { trapped });
  t.is(exports["check"]!(50n), 50n);
  t.throws(() => exports["check"]!(3n), { message: "too small" });
  t.throws(() => exports["check"]!(91n), { message: "too large" });
  const bare = await run(linkWasm({ ...module, imports: [], trapHandler: undefined }, ["check"]).wasm);
  t.is(bare["check"]!(50n), 50n);
  t.throws(() => bare["check"]!(3n), { name: "RuntimeError" });
});

test("globals and functions cross to the host: addresses, narrow integers, imports, pointers to functions", async (t) => {
  const functions = [
    sampleFunction("narrow", [i8], i8, (b) => b.return(b.binary("add", param(0, i8), constant(i8, 1n)))),
    sampleFunction("through", [i64], i64, (b) => {
      const callee = b.load(ptr, symbolAddress("slot"), 8);
      b.return(b.callPointer(callee, i64, [param(0)]));
    }),
    sampleFunction("twice", [i64], i64, (b) => b.return(b.call("double", i64, [param(0)])), {
      exported: false,
    }),
  ];
  const module = sampleModule({
    functions,
    globals: [sampleGlobal("slot", 8, { relocations: [{ offset: 0, symbol: "twice", addend: 0 }] })],
    imports: [{ symbol: "double", params: [i64], result: i64 }],
  });
  const { wasm } = linkWasm(module, ["narrow", "through", "slot"]);
  const {
    functions: exports,
    addresses,
    memory,
  } = await instantiate(wasm, { double: (value: bigint) => 2n * value });
  t.is(exports["narrow"]!(255), 0);
  t.is(exports["through"]!(21n), 42n);
  t.deepEqual(Object.keys(addresses), ["slot"]);
  t.not(memory().getUint32(addresses["slot"]!, true), 0);
});

test("assembly is refused on the host target", (t) => {
  const naked = [{ symbol: "halt", displayName: "halt", lines: ["hlt"], uses: [], loc: undefined }];
  t.throws(() => linkWasm(sampleModule({ naked }), []), {
    instanceOf: HostTargetError,
    message: /^halt is assembly/,
  });
});
