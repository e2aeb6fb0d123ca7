/**
 * Runs IR directly, slowly and without LLVM: the independent judge of the emitter's tests. Memory is one array of bytes
 * with the globals first; assembly, calls through pointers and debug names have no meaning here.
 */
import type { Block, Instr, IrFunction, IrModule, IrType, Value } from "./ir.ts";
import { memoryBytes } from "./layout.ts";

/** A value at run time: an integer as an unsigned bigint, a pointer as an address, a record as an array. */
export type RuntimeValue = bigint | readonly RuntimeValue[];

/** Thrown by a trap. */
export class InterpretedTrap extends Error {
  constructor(readonly site: number) {
    super(`trap ${site}`);
  }
}

const firstAddress = 0x1000;
const pointerBits = 64;

/** One module with its memory. */
export class Interpreter {
  readonly memory: Uint8Array;
  readonly #view: DataView;
  readonly #addresses = new Map<string, number>();
  readonly #functions = new Map<string, IrFunction>();
  #stack: number;

  constructor(module: IrModule, memoryBytesTotal = 1 << 20) {
    this.memory = new Uint8Array(memoryBytesTotal);
    this.#view = new DataView(this.memory.buffer);
    let at = firstAddress;
    for (const fn of module.functions) this.#functions.set(fn.symbol, fn);
    for (const { symbol, sizeBytes, align, init } of module.globals) {
      at = Math.ceil(at / align) * align;
      this.#addresses.set(symbol, at);
      if (init !== undefined) this.memory.set(init, at);
      at += sizeBytes;
    }
    for (const { symbol, relocations = [] } of module.globals) {
      for (const { offset, symbol: to, addend } of relocations) {
        const value = BigInt(this.addressOf(to) + addend);
        this.#view.setBigUint64(this.addressOf(symbol) + offset, value, true);
      }
    }
    this.#stack = at;
  }

  /** Address of a global. */
  addressOf(symbol: string): number {
    const address = this.#addresses.get(symbol);
    if (address === undefined) throw new Error(`no global ${symbol}`);
    return address;
  }

  /** Calls a function; a void one gives undefined. */
  call(symbol: string, args: readonly RuntimeValue[]): RuntimeValue | undefined {
    const fn = this.#functions.get(symbol);
    if (fn === undefined) throw new Error(`no function ${symbol}`);
    const frame = new Map<number, RuntimeValue>();
    const stack = this.#stack;
    let block: Block = fn.blocks[0]!;
    for (;;) {
      for (const instr of block.instrs) {
        const value = this.#instr(instr, frame, args);
        if (value !== undefined) frame.set(instr.result.id, value);
      }
      const end = block.end!;
      if (end.op === "return") {
        this.#stack = stack;
        return end.value === undefined ? undefined : this.#value(end.value, frame, args);
      }
      if (end.op === "trap") throw new InterpretedTrap(end.site);
      if (end.op === "unreachable") throw new Error("reached what cannot be reached");
      if (end.op === "jump") block = end.to;
      else if (end.op === "branch") block = this.#int(end.cond, frame, args) === 1n ? end.then : end.else;
      else {
        const on = this.#int(end.on, frame, args);
        block = end.cases.find((c) => c.value === on)?.to ?? end.otherwise;
      }
    }
  }

  #value(
    value: Value,
    frame: ReadonlyMap<number, RuntimeValue>,
    args: readonly RuntimeValue[],
  ): RuntimeValue {
    switch (value.kind) {
      case "const":
        return value.value;
      case "null":
        return 0n;
      case "param":
        return args[value.index]!;
      case "symbol":
        return BigInt(this.addressOf(value.symbol));
      case "result":
        return frame.get(value.id)!;
    }
  }

  #int(value: Value, frame: ReadonlyMap<number, RuntimeValue>, args: readonly RuntimeValue[]): bigint {
    const made = this.#value(value, frame, args);
    if (typeof made !== "bigint") throw new Error("a record where an integer is wanted");
    return made;
  }

  #read(at: bigint, type: IrType): bigint {
    let value = 0n;
    for (let i = memoryBytes(type) - 1; i >= 0; i--)
      value = (value << 8n) | BigInt(this.memory[Number(at) + i]!);
    return type.kind === "int" ? BigInt.asUintN(type.bits, value) : value;
  }

  #write(at: bigint, type: IrType, value: bigint): void {
    for (let i = 0; i < memoryBytes(type); i++)
      this.memory[Number(at) + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  #instr(
    instr: Instr,
    frame: ReadonlyMap<number, RuntimeValue>,
    args: readonly RuntimeValue[],
  ): RuntimeValue | undefined {
    const int = (value: Value): bigint => this.#int(value, frame, args);
    const any = (value: Value): RuntimeValue => this.#value(value, frame, args);
    switch (instr.op) {
      case "slot": {
        const at = Math.ceil(this.#stack / instr.align) * instr.align;
        this.#stack = at + instr.sizeBytes;
        return BigInt(at);
      }
      case "binary":
        return binary(instr.fn, int(instr.a), int(instr.b), widthOf(instr.a.type));
      case "compare":
        return compare(instr.pred, int(instr.a), int(instr.b), widthOf(instr.a.type)) ? 1n : 0n;
      case "cast": {
        const value = int(instr.a);
        const extended = instr.fn === "sext" ? BigInt.asIntN(widthOf(instr.a.type), value) : value;
        return BigInt.asUintN(widthOf(instr.result.type), extended);
      }
      case "unary":
        return unary(instr.fn, int(instr.a), widthOf(instr.a.type));
      case "select":
        return int(instr.cond) === 1n ? any(instr.a) : any(instr.b);
      case "offset":
        return int(instr.base) + BigInt(instr.bytes);
      case "index":
        return BigInt.asUintN(64, int(instr.base) + int(instr.index) * BigInt(instr.strideBytes));
      case "load":
        return this.#read(int(instr.from), instr.result.type);
      case "store":
        return void this.#write(int(instr.to), instr.value.type, int(instr.value));
      case "rmw": {
        const { type } = instr.value;
        const old = this.#read(int(instr.at), type);
        const value = int(instr.value);
        this.#write(
          int(instr.at),
          type,
          instr.fn === "xchg" ? value : binary(instr.fn, old, value, widthOf(type)),
        );
        return old;
      }
      case "cmpxchg": {
        const { type } = instr.expected;
        const old = this.#read(int(instr.at), type);
        const same = old === int(instr.expected);
        if (same) this.#write(int(instr.at), type, int(instr.desired));
        return [old, same ? 1n : 0n];
      }
      case "fence":
      case "assume":
      case "declare":
        return undefined;
      case "copy": {
        const from = Number(int(instr.from));
        return void this.memory.copyWithin(Number(int(instr.to)), from, from + Number(int(instr.bytes)));
      }
      case "fill": {
        const to = Number(int(instr.to));
        return void this.memory.fill(Number(int(instr.fill)), to, to + Number(int(instr.bytes)));
      }
      case "call":
        return this.call(instr.callee, instr.args.map(any));
      case "record":
        return instr.fields.map(any);
      case "extract":
        return (any(instr.from) as readonly RuntimeValue[])[instr.index];
      case "callAsm":
      case "callPointer":
        throw new Error(`${instr.op} runs on a machine only`);
    }
  }
}

const widthOf = (type: IrType): number => (type.kind === "int" ? type.bits : pointerBits);

function binary(fn: string, a: bigint, b: bigint, bits: number): bigint {
  const sa = BigInt.asIntN(bits, a);
  const sb = BigInt.asIntN(bits, b);
  const results: Record<string, () => bigint> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    and: () => a & b,
    or: () => a | b,
    xor: () => a ^ b,
    shl: () => a << b,
    lshr: () => a >> b,
    ashr: () => sa >> b,
    udiv: () => a / b,
    sdiv: () => sa / sb,
    urem: () => a % b,
    srem: () => sa % sb,
  };
  return BigInt.asUintN(bits, results[fn]!());
}

function compare(pred: string, a: bigint, b: bigint, bits: number): boolean {
  if (pred === "eq") return a === b;
  if (pred === "ne") return a !== b;
  const [x, y] = pred.startsWith("s") ? [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)] : [a, b];
  if (pred.endsWith("lt")) return x < y;
  if (pred.endsWith("le")) return x <= y;
  return pred.endsWith("gt") ? x > y : x >= y;
}

function unary(fn: string, a: bigint, bits: number): bigint {
  const digits = a.toString(2).padStart(bits, "0");
  if (fn === "ctpop") return BigInt(digits.replaceAll("0", "").length);
  if (fn === "ctlz") return BigInt(a === 0n ? bits : digits.indexOf("1"));
  if (fn === "cttz") return BigInt(a === 0n ? bits : bits - 1 - digits.lastIndexOf("1"));
  let swapped = 0n;
  for (let i = 0; i < bits; i += 8) swapped = (swapped << 8n) | ((a >> BigInt(i)) & 0xffn);
  return swapped;
}
