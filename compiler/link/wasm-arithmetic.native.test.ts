import test from "ava";
import { constant, type FunctionBuilder } from "../ir/builder.ts";
import { Interpreter } from "../ir/interpreter.ts";
import type { BinaryOp, Predicate, Value, Bits } from "../ir/ir.ts";
import { i64, i8 } from "../ir/ir.ts";
import { int, param, run, wideInteresting } from "./sample-values.ts";
import { sampleFunction, sampleModule } from "./sample.ts";
import { linkWasm } from "./wasm.ts";

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
