import test from "ava";
import { constant, symbolAddress } from "../ir/builder.ts";
import { i16, i64, i8, ptr, voidType, type IrFunction, type Value } from "../ir/ir.ts";
import { linkEfi } from "./efi.ts";
import { bootSample } from "./sample-boot.ts";
import { disagreement, randomPlan, randomSeed } from "./sample-random.ts";
import { outSite, sampleFunction, sampleGlobal, saySite } from "./sample.ts";

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

const builds = [
  { name: "optimised for the bare machine", debug: false },
  { name: "built for a debugger", debug: true },
];
for (const { name, debug } of builds)
  test.serial(`random functions ${name} give what the interpreter gives`, async (t) => {
    const seed = randomSeed();
    t.log(`SEED=${seed}`);
    const { module, calls } = randomPlan(seed);
    const table = new DataView(new ArrayBuffer(24 * calls.length));
    calls.forEach(({ args }, i) =>
      args.forEach((arg, j) => table.setBigUint64(24 * i + 8 * j + 8, arg, true)),
    );
    const relocations = calls.map(({ fn }, i) => ({ offset: 24 * i, symbol: fn.symbol, addend: 0 }));
    const { efi } = linkEfi({
      entry: "efi_main",
      debug,
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
      const results = lines.map((line) => BigInt(`0x${line}`));
      t.is(disagreement(seed, results), undefined);
    } finally {
      await end();
    }
  });
