import test from "ava";
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { Interpreter } from "../ir/interpreter.ts";
import type { BinaryOp, Bits, IrFunction, IrType, Predicate, Value } from "../ir/ir.ts";
import { i1, i32, i64, i8, ptr, voidType } from "../ir/ir.ts";
import { sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";
import { instantiate, type HostImports } from "./instantiate.ts";
import { HostTargetError, linkWasm } from "./wasm.ts";

type Exports = Record<string, (...args: bigint[]) => bigint>;

async function run(wasm: Uint8Array, imports: HostImports = {}): Promise<Exports> {
  return (await instantiate(wasm, imports)).functions as Exports;
}

const int = (bits: Bits): IrType => ({ kind: "int", bits });
const param = (index: number, type: IrType = i64): Value => ({ kind: "param", type, index });

/** The parameter pair (low, high) as an integer of some width. */
function wideParam(b: FunctionBuilder, first: number, bits: Bits): Value {
  if (bits === 64) return param(first);
  if (bits < 64) return b.cast("trunc", param(first), int(bits));
  const high = b.binary("shl", b.cast("zext", param(first + 1), int(128)), constant(int(128), 64n));
  return b.binary("or", high, b.cast("zext", param(first), int(128)));
}

/** Returns one 64-bit half of a value. */
function returnHalf(b: FunctionBuilder, value: Value, half: 0 | 1): void {
  const bits = value.type.kind === "int" ? value.type.bits : 64;
  if (half === 1 && bits < 128) return b.return(constant(i64, 0n));
  const part = half === 1 ? b.binary("lshr", value, constant(value.type, 64n)) : value;
  if (bits === 64) b.return(part);
  else b.return(b.cast(bits < 64 ? "zext" : "trunc", part, i64));
}

const interesting = [0n, 1n, 2n, 3n, 7n, 64n, 127n, 128n, 255n, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n];
const wideInteresting = [...interesting, 0xffff_ffffn, 1n << 63n, (1n << 64n) - 1n, 0x0123_4567_89ab_cdefn];

const binaryOps: BinaryOp[] = [
  ...([
    "add",
    "sub",
    "mul",
    "and",
    "or",
    "xor",
    "shl",
    "lshr",
    "ashr",
    "udiv",
    "sdiv",
    "urem",
    "srem",
  ] as const),
];
const predicates: Predicate[] = ["eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge"];

interface Case {
  readonly name: string;
  readonly build: (b: FunctionBuilder) => Value;
}

function arithmeticCases(): Case[] {
  const cases: Case[] = [];
  for (const bits of [1, 8, 16, 32, 64, 128] as const) {
    const type = int(bits);
    for (const fn of binaryOps) {
      if (bits === 1 && /div|rem|sh/.test(fn)) continue;
      cases.push({
        name: `${fn}${bits}`,
        build: (b) => {
          const a = wideParam(b, 0, bits);
          let c = wideParam(b, 2, bits);
          if (/sh/.test(fn)) c = b.binary("and", c, constant(type, BigInt(bits - 1)));
          // Neither a zero nor a minus one divides: both are undefined for some dividend.
          if (/div|rem/.test(fn))
            c = b.binary(
              "and",
              b.binary("or", c, constant(type, 1n)),
              constant(type, (1n << BigInt(bits - 1)) - 1n),
            );
          return b.binary(fn, a, c);
        },
      });
    }
    for (const pred of predicates) {
      cases.push({
        name: `${pred}${bits}`,
        build: (b) => b.compare(pred, wideParam(b, 0, bits), wideParam(b, 2, bits)),
      });
    }
    for (const fn of ["ctpop", "ctlz", "cttz", "bswap"] as const) {
      if (bits < 8 || (fn === "bswap" && bits === 8)) continue;
      cases.push({ name: `${fn}${bits}`, build: (b) => b.unary(fn, wideParam(b, 0, bits)) });
    }
    for (const to of [1, 8, 16, 32, 64, 128] as const) {
      const fns = to < bits ? (["trunc"] as const) : to > bits ? (["zext", "sext"] as const) : [];
      for (const fn of fns) {
        cases.push({ name: `${fn}${bits}to${to}`, build: (b) => b.cast(fn, wideParam(b, 0, bits), int(to)) });
      }
    }
  }
  cases.push(
    { name: "udiv128by16", build: (b) => b.binary("udiv", wideParam(b, 0, 128), constant(int(128), 16n)) },
    { name: "urem128by16", build: (b) => b.binary("urem", wideParam(b, 0, 128), constant(int(128), 16n)) },
    {
      name: "constant128",
      build: (b) =>
        b.binary("add", wideParam(b, 0, 128), constant(int(128), 0x1234_5678_9abc_def0_0fed_cba9_8765_4321n)),
    },
    { name: "select", build: (b) => b.select(b.compare("ult", param(0), param(2)), param(1), param(3)) },
    {
      name: "record",
      build: (b) => {
        const inner = b.record([param(0), b.cast("trunc", param(2), i8)]);
        const outer = b.record([inner, param(3)]);
        return b.binary("add", b.extract(outer, 1), b.cast("zext", b.extract(b.extract(outer, 0), 1), i64));
      },
    },
  );
  return cases;
}

test("arithmetic, comparisons and casts of every width agree with the interpreter", async (t) => {
  const cases = arithmeticCases();
  const halves = [0, 1] as const;
  const functions = cases.flatMap(({ name, build }) =>
    halves.map((half) =>
      sampleFunction(`${name}.${half}`, [i64, i64, i64, i64], i64, (b) => returnHalf(b, build(b), half)),
    ),
  );
  const module = sampleModule({ functions });
  const exports = await run(
    linkWasm(
      module,
      functions.map((fn) => fn.symbol),
    ).wasm,
  );
  const judge = new Interpreter(module);
  for (const { symbol } of functions) {
    for (const [i, a] of wideInteresting.entries()) {
      for (const [j, c] of wideInteresting.entries()) {
        const args = [a, wideInteresting[(i + 5) % wideInteresting.length]!, c, j % 2 === 0 ? 0n : a];
        const native = BigInt.asUintN(64, exports[symbol]!(...args));
        if (native !== judge.call(symbol, args)) {
          t.fail(`${symbol}(${args.join(", ")}) is ${native}, not ${String(judge.call(symbol, args))}`);
          return;
        }
      }
    }
  }
  t.pass();
});

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
      b.branch(b.compare("ult", at, b.binary("and", param(0), constant(i64, 63n))), body, done, true);
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
