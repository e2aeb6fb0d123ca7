/**
 * Random programs in the language, as text. What is generated is always accepted: the generator keeps an interval of
 * its own for every expression, wider than the compiler's, and narrows where arithmetic would leave what is exact. So a
 * difference between Node and the machine is the compiler's fault, and most likely an interval's.
 */

/** A generated function. */
export interface RandomFunction {
  readonly name: string;
  readonly params: readonly TypeName[];
  readonly result: TypeName;
  readonly text: string;
}
export type TypeName = "u8" | "u16" | "u32" | "i32" | "u64" | "i64" | "boolean";

interface Expression {
  readonly text: string;
  readonly lo: bigint;
  readonly hi: bigint;
}
interface Local extends Expression {
  readonly big: boolean;
  readonly mutable: boolean;
}

const ranges: Readonly<Record<Exclude<TypeName, "boolean">, readonly [bigint, bigint]>> = {
  u8: [0n, 0xffn],
  u16: [0n, 0xffffn],
  u32: [0n, 0xffff_ffffn],
  i32: [-(1n << 31n), (1n << 31n) - 1n],
  u64: [0n, (1n << 64n) - 1n],
  i64: [-(1n << 63n), (1n << 63n) - 1n],
};
const numbers = ["u8", "u16", "u32", "i32"] as const;
const bigs = ["u64", "i64"] as const;
const mostNumber = 2n ** 53n - 1n;
const mostBig = 2n ** 126n;
const abs = (v: bigint): bigint => (v < 0n ? -v : v);
const size = (e: Expression): bigint => (abs(e.lo) > abs(e.hi) ? abs(e.lo) : abs(e.hi));
const symmetric = (text: string, most: bigint): Expression => ({ text, lo: -most, hi: most });

/** Declarations that every generated program begins with. */
export const prelude = `import { i32, i64, u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { highestBit, idiv, lowestBit, popCount, signExtend, unlikely } from "../dsl/core/intrinsics.ts";
import { array, bool, struct } from "../dsl/core/layout.ts";
import type { Program } from "../dsl/core/program.ts";
import { storage } from "../dsl/core/storage.ts";
const table = Object.freeze([3, -1, 200, 65535, 0, -40000, 7, 1]);
const bigTable = Object.freeze([3n, 0xffff_ffff_ffff_ffffn, 0n, 1n << 40n]);
const words = storage("words", array(u32, 16));
const state = storage("state", struct("State", { a: u8, b: i32, c: u64, d: i64, f: bool }));
`;

/** Generates functions from a stream of random numbers; each may call those before it. */
export class ProgramGenerator {
  readonly functions: RandomFunction[] = [];
  #locals: Local[] = [];
  #flags: string[] = [];
  #next = 0;
  #result: TypeName = "u32";
  #loops = 0;

  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }
  #of<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }
  #chance(share: number): boolean {
    return this.#random() < share;
  }
  #name(): string {
    return `v${this.#next++}`;
  }

  /** Generates one more function. */
  add(): void {
    const types = [...numbers, ...bigs, "boolean"] as const;
    const params = Array.from({ length: 1 + this.#below(3) }, () => this.#of(types));
    this.#locals = [];
    this.#flags = [];
    this.#result = this.#of(types);
    this.#loops = 0;
    const names = params.map((type) => {
      const text = this.#name();
      if (type === "boolean") this.#flags.push(text);
      else
        this.#locals.push({
          text,
          lo: ranges[type][0],
          hi: ranges[type][1],
          big: type.endsWith("64"),
          mutable: false,
        });
      return `${text}: ${type}`;
    });
    const body = this.#block(2, 4 + this.#below(5), false);
    const name = `f${this.functions.length}`;
    const text = `function ${name}(${names.join(", ")}): ${this.#result} {\n${body}${this.#return()}}\n`;
    this.functions.push({ name, params, result: this.#result, text });
  }

  // ---- Expressions --------------------------------------------------------------------------------------------------

  #literal(big: boolean): Expression {
    const power = 1n << BigInt(this.#below(big ? 64 : 32));
    const value = this.#of([0n, 1n, 2n, 5n, 255n, power, power - 1n, -1n, -power, -7n]);
    return {
      text: value < 0n ? `(${value}${big ? "n" : ""})` : `${value}${big ? "n" : ""}`,
      lo: value,
      hi: value,
    };
  }

  #local(big: boolean): Expression | undefined {
    const fitting = this.#locals.filter((l) => l.big === big);
    return fitting.length === 0 ? undefined : this.#of(fitting);
  }

  #narrow(e: Expression, type: Exclude<TypeName, "boolean">): Expression {
    return { text: `${type}(${e.text})`, lo: ranges[type][0], hi: ranges[type][1] };
  }

  /** A `number` of at most `most` either way. */
  #number(depth: number, most: bigint = mostNumber): Expression {
    const e = this.#anyNumber(depth, most);
    if (size(e) <= most) return e;
    const bits = BigInt(most.toString(2).length - 1);
    const mask = (1n << (bits > 31n ? 31n : bits)) - 1n;
    return { text: `(${e.text} & ${mask})`, lo: 0n, hi: mask };
  }

  #anyNumber(depth: number, most: bigint): Expression {
    if (depth <= 0 || this.#chance(0.15))
      return (this.#chance(0.8) ? this.#local(false) : undefined) ?? this.#literal(false);
    const d = depth - 1;
    const binary = (operator: string, a: Expression, b: Expression, most: bigint): Expression =>
      symmetric(`(${a.text} ${operator} ${b.text})`, most);
    switch (this.#below(17)) {
      case 0:
      case 1: {
        const a = this.#number(d, mostNumber / 2n);
        const b = this.#number(d, mostNumber / 2n);
        return this.#chance(0.5)
          ? { text: `(${a.text} + ${b.text})`, lo: a.lo + b.lo, hi: a.hi + b.hi }
          : { text: `(${a.text} - ${b.text})`, lo: a.lo - b.hi, hi: a.hi - b.lo };
      }
      case 2: {
        const a = this.#number(d, 1n << 32n);
        const b = this.#number(d, 1n << 20n);
        return binary("*", a, b, size(a) * size(b));
      }
      case 3: {
        const a = this.#number(d);
        const b = this.#number(d, 1n << 31n);
        // A divisor that only a comparison proves.
        const name = this.#name();
        this.#before.push(`const ${name} = ${b.text};\n`);
        const divided = this.#chance(0.5) ? `idiv(${a.text}, ${name})` : `${a.text} % ${name}`;
        return symmetric(`(${name} !== 0 ? ${divided} : ${this.#below(3)})`, size(a) + 3n);
      }
      case 4: {
        const a = this.#number(d);
        const b = this.#number(d, 1n << 15n);
        return symmetric(`(${a.text} % ((${b.text} & 255) + 1))`, 255n);
      }
      case 5:
      case 6:
        return binary(this.#of(["&", "|", "^"]), this.#number(d), this.#number(d), 1n << 31n);
      case 7:
        return binary(
          this.#of(["<<", ">>"]),
          this.#number(d),
          { text: `(${this.#number(d).text} & 31)`, lo: 0n, hi: 31n },
          1n << 31n,
        );
      case 8:
        return {
          text: `(${this.#number(d).text} >>> (${this.#number(d).text} & 31))`,
          lo: 0n,
          hi: (1n << 32n) - 1n,
        };
      case 9: {
        const a = this.#number(d, mostNumber - 1n);
        return this.#chance(0.5)
          ? { text: `(-${a.text})`, lo: -a.hi, hi: -a.lo }
          : symmetric(`(~${a.text})`, 1n << 31n);
      }
      case 10:
        return this.#narrow(this.#chance(0.5) ? this.#number(d) : this.#bigint(d), this.#of(numbers));
      case 11: {
        const a = this.#number(d);
        const b = this.#number(d);
        const most = size(a) > size(b) ? size(a) : size(b);
        return symmetric(
          this.#of([
            `Math.min(${a.text}, ${b.text})`,
            `Math.max(${a.text}, ${b.text})`,
            `Math.abs(${a.text})`,
          ]),
          most,
        );
      }
      case 12:
        return symmetric(
          this.#of([
            `Math.clz32(${this.#number(d).text})`,
            `Math.imul(${this.#number(d).text}, ${this.#number(d).text})`,
          ]),
          1n << 31n,
        );
      case 13: {
        const a = this.#number(d, most);
        const b = this.#number(d, most);
        return symmetric(
          `(${this.#condition(d)} ? ${a.text} : ${b.text})`,
          size(a) > size(b) ? size(a) : size(b),
        );
      }
      case 14:
        return symmetric(`table[${this.#number(d).text} & 7]!`, 65535n);
      case 15:
        return this.#chance(0.5)
          ? { text: `words[${this.#number(d).text} & 15]!`, lo: 0n, hi: (1n << 32n) - 1n }
          : symmetric(
              this.#of([
                "state.a",
                "state.b",
                `signExtend(${this.#number(d).text}, ${this.#of(["8", "16", "32"])})`,
              ]),
              1n << 31n,
            );
      default: {
        const big = `u64(${this.#bigint(d).text})`;
        return symmetric(
          this.#of([
            `Number(${big} & 0xfff_ffffn)`,
            `popCount(${big})`,
            `lowestBit(${big})`,
            `highestBit(${big})`,
            this.#call(false, d),
          ]),
          1n << 32n,
        );
      }
    }
  }

  #bigint(depth: number, most: bigint = mostBig): Expression {
    const e = this.#anyBig(depth);
    return size(e) <= most ? e : this.#narrow(e, this.#of(bigs));
  }

  #anyBig(depth: number): Expression {
    if (depth <= 0 || this.#chance(0.15))
      return (this.#chance(0.8) ? this.#local(true) : undefined) ?? this.#literal(true);
    const d = depth - 1;
    switch (this.#below(11)) {
      case 0:
      case 1: {
        const a = this.#bigint(d, mostBig / 2n);
        const b = this.#bigint(d, mostBig / 2n);
        return this.#chance(0.5)
          ? { text: `(${a.text} + ${b.text})`, lo: a.lo + b.lo, hi: a.hi + b.hi }
          : { text: `(${a.text} - ${b.text})`, lo: a.lo - b.hi, hi: a.hi - b.lo };
      }
      case 2: {
        const a = this.#bigint(d, 1n << 64n);
        const b = this.#bigint(d, 1n << 60n);
        return symmetric(`(${a.text} * ${b.text})`, size(a) * size(b));
      }
      case 3: {
        const a = this.#bigint(d, mostBig / 2n);
        const b = this.#bigint(d, 1n << 64n);
        const name = this.#name();
        this.#before.push(`const ${name} = ${b.text};\n`);
        return symmetric(`(${name} !== 0n ? ${a.text} ${this.#of(["/", "%"])} ${name} : 2n)`, size(a) + 2n);
      }
      case 4: {
        const a = this.#bigint(d);
        const b = this.#bigint(d);
        const most = size(a) > size(b) ? size(a) : size(b);
        return symmetric(`(${a.text} ${this.#of(["&", "|", "^"])} ${b.text})`, most * 2n + 1n);
      }
      case 5: {
        const a = this.#bigint(d);
        return symmetric(`(${a.text} >> (${this.#bigint(d).text} & ${this.#of([63n, 127n])}n))`, size(a));
      }
      case 6: {
        const a = this.#bigint(d, 1n << 64n);
        return symmetric(`(${a.text} << (${this.#bigint(d).text} & 31n))`, size(a) << 31n);
      }
      case 7: {
        const a = this.#bigint(d, mostBig - 1n);
        return this.#chance(0.5)
          ? { text: `(-${a.text})`, lo: -a.hi, hi: -a.lo }
          : { text: `(~${a.text})`, lo: ~a.hi, hi: ~a.lo };
      }
      case 8: {
        const type = this.#of(bigs);
        return { text: `${type}(${this.#ring(d)})`, lo: ranges[type][0], hi: ranges[type][1] };
      }
      case 9: {
        const a = this.#number(d);
        return { text: `BigInt(${a.text})`, lo: a.lo, hi: a.hi };
      }
      default: {
        const a = this.#bigint(d, 1n << 64n);
        const b = this.#bigint(d, 1n << 64n);
        const text = this.#of([
          `(${this.#condition(d)} ? ${a.text} : ${b.text})`,
          `bigTable[${this.#number(d).text} & 3]!`,
          "state.c",
          "state.d",
          this.#call(true, d),
        ]);
        return symmetric(text, 1n << 64n);
      }
    }
  }

  /** What stands directly under \`u64(…)\`: it need not fit anything. */
  #ring(depth: number): string {
    if (depth <= 0) return this.#bigint(0).text;
    const [a, b] = [this.#ring(depth - 1), this.#ring(depth - 1)];
    return this.#of([
      `(${a} + ${b})`,
      `(${a} - ${b})`,
      `(${a} * ${b})`,
      `(${a} & ${b})`,
      `(${a} | ${b})`,
      `(${a} ^ ${b})`,
      `(${a} << ${this.#below(64)}n)`,
      `(-${a})`,
      `(~${a})`,
    ]);
  }

  #condition(depth: number): string {
    const d = depth - 1;
    if (depth <= 0 && this.#flags.length > 0 && this.#chance(0.3)) return this.#of(this.#flags);
    const compare = ["<", "<=", ">", ">=", "===", "!=="] as const;
    switch (this.#below(depth <= 0 ? 4 : 9)) {
      case 0:
      case 1: {
        // What teaches most: a local, or a local and a constant, against a constant.
        const local = this.#local(false);
        if (local === undefined || size(local) > mostNumber / 4n) return "state.f";
        return `${this.#of([local.text, `${local.text} + 3`, `${local.text} - 100`])} ${this.#of(compare)} ${this.#below(300) - 40}`;
      }
      case 2: {
        const local = this.#local(true);
        if (local === undefined) return "!state.f";
        return `${local.text} ${this.#of(compare)} ${this.#literal(true).text}`;
      }
      case 3: {
        const a = this.#local(false);
        const b = this.#local(false);
        return a === undefined || b === undefined
          ? "state.f"
          : `u32(${a.text}) ${this.#of(compare)} i32(${b.text})`;
      }
      case 4:
        return `${this.#number(d).text} ${this.#of(compare)} ${this.#number(d).text} * 1`.replace(
          / \* 1$/,
          "",
        );
      case 5:
        return `${this.#bigint(d, 1n << 64n).text} ${this.#of(compare)} ${this.#bigint(d, 1n << 64n).text}`;
      case 6:
        return `!(${this.#condition(d)})`;
      default:
        return `(${this.#condition(d)} ${this.#of(["&&", "||"])} ${this.#condition(d)})`;
    }
  }

  /** A call of an earlier function that gives a kind; a literal where there is none. */
  #call(big: boolean, depth: number): string {
    const fitting = this.functions.filter((f) => f.result !== "boolean" && f.result.endsWith("64") === big);
    if (fitting.length === 0 || this.#loops > 1) return this.#literal(big).text;
    const { name, params } = this.#of(fitting);
    return `${name}(${params.map((type) => this.#argument(type, depth)).join(", ")})`;
  }

  #argument(type: TypeName, depth: number): string {
    if (type === "boolean") return this.#condition(depth);
    return `${type}(${(type.endsWith("64") ? this.#bigint(depth) : this.#number(depth)).text})`;
  }

  // ---- Statements ---------------------------------------------------------------------------------------------------

  /** Declarations that the expression being generated needs in front of its statement. */
  #before: string[] = [];

  #statementWith(make: () => string): string {
    const outer = this.#before;
    this.#before = [];
    const text = make();
    const before = this.#before;
    this.#before = outer;
    return before.join("") + text;
  }

  #block(depth: number, statements: number, inLoop: boolean): string {
    const locals = [...this.#locals];
    const flags = [...this.#flags];
    let text = "";
    for (let i = 0; i < statements; i++) text += this.#statementWith(() => this.#statement(depth, inLoop));
    if (depth < 2) {
      this.#locals = locals;
      this.#flags = flags;
    }
    return text;
  }

  #nested(depth: number, inLoop: boolean): string {
    return `{\n${this.#block(depth - 1, 1 + this.#below(3), inLoop)}}`;
  }

  #statement(depth: number, inLoop: boolean): string {
    const kind = this.#below(depth <= 0 ? 7 : 13);
    switch (kind) {
      case 0: {
        const e = this.#number(3);
        const text = this.#name();
        this.#locals.push({ ...e, text, big: false, mutable: false });
        return `const ${text} = ${e.text} + 0;\n`;
      }
      case 1: {
        const e = this.#bigint(3);
        const text = this.#name();
        this.#locals.push({ ...e, text, big: true, mutable: false });
        return `const ${text} = ${e.text} + 0n;\n`;
      }
      case 2: {
        const type = this.#of([...numbers, ...bigs]);
        const e = type.endsWith("64") ? this.#bigint(2) : this.#number(2);
        const text = this.#name();
        const [lo, hi] = ranges[type];
        this.#locals.push({ text, lo, hi, big: type.endsWith("64"), mutable: true });
        return `let ${text}${this.#chance(0.5) ? `: ${type}` : ""} = ${type}(${e.text});\n`;
      }
      case 3:
      case 4: {
        const mutable = this.#locals.filter((l) => l.mutable);
        if (mutable.length === 0) return this.#store();
        const target = this.#of(mutable);
        const [type] = [...numbers, ...bigs].filter(
          (t) => ranges[t][0] === target.lo && ranges[t][1] === target.hi && t.endsWith("64") === target.big,
        );
        return `${target.text} = ${type}(${(target.big ? this.#bigint(3) : this.#number(3)).text});\n`;
      }
      case 5:
        return this.#store();
      case 6: {
        if (inLoop && this.#chance(0.6))
          return `if (${this.#condition(1)}) ${this.#of(["break", "continue"])};\n`;
        return this.#chance(0.3) ? `if (${this.#condition(2)}) {\n${this.#return()}}\n` : this.#store();
      }
      case 7:
      case 8:
        return `if (${this.#condition(2)}) ${this.#nested(depth, inLoop)}\n`;
      case 9:
        return `if (${this.#chance(0.3) ? `unlikely(${this.#condition(2)})` : this.#condition(2)}) ${this.#nested(depth, inLoop)} else ${this.#nested(depth, inLoop)}\n`;
      case 10: {
        const cases = [...new Set([this.#below(4), this.#below(8), 7])];
        const on = `${this.#number(2).text} & 7`;
        // No jump of a loop inside: `break` would be the switch's.
        const bodies = cases.map((c) => `case ${c}: ${this.#nested(depth, false)}\nbreak;\n`);
        if (this.#chance(0.6))
          bodies.splice(
            this.#below(bodies.length + 1),
            0,
            `default: ${this.#nested(depth, false)}\nbreak;\n`,
          );
        return `switch (${on}) {\n${bodies.join("")}}\n`;
      }
      default:
        return this.#loop(depth);
    }
  }

  #loop(depth: number): string {
    if (this.#loops >= 3) return this.#store();
    this.#loops++;
    const i = this.#name();
    const count = 1 + this.#below(9);
    const locals = [...this.#locals];
    const forms = this.#below(3);
    this.#locals.push({ text: i, lo: -20n, hi: 40n, big: false, mutable: false });
    const body = this.#nested(depth, true);
    this.#locals = locals;
    this.#loops--;
    if (forms === 0) return `for (let ${i} = 0; ${i} < ${count}; ${i}++) ${body}\n`;
    if (forms === 1)
      return `for (let ${i} = ${count}; ${i} > -${this.#below(6)} - 1; ${i} -= ${1 + this.#below(3)}) ${body}\n`;
    const flag = this.#condition(1);
    const turns = this.#name();
    const inner = body.replace(`{\n`, `{\nconst ${i} = ${turns};\n${turns}++;\n`);
    return this.#chance(0.5)
      ? `let ${turns} = 0;\nwhile (${turns} < ${count} && (${flag} || ${turns} < 3)) ${inner}\n`
      : `let ${turns} = 0;\ndo ${inner} while (${turns} < ${count});\n`;
  }

  #store(): string {
    switch (this.#below(5)) {
      case 0:
        return `words[${this.#number(2).text} & 15] = u32(${this.#number(3).text});\n`;
      case 1:
        return `state.a = u8(${this.#number(3).text});\n`;
      case 2:
        return `state.b = i32(${this.#number(3).text});\n`;
      case 3:
        return `state.${this.#chance(0.5) ? "c = u64" : "d = i64"}(${this.#ring(3)});\n`;
      default:
        return `state.f = ${this.#condition(2)};\n`;
    }
  }

  #return(): string {
    return this.#statementWith(() => {
      const type = this.#result;
      if (type === "boolean") return `return ${this.#condition(3)};\n`;
      return `return ${type}(${(type.endsWith("64") ? this.#bigint(4) : this.#number(4)).text});\n`;
    });
  }
}

/** The whole text of a program. */
export function programText(functions: readonly RandomFunction[]): string {
  const type = (name: TypeName): string => (name === "boolean" ? "bool" : name);
  const entries = functions.map(
    (f) =>
      `  { symbol: "${f.name}", fn: ${f.name}, params: [${f.params.map(type).join(", ")}], result: ${type(f.result)} },\n`,
  );
  const unused =
    "void [i32, i64, u16, u8, highestBit, idiv, lowestBit, popCount, signExtend, unlikely, table, bigTable, words, state, u64];\n";
  return `${prelude}${unused}${functions.map((f) => f.text).join("")}export const program: Program = { name: "random", entries: [\n${entries.join("")}] };\n`;
}
