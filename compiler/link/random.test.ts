import test, { type ExecutionContext } from "ava";
import { constant, symbolAddress } from "../ir/builder.ts";
import { Interpreter } from "../ir/interpreter.ts";
import { i16, i64, i8, ptr, voidType, type IrFunction, type IrModule, type Value } from "../ir/ir.ts";
import { printFunction } from "../ir/print.ts";
import { linkEfi } from "./efi.ts";
import { instantiate } from "./instantiate.ts";
import { bootSample } from "./sample-boot.ts";
import { Random, randomArea, randomFunction } from "./sample-random.ts";
import { outSite, saySite, sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";
import { linkWasm } from "./wasm.ts";

interface Call {
  readonly fn: IrFunction;
  readonly args: readonly [bigint, bigint];
}

/** Functions, and calls of them in an order: they share a memory. */
function plan(seed: number): { module: IrModule; calls: Call[] } {
  const functions = Array.from({ length: 60 }, (_, i) => randomFunction(i, seed));
  const random = new Random(seed);
  const calls = functions.flatMap((fn) =>
    Array.from({ length: 12 }, (): Call => ({ fn, args: [random.operand(), random.operand()] })),
  );
  return { module: sampleModule({ functions, globals: [randomArea] }), calls };
}

function seedOf(t: ExecutionContext): number {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  t.log(`SEED=${seed}`);
  return seed;
}

/** Compares the results of the calls with the interpreter's. */
function judge(t: ExecutionContext, seed: number, results: readonly bigint[]): void {
  const { module, calls } = plan(seed);
  const interpreter = new Interpreter(module);
  t.is(results.length, calls.length);
  for (const [i, { fn, args }] of calls.entries()) {
    const expected = interpreter.call(fn.symbol, args);
    if (results[i] === expected) continue;
    const call = `SEED=${seed}: ${fn.symbol}(${args.join(", ")})`;
    return t.fail(`${call} is ${results[i]}, not ${String(expected)}\n${printFunction(fn)}`);
  }
}

test("random functions give in WebAssembly what the interpreter gives", async (t) => {
  const seed = seedOf(t);
  const { module, calls } = plan(seed);
  const { wasm } = linkWasm(
    module,
    module.functions.map((fn) => fn.symbol),
  );
  const { functions } = await instantiate(wasm);
  judge(
    t,
    seed,
    calls.map(({ fn, args }) => BigInt.asUintN(64, functions[fn.symbol]!(...args) as bigint)),
  );
});

/** Calls everything in the table and prints the results in hexadecimal digits, the highest first. */
function caller(count: number): IrFunction {
  return sampleFunction("efi_main", [ptr, ptr], i64, (b) => {
    const loop = (name: string, times: number, body: (n: Value) => void): void => {
      const counter = b.slot(name, 8, 8);
      const [head, inside, done] = [b.block("head"), b.block("inside"), b.block("done")];
      b.store(constant(i64, 0n), counter, 8);
      b.jump(head);
      b.place(head);
      const n = b.load(i64, counter, 8);
      b.branch(b.compare("ult", n, constant(i64, BigInt(times))), inside, done);
      b.place(inside);
      body(n);
      b.store(b.binary("add", n, constant(i64, 1n)), counter, 8);
      b.jump(head);
      b.place(done);
    };
    const put = (byte: Value): Value => b.callAsm("say", voidType, [byte]);
    loop("call", count, (n) => {
      const row = b.index(symbolAddress("calls"), n, 24);
      const args = [b.load(i64, b.offset(row, 8), 8), b.load(i64, b.offset(row, 16), 8)];
      const result = b.callPointer(b.load(ptr, row, 8), i64, args);
      loop("digit", 16, (digit) => {
        const shift = b.binary("sub", constant(i64, 60n), b.binary("shl", digit, constant(i64, 2n)));
        const nibble = b.binary("and", b.binary("lshr", result, shift), constant(i64, 15n));
        put(b.load(i8, b.index(symbolAddress("digits"), nibble, 1), 1));
      });
      put(constant(i8, 10n));
    });
    b.callAsm("out", voidType, [constant(i16, 0xf4n), constant(i8, 16n)]);
    b.return(constant(i64, 0n));
  });
}

test("random functions give on the bare machine what the interpreter gives", async (t) => {
  const seed = seedOf(t);
  const { module, calls } = plan(seed);
  const table = new DataView(new ArrayBuffer(24 * calls.length));
  calls.forEach(({ args }, i) => args.forEach((arg, j) => table.setBigUint64(24 * i + 8 * j + 8, arg, true)));
  const relocations = calls.map(({ fn }, i) => ({ offset: 24 * i, symbol: fn.symbol, addend: 0 }));
  const { efi } = linkEfi({
    entry: "efi_main",
    module: {
      ...module,
      functions: [...module.functions, caller(calls.length)],
      globals: [
        ...module.globals,
        sampleGlobal("calls", table.byteLength, { init: new Uint8Array(table.buffer), relocations }),
        sampleGlobal("digits", 16, { constant: true, init: Buffer.from("0123456789abcdef"), align: 1 }),
      ],
      asmSites: [outSite, saySite],
    },
  });
  const { machine, end } = await bootSample(efi);
  try {
    t.is((await machine.exit()).status, 33);
    const lines = machine.console.match(/^[0-9a-f]{16}$/gm) ?? [];
    judge(
      t,
      seed,
      lines.map((line) => BigInt(`0x${line}`)),
    );
  } finally {
    await end();
  }
});
