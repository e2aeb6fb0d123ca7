/** Random IR: functions of two words over four variables and a small memory, the same for the same seed. */
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import type { BinaryOp, Bits, IrFunction, IrModule, IrType, Predicate, Value } from "../ir/ir.ts";
import { i64, likely, unlikely } from "../ir/ir.ts";
import { Interpreter } from "../ir/interpreter.ts";
import { printFunction } from "../ir/print.ts";
import { sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";

/** Random numbers that depend on the seed alone (xorshift). */
export class Random {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e37_79b9_7f4a_7c15n + 1n;
  }

  word(): bigint {
    let x = BigInt.asUintN(64, this.#state);
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    return (this.#state = x);
  }

  below(n: number): number {
    return Number(this.word() % BigInt(n));
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Words that are often small, full of ones, or one bit. */
  operand(): bigint {
    const word = this.word();
    return this.of([word, word & 0xffn, (1n << 64n) - 1n - (word & 0xfn), 1n << (word & 63n), 0n]);
  }
}

const int = (bits: Bits): IrType => ({ kind: "int", bits });
const widths = [8, 16, 32, 64, 128] as const;
const binaryOps: readonly BinaryOp[] = [
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
const predicates: readonly Predicate[] = ["eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge"];
const variables = 4;

/** Appends random statements over the variables of one function. */
class Generator {
  readonly #slots: Value[];
  readonly #b: FunctionBuilder;
  readonly #random: Random;

  constructor(b: FunctionBuilder, random: Random) {
    this.#b = b;
    this.#random = random;
    this.#slots = Array.from({ length: variables }, (_, i) => b.slot(`v${i}`, 8, 8));
    this.#slots.forEach((slot, index) => b.store({ kind: "param", type: i64, index: index % 2 }, slot, 8));
  }

  #variable(): Value {
    return this.#b.load(i64, this.#random.of(this.#slots), 8);
  }

  #as(value: Value, bits: Bits): Value {
    const from = value.type.kind === "int" ? value.type.bits : 64;
    if (from === bits) return value;
    return this.#b.cast(from > bits ? "trunc" : this.#random.of(["zext", "sext"] as const), value, int(bits));
  }

  expression(depth: number): Value {
    const b = this.#b;
    const random = this.#random;
    if (depth === 0) return random.below(4) === 0 ? constant(i64, random.operand()) : this.#variable();
    const bits = random.of(widths);
    const type = int(bits);
    const a = this.#as(this.expression(depth - 1), bits);
    const kind = random.below(10);
    if (kind === 0)
      return b.unary(random.of(bits === 8 ? ["ctpop", "ctlz", "cttz"] : ["ctpop", "ctlz", "bswap"]), a);
    const c = this.#as(this.expression(depth - 1), bits);
    if (kind === 1) return b.select(b.compare(random.of(predicates), a, c), c, a);
    if (kind === 2) return b.extract(b.record([a, c]), random.below(2));
    const fn = random.of(binaryOps);
    if (/sh/.test(fn)) return b.binary(fn, a, b.binary("and", c, constant(type, BigInt(bits - 1))));
    if (!/div|rem/.test(fn)) return b.binary(fn, a, c);
    const positive = b.binary("and", c, constant(type, (1n << BigInt(bits - 1)) - 1n));
    return b.binary(fn, a, b.binary("or", positive, constant(type, 1n)));
  }

  #assign(): void {
    this.#b.store(this.#as(this.expression(this.#random.below(4)), 64), this.#random.of(this.#slots), 8);
  }

  #memory(): void {
    const b = this.#b;
    const area = symbolAddress("area");
    const at = b.index(area, b.binary("and", this.#as(this.#variable(), 64), constant(i64, 7n)), 8);
    const bits = this.#random.of(widths.slice(0, 4));
    const where = b.offset(at, this.#random.below(8));
    b.store(this.#as(this.#variable(), bits), where, 1);
    b.store(
      this.#as(b.load(int(this.#random.of(widths)), b.offset(at, 3), 1), 64),
      this.#random.of(this.#slots),
      8,
    );
  }

  statements(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.#statement(depth);
  }

  #statement(depth: number): void {
    const b = this.#b;
    const kind = this.#random.below(depth === 0 ? 4 : 8);
    if (kind < 3) return this.#assign();
    if (kind === 3) return this.#memory();
    const after = b.block("after");
    if (kind < 6) {
      const [then, otherwise] = [b.block("then"), b.block("else")];
      const cond = b.compare(this.#random.of(predicates), this.#variable(), this.#variable());
      b.branch(cond, then, otherwise, this.#random.of([undefined, likely, unlikely]));
      for (const block of [then, otherwise]) {
        b.place(block);
        this.statements(2, depth - 1);
        b.jump(after);
      }
    } else if (kind === 6) {
      const blocks = [0, 1, 2].map(() => b.block("case"));
      const on = b.binary("and", this.#variable(), constant(i64, 3n));
      b.switch(
        on,
        blocks.map((to, i) => ({ value: BigInt(i), to, weight: this.#random.below(100) })),
        after,
      );
      for (const block of blocks) {
        b.place(block);
        this.statements(1, depth - 1);
        b.jump(after);
      }
    } else {
      const counter = b.slot("n", 8, 8);
      const [head, body] = [b.block("head"), b.block("body")];
      b.store(constant(i64, 0n), counter, 8);
      b.jump(head);
      b.place(head);
      const n = b.load(i64, counter, 8);
      b.branch(b.compare("ult", n, constant(i64, BigInt(1 + this.#random.below(5)))), body, after);
      b.place(body);
      this.statements(2, depth - 1);
      b.store(b.binary("add", n, constant(i64, 1n)), counter, 8);
      b.jump(head);
    }
    b.place(after);
  }

  /** Returns a checksum of every variable and of memory. */
  finish(): void {
    const b = this.#b;
    let sum: Value = constant(i64, 0n);
    const words = Array.from({ length: 10 }, (_, i) =>
      b.load(i64, b.offset(symbolAddress("area"), 8 * i), 8),
    );
    for (const word of [...this.#slots.map((slot) => b.load(i64, slot, 8)), ...words]) {
      sum = b.binary("add", b.binary("mul", sum, constant(i64, 0x1_0000_01b3n)), word);
    }
    b.return(sum);
  }
}

/** The function with a number among those of a seed; it uses the global `area`. */
export function randomFunction(index: number, seed: number): IrFunction {
  const random = new Random(seed + index);
  return sampleFunction(`random${index}`, [i64, i64], i64, (b) => {
    const generator = new Generator(b, random);
    generator.statements(6, 3);
    generator.finish();
  });
}

/** The memory that random functions share. */
export const randomArea = sampleGlobal("area", 96);

/** A call of a random function. */
export interface RandomCall {
  readonly fn: IrFunction;
  readonly args: readonly [bigint, bigint];
}

/** Functions, and calls of them in an order: they share a memory. */
export function randomPlan(seed: number): { module: IrModule; calls: RandomCall[] } {
  const functions = Array.from({ length: 60 }, (_, i) => randomFunction(i, seed));
  const random = new Random(seed);
  const calls = functions.flatMap((fn) =>
    Array.from({ length: 12 }, (): RandomCall => ({ fn, args: [random.operand(), random.operand()] })),
  );
  return { module: sampleModule({ functions, globals: [randomArea] }), calls };
}

/** The first result that is not the interpreter's. */
export function disagreement(seed: number, results: readonly bigint[]): string | undefined {
  const { module, calls } = randomPlan(seed);
  const interpreter = new Interpreter(module);
  if (results.length !== calls.length)
    return `SEED=${seed}: ${results.length} results of ${calls.length} calls`;
  for (const [i, { fn, args }] of calls.entries()) {
    const expected = interpreter.call(fn.symbol, args);
    if (results[i] === expected) continue;
    const call = `SEED=${seed}: ${fn.symbol}(${args.join(", ")})`;
    return `${call} is ${results[i]}, not ${String(expected)}\n${printFunction(fn)}`;
  }
  return undefined;
}

/** The seed of this run: SEED in the environment, else always the same in CI, and a new one elsewhere. */
export function randomSeed(): number {
  return Number(process.env["SEED"] ?? (process.env["CI"] === undefined ? Date.now() % 1_000_000 : 1));
}
