import test from "ava";
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { Interpreter } from "../ir/interpreter.ts";
import type { IrFunction, IrType, Value } from "../ir/ir.ts";
import { i1, i32, i64, i8, ptr } from "../ir/ir.ts";
import { int, param, run, wideInteresting } from "./sample-values.ts";
import { sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";
import { linkWasm } from "./wasm.ts";

/** Fills the global `area` with the parameters, changes it, and gives a checksum of it. */
function memoryFunction(name: string, change: (b: FunctionBuilder, area: Value) => Value): IrFunction {
  return sampleFunction(name, [i64, i64], i64, (b) => {
    const area = symbolAddress("area");
    for (let i = 0; i < 8; i++) b.store(param(i % 2), b.offset(area, 8 * i), 8);
    let sum = change(b, area);
    for (let i = 0; i < 8; i++) {
      const word = b.load(i64, b.offset(area, 8 * i), 8);
      sum = b.binary("add", b.binary("mul", sum, constant(i64, 31n)), word);
    }
    b.return(sum);
  });
}

function memoryFunctions(): IrFunction[] {
  const made: IrFunction[] = [];
  const widen = (b: FunctionBuilder, value: Value): Value => {
    if (value.type.kind === "ptr") return b.cast("ptrtoint", value, i64);
    const bits = value.type.kind === "int" ? value.type.bits : 64;
    return bits === 64 ? value : b.cast(bits < 64 ? "zext" : "trunc", value, i64);
  };
  const narrow = (b: FunctionBuilder, type: IrType): Value => {
    if (type.kind === "ptr")
      return b.cast("inttoptr", b.binary("and", param(1), constant(i64, 0xffff_ffffn)), ptr);
    const bits = type.kind === "int" ? type.bits : 64;
    return bits === 64 ? param(1) : b.cast(bits < 64 ? "trunc" : "zext", param(1), type);
  };
  for (const type of [i1, i8, int(16), i32, i64, int(128), ptr]) {
    const bytes = type.kind === "ptr" ? 8 : Math.max(1, (type as { bits: number }).bits / 8);
    for (const volatile of [false, true]) {
      for (const align of new Set([bytes, 1])) {
        made.push(
          memoryFunction(
            `access.${JSON.stringify(type)}.${volatile}.${align}`.replace(/["{}:,]/g, "_"),
            (b, area) => {
              const at = align === 1 ? b.offset(area, 3) : area;
              if (type.kind === "ptr") b.store(narrow(b, type), at, align, volatile);
              const old = widen(b, b.load(type, at, align, volatile));
              b.store(narrow(b, type), b.offset(at, 16), align, volatile);
              return old;
            },
          ),
        );
      }
    }
  }
  for (const type of [i8, int(16), i32, i64]) {
    const { bits } = type as { bits: number };
    for (const fn of ["xchg", "add", "sub", "and", "or", "xor"] as const) {
      made.push(
        memoryFunction(`rmw.${fn}.${bits}`, (b, area) =>
          widen(b, b.rmw(fn, b.offset(area, 16), narrow(b, type), "seqcst")),
        ),
      );
    }
    for (const order of ["relaxed", "acquire", "release", "acqrel", "seqcst"] as const) {
      made.push(
        memoryFunction(`cmpxchg.${bits}.${order}`, (b, area) => {
          const first = b.cmpxchg(area, narrow(b, type), constant(type, 5n), order);
          const second = b.cmpxchg(b.offset(area, 8), narrow(b, type), constant(type, 6n), order);
          const flags = b.binary(
            "add",
            widen(b, b.extract(first, 1)),
            b.binary("shl", widen(b, b.extract(second, 1)), constant(i64, 1n)),
          );
          return b.binary("add", flags, b.binary("mul", widen(b, b.extract(second, 0)), constant(i64, 4n)));
        }),
      );
    }
    made.push(
      memoryFunction(`ordered.${bits}`, (b, area) => {
        b.store(narrow(b, type), b.offset(area, 8), 8, false, "release");
        b.fence("seqcst");
        b.store(narrow(b, type), b.offset(area, 24), 8, true, "seqcst");
        return b.binary(
          "add",
          widen(b, b.load(type, area, 8, false, "acquire")),
          widen(b, b.load(type, b.offset(area, 24), 8, false, "relaxed")),
        );
      }),
    );
  }
  made.push(
    memoryFunction("copy", (b, area) => (b.copy(b.offset(area, 32), area, constant(i64, 13n)), param(0))),
    memoryFunction(
      "move",
      (b, area) => (
        b.copy(b.offset(area, 3), area, b.binary("and", param(0), constant(i64, 31n)), true),
        param(0)
      ),
    ),
    memoryFunction(
      "fill",
      (b, area) => (
        b.fill(
          b.offset(area, 5),
          b.cast("trunc", param(1), i8),
          b.binary("and", param(0), constant(i64, 31n)),
        ),
        param(0)
      ),
    ),
    memoryFunction("index", (b, area) => {
      const element = b.index(area, b.binary("and", param(0), constant(i64, 3n)), 12);
      b.store(param(1), element, 4);
      return b.cast("zext", b.load(i8, b.offset(element, 5), 1), i64);
    }),
    memoryFunction("pointers", (b, area) => {
      b.store(symbolAddress("table"), b.offset(area, 8), 8);
      const table = b.load(ptr, b.offset(area, 8), 8);
      const inner = b.load(ptr, table, 8);
      const byte = b.load(i8, inner, 1);
      b.store(constant(i64, 0n), b.offset(area, 8), 8);
      const same = b.compare("eq", inner, b.offset(symbolAddress("text"), 2));
      return b.binary("add", b.cast("zext", byte, i64), b.cast("zext", same, i64));
    }),
    memoryFunction("slots", (b) => {
      const slot = b.slot("big", 48, 64);
      b.store(param(0), b.offset(slot, 40), 8);
      const flag = b.slot("flag", 1, 1);
      b.store(b.compare("ult", param(0), param(1)), flag, 1);
      const aligned = b.binary("and", b.cast("ptrtoint", slot, i64), constant(i64, 63n));
      const sum = b.binary("add", b.load(i64, b.offset(slot, 40), 8), aligned);
      return b.binary("add", sum, b.cast("zext", b.load(i1, flag, 1), i64));
    }),
  );
  return made;
}

test("memory accesses of every width, alignment and order agree with the interpreter", async (t) => {
  const functions = memoryFunctions();
  const globals = [
    sampleGlobal("area", 64),
    sampleGlobal("text", 4, { constant: true, init: Buffer.from("abc"), align: 1 }),
    sampleGlobal("table", 16, { constant: true, relocations: [{ offset: 0, symbol: "text", addend: 2 }] }),
  ];
  const module = sampleModule({ functions, globals });
  const exports = await run(
    linkWasm(
      module,
      functions.map((fn) => fn.symbol),
    ).wasm,
  );
  const judge = new Interpreter(module);
  for (const { symbol } of functions) {
    for (const a of wideInteresting) {
      for (const c of wideInteresting) {
        const native = BigInt.asUintN(64, exports[symbol]!(a, c));
        t.is(native, judge.call(symbol, [a, c]) as bigint, `${symbol}(${a}, ${c})`);
      }
    }
  }
});
