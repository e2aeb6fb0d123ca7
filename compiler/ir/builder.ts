import type {
  BinaryOp,
  Block,
  CastOp,
  DebugType,
  Instr,
  IrType,
  Loc,
  Ordering,
  Predicate,
  RmwOp,
  Terminator,
  UnaryOp,
  Value,
  Weights,
} from "./ir.ts";
import { i1, ptr, voidType } from "./ir.ts";

type Body<T> = T extends Instr ? Omit<T, "result" | "loc"> : never;

/** Makes an integer constant. */
export function constant(type: IrType, value: bigint): Value {
  return { kind: "const", type, value: BigInt.asUintN(type.kind === "int" ? type.bits : 64, value) };
}

/** The address of a function or a global. */
export function symbolAddress(symbol: string): Value {
  return { kind: "symbol", type: ptr, symbol };
}

/** Appends instructions to the blocks of one function. */
export class FunctionBuilder {
  readonly blocks: Block[] = [];
  loc: Loc | undefined;
  #nextId = 0;
  #labels = new Map<string, number>();
  #current: Block;
  #slots: Instr[] = [];

  constructor() {
    this.#current = this.block("entry");
    this.blocks.push(this.#current);
  }

  /** Creates a block without placing it. */
  block(name: string): Block {
    const n = this.#labels.get(name) ?? 0;
    this.#labels.set(name, n + 1);
    return { label: n === 0 ? name : `${name}${n}`, instrs: [], end: undefined };
  }

  /** Places a block at the end and goes on in it. */
  place(block: Block): void {
    this.blocks.push(block);
    this.#current = block;
  }

  /** Goes on in a block that was placed before. */
  reopen(block: Block): void {
    this.#current = block;
  }

  get current(): Block {
    return this.#current;
  }

  /** Whether the current block has ended, so that what follows is unreachable. */
  get ended(): boolean {
    return this.#current.end !== undefined;
  }

  /** A mutable local, allocated in the entry block. */
  slot(name: string, sizeBytes: number, align: number): Value {
    const result = { kind: "result" as const, type: ptr, id: this.#nextId++ };
    this.#slots.push({ op: "slot", name, sizeBytes, align, result, loc: this.loc });
    return result;
  }

  #emit(type: IrType, body: Body<Instr>): Value {
    const result = { kind: "result" as const, type, id: this.#nextId++ };
    if (!this.ended) this.#current.instrs.push({ ...body, result, loc: this.loc } as Instr);
    return result;
  }

  #end(end: DistributiveOmit<Terminator, "loc">): void {
    if (!this.ended) this.#current.end = { ...end, loc: this.loc } as Terminator;
  }

  binary(fn: BinaryOp, a: Value, b: Value): Value {
    return this.#emit(a.type, { op: "binary", fn, a, b });
  }
  compare(pred: Predicate, a: Value, b: Value): Value {
    return this.#emit(i1, { op: "compare", pred, a, b });
  }
  cast(fn: CastOp, a: Value, to: IrType): Value {
    return this.#emit(to, { op: "cast", fn, a });
  }
  unary(fn: UnaryOp, a: Value): Value {
    return this.#emit(a.type, { op: "unary", fn, a });
  }
  select(cond: Value, a: Value, b: Value): Value {
    return this.#emit(a.type, { op: "select", cond, a, b });
  }
  offset(base: Value, bytes: number): Value {
    return bytes === 0 ? base : this.#emit(ptr, { op: "offset", base, bytes });
  }
  index(base: Value, index: Value, strideBytes: number): Value {
    return this.#emit(ptr, { op: "index", base, index, strideBytes });
  }
  load(type: IrType, from: Value, align: number, volatile = false, order?: Ordering): Value {
    return this.#emit(type, { op: "load", from, align, volatile, order });
  }
  store(value: Value, to: Value, align: number, volatile = false, order?: Ordering): void {
    this.#emit(voidType, { op: "store", to, value, align, volatile, order });
  }
  rmw(fn: RmwOp, at: Value, value: Value, order: Ordering): Value {
    return this.#emit(value.type, { op: "rmw", fn, at, value, order });
  }
  cmpxchg(at: Value, expected: Value, desired: Value, order: Ordering): Value {
    return this.#emit(
      { kind: "record", fields: [expected.type, i1] },
      { op: "cmpxchg", at, expected, desired, order },
    );
  }
  fence(order: Ordering): void {
    this.#emit(voidType, { op: "fence", order });
  }
  copy(to: Value, from: Value, bytes: Value, overlap = false): void {
    this.#emit(voidType, { op: "copy", to, from, bytes, overlap });
  }
  fill(to: Value, fill: Value, bytes: Value): void {
    this.#emit(voidType, { op: "fill", to, fill, bytes });
  }
  call(callee: string, result: IrType, args: readonly Value[]): Value {
    return this.#emit(result, { op: "call", callee, args });
  }
  callAsm(site: string, result: IrType, args: readonly Value[]): Value {
    return this.#emit(result, { op: "callAsm", site, args });
  }
  callPointer(callee: Value, result: IrType, args: readonly Value[]): Value {
    return this.#emit(result, { op: "callPointer", callee, args });
  }
  record(fields: readonly Value[]): Value {
    return this.#emit({ kind: "record", fields: fields.map((f) => f.type) }, { op: "record", fields });
  }
  extract(from: Value, index: number): Value {
    if (from.type.kind !== "record") throw new Error("extract from a value that is no record");
    return this.#emit(from.type.fields[index]!, { op: "extract", from, index });
  }
  assume(cond: Value): void {
    this.#emit(voidType, { op: "assume", cond });
  }
  declare(slot: Value, name: string, debugType: DebugType): void {
    this.#emit(voidType, { op: "declare", slot, name, debugType });
  }

  jump(to: Block): void {
    this.#end({ op: "jump", to });
  }
  branch(cond: Value, then: Block, otherwise: Block, weights?: Weights): void {
    this.#end({ op: "branch", cond, then, else: otherwise, weights });
  }
  switch(on: Value, cases: readonly { value: bigint; to: Block; weight: number }[], otherwise: Block): void {
    this.#end({ op: "switch", on, cases, otherwise });
  }
  return(value?: Value): void {
    this.#end({ op: "return", value });
  }
  trap(site: number): void {
    this.#end({ op: "trap", site });
  }
  unreachable(): void {
    this.#end({ op: "unreachable" });
  }

  /** The finished blocks: slots first, unreachable blocks dropped. */
  finish(): Block[] {
    const [entry] = this.blocks;
    entry!.instrs.unshift(...this.#slots);
    const seen = new Set<Block>();
    const todo: Block[] = [entry!];
    for (let block = todo.pop(); block !== undefined; block = todo.pop()) {
      if (seen.has(block)) continue;
      seen.add(block);
      const end = block.end;
      if (end === undefined) throw new Error(`block ${block.label} has no end`);
      if (end.op === "jump") todo.push(end.to);
      else if (end.op === "branch") todo.push(end.then, end.else);
      else if (end.op === "switch") todo.push(end.otherwise, ...end.cases.map((c) => c.to));
    }
    return this.blocks.filter((b) => seen.has(b));
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
