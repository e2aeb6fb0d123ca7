import type { Block, Instr, IrFunction, IrType, Loc, Terminator, Value } from "../ir/ir.ts";
import { reversePostorder } from "../ir/traverse.ts";
import { accessHelper } from "./access.ts";
import type { Annotations } from "./annotate.ts";
import {
  LlvmError,
  type LlvmBlock,
  type LlvmFunction,
  type LlvmModule,
  type LlvmType,
  type LlvmValue,
} from "./binding.ts";
import type { FunctionDebug } from "./debug-info.ts";
import { asmPrefix, trapName } from "./prelude.ts";
import { RecordReturns } from "./record-returns.ts";
import { isWideDivision, unaryIntrinsic } from "./requirements.ts";
import { divisionNames } from "./runtime.ts";
import type { Target } from "./target.ts";

/** What the functions of a module share while they are emitted. */
export interface EmitContext {
  readonly llvm: LlvmModule;
  readonly target: Target;
  readonly annotations: Annotations;
  readonly trapHandler: string | undefined;
}

/** The LLVM type of an IR type. */
export function llvmType(llvm: LlvmModule, type: IrType): LlvmType {
  switch (type.kind) {
    case "int":
      return llvm.int(type.bits);
    case "ptr":
      return llvm.bytePtr;
    case "void":
      return llvm.voidType();
    case "record":
      return llvm.struct(type.fields.map((field) => llvmType(llvm, field)));
  }
}

/** Fills one stub of the prelude with a function's blocks. */
export class FunctionEmitter {
  readonly #llvm: LlvmModule;
  readonly #fn: LlvmFunction;
  readonly #results: LlvmValue[] = [];
  readonly #blocks = new Map<Block, LlvmBlock>();
  readonly #traps: { value: LlvmValue; from: LlvmBlock }[] = [];
  #trapBlock: LlvmBlock | undefined;
  readonly #returns: RecordReturns | undefined;
  #current: LlvmBlock | undefined;

  constructor(
    private readonly context: EmitContext,
    private readonly source: IrFunction,
    private readonly debug: FunctionDebug | undefined,
  ) {
    this.#llvm = context.llvm;
    this.#fn = this.#llvm.function(source.symbol);
    const { result, blocks } = source;
    if (result.kind === "record" && blocks.filter(({ end }) => end?.op === "return").length > 1)
      this.#returns = new RecordReturns(this.#llvm, this.#fn, result);
  }

  emit(): void {
    const llvm = this.#llvm;
    llvm.clear(this.#fn);
    for (const block of this.source.blocks) {
      this.#blocks.set(block, llvm.block(this.#fn, this.#blockName(block)));
    }
    for (const block of reversePostorder(this.source.blocks)) {
      this.#current = this.#blocks.get(block)!;
      llvm.position(this.#current);
      if (block === this.source.blocks[0]) this.#spillParameters();
      for (const instr of block.instrs) {
        this.#locate(instr.loc);
        const value = this.#instr(instr);
        if (value !== undefined) this.#results[instr.result.id] = value;
      }
      this.#locate(block.end!.loc);
      this.#end(block.end!, block);
    }
    this.#finishReturns();
    this.#finishTraps();
  }

  #locate(loc: Loc | undefined): void {
    this.debug?.locate(loc);
  }

  /** Gives the debugger every parameter that the body itself does not declare. */
  #spillParameters(): void {
    const { debug } = this;
    if (debug?.locals !== true) return;
    const llvm = this.#llvm;
    const declared = new Set<string>();
    for (const { instrs } of this.source.blocks) {
      for (const instr of instrs) if (instr.op === "declare") declared.add(instr.name);
    }
    this.#locate(this.source.loc);
    this.source.params.forEach(({ name, type, debugType }, index) => {
      if (debugType === undefined || declared.has(name)) return;
      const storage = llvm.alloca(llvmType(llvm, type), `b.${index}`);
      llvm.store(this.#fn.getArg(index), llvmType(llvm, type), storage);
      debug.declare(storage, name, debugType, this.source.loc, this.#current!);
    });
  }

  #blockName(block: Block): string {
    const label = block.label.replace(/[^A-Za-z0-9_]/g, "_");
    const weights = weightsOf(block.end!);
    return weights === undefined ? `b.${label}` : this.context.annotations.weightedBlock(label, weights);
  }

  #value(value: Value): LlvmValue {
    const llvm = this.#llvm;
    switch (value.kind) {
      case "const":
        if (value.type.kind === "int") return llvm.constInt(value.type.bits, value.value);
        return llvm.cast("inttoptr", llvm.constInt(64, value.value), llvm.bytePtr);
      case "null":
        return llvm.nullPtr();
      case "param":
        return this.#fn.getArg(value.index);
      case "symbol":
        return llvm.symbolAddress(value.symbol);
      case "result": {
        const made = this.#results[value.id];
        if (made === undefined)
          throw new LlvmError(`%${value.id} is used before it is made in ${this.source.symbol}`);
        return made;
      }
    }
  }

  #values(values: readonly Value[]): LlvmValue[] {
    return values.map((value) => this.#value(value));
  }

  #helper(instr: Instr, args: readonly Value[]): LlvmValue {
    return this.#llvm.call(
      this.#llvm.function(accessHelper(instr, this.context.target)!.name),
      this.#values(args),
    );
  }

  #instr(instr: Instr): LlvmValue | undefined {
    const llvm = this.#llvm;
    switch (instr.op) {
      case "slot":
        return this.#slot(instr);
      case "binary":
        return this.#binary(instr);
      case "compare":
        return llvm.compare(instr.pred, this.#value(instr.a), this.#value(instr.b));
      case "cast":
        return llvm.cast(instr.fn, this.#value(instr.a), llvmType(llvm, instr.result.type));
      case "unary": {
        const args = [this.#value(instr.a)];
        // The count of a zero is the width, not poison.
        if (instr.fn === "ctlz" || instr.fn === "cttz") args.push(llvm.constInt(1, 0n));
        return llvm.call(llvm.function(unaryIntrinsic(instr).name), args);
      }
      case "select":
        return llvm.select(this.#value(instr.cond), this.#value(instr.a), this.#value(instr.b));
      case "offset":
        return llvm.address(this.#value(instr.base), llvm.constInt(64, BigInt(instr.bytes)), 1);
      case "index":
        return llvm.address(this.#value(instr.base), this.#value(instr.index), instr.strideBytes);
      case "load":
        return this.#load(instr);
      case "store":
        return this.#store(instr);
      case "rmw":
        return this.#helper(instr, [instr.at, instr.value]);
      case "cmpxchg":
        return this.#helper(instr, [instr.at, instr.expected, instr.desired]);
      case "fence":
        return this.#helper(instr, []);
      case "copy":
        return this.#helper(instr, [instr.to, instr.from, instr.bytes]);
      case "fill":
        return this.#helper(instr, [instr.to, instr.fill, instr.bytes]);
      case "call":
        return llvm.call(llvm.function(instr.callee), this.#values(instr.args));
      case "callAsm":
        return llvm.call(llvm.function(asmPrefix + instr.site), this.#values(instr.args));
      case "callPointer": {
        const params = instr.args.map((arg) => llvmType(llvm, arg.type));
        const type = llvm.functionType(llvmType(llvm, instr.result.type), params);
        return llvm.callPointer(type, this.#value(instr.callee), this.#values(instr.args));
      }
      case "record": {
        let made = llvm.undef(llvmType(llvm, instr.result.type));
        instr.fields.forEach((field, i) => (made = llvm.insert(made, this.#value(field), i)));
        return made;
      }
      case "extract":
        return llvm.extract(this.#value(instr.from), instr.index);
      case "assume":
        return llvm.call(llvm.function("llvm.assume"), [this.#value(instr.cond)]);
      case "declare":
        this.debug?.declare(this.#value(instr.slot), instr.name, instr.debugType, instr.loc, this.#current!);
        return undefined;
    }
  }

  #slot(instr: Extract<Instr, { op: "slot" }>): LlvmValue {
    const llvm = this.#llvm;
    const { sizeBytes, align } = instr;
    const name = this.context.annotations.alignedLocal(instr.name.replace(/[^A-Za-z0-9_]/g, "_"), align);
    const whole = sizeBytes === align && [1, 2, 4, 8].includes(sizeBytes);
    const unit = llvm.int(8 * Math.min(align, 8));
    const count = Math.ceil(sizeBytes / Math.min(align, 8));
    return llvm.bytePointer(llvm.alloca(whole ? unit : llvm.array(unit, count), name));
  }

  #binary(instr: Extract<Instr, { op: "binary" }>): LlvmValue {
    const llvm = this.#llvm;
    const a = this.#value(instr.a);
    if (isWideDivision(instr)) {
      const name = divisionNames[instr.fn as keyof typeof divisionNames];
      return llvm.call(llvm.function(name), [a, this.#value(instr.b)]);
    }
    const wide = instr.a.type.kind === "int" && instr.a.type.bits === 128;
    if (wide && (instr.fn === "udiv" || instr.fn === "urem") && instr.b.kind === "const") {
      // By a power of two; the code generator would call the runtime where optimisation is off.
      const { value } = instr.b;
      if (instr.fn === "urem") return llvm.binary("and", a, llvm.constInt(128, value - 1n));
      return llvm.binary("lshr", a, llvm.constInt(128, BigInt(value.toString(2).length - 1)));
    }
    const kept = keptBits(instr);
    if (kept !== undefined)
      return llvm.cast("zext", llvm.cast("trunc", a, llvm.int(kept)), llvmType(llvm, instr.a.type));
    return llvm.binary(instr.fn, a, this.#value(instr.b));
  }

  #load(instr: Extract<Instr, { op: "load" }>): LlvmValue {
    const llvm = this.#llvm;
    if (accessHelper(instr, this.context.target) !== undefined) return this.#helper(instr, [instr.from]);
    const from = this.#value(instr.from);
    const { type } = instr.result;
    if (type.kind === "int" && type.bits === 1)
      return llvm.cast("trunc", llvm.load(llvm.int(8), from), llvm.int(1));
    return llvm.load(llvmType(llvm, type), from);
  }

  #store(instr: Extract<Instr, { op: "store" }>): LlvmValue | undefined {
    const llvm = this.#llvm;
    if (accessHelper(instr, this.context.target) !== undefined)
      return this.#helper(instr, [instr.to, instr.value]);
    const { type } = instr.value;
    const value = this.#value(instr.value);
    const to = this.#value(instr.to);
    if (type.kind === "int" && type.bits === 1)
      llvm.store(llvm.cast("zext", value, llvm.int(8)), llvm.int(8), to);
    else llvm.store(value, llvmType(llvm, type), to);
    return undefined;
  }

  #end(end: Terminator, block: Block): void {
    const llvm = this.#llvm;
    const target = (to: Block): LlvmBlock => this.#blocks.get(to)!;
    switch (end.op) {
      case "jump":
        return llvm.jump(target(end.to));
      case "branch":
        return llvm.branch(this.#value(end.cond), target(end.then), target(end.else));
      case "switch": {
        const bits = end.on.type.kind === "int" ? end.on.type.bits : 64;
        const cases = end.cases.map((c) => ({ value: llvm.constInt(bits, c.value), to: target(c.to) }));
        return llvm.switch(this.#value(end.on), cases, target(end.otherwise));
      }
      case "return":
        return this.#return(end.value, block);
      case "trap":
        this.#trapBlock ??= llvm.block(this.#fn, "trap");
        this.#traps.push({ value: llvm.constInt(32, BigInt(end.site)), from: target(block) });
        return llvm.jump(this.#trapBlock);
      case "unreachable":
        return llvm.unreachable();
    }
  }

  #return(value: Value | undefined, block: Block): void {
    const made = value === undefined ? undefined : this.#value(value);
    if (made === undefined || this.#returns === undefined) this.#llvm.return(made);
    else this.#returns.add(made, this.#blocks.get(block)!);
  }

  #finishReturns(): void {
    const { result } = this.source;
    if (this.#returns === undefined || result.kind !== "record") return;
    this.#locate(this.source.loc);
    const types = result.fields.map((field) => llvmType(this.#llvm, field));
    this.#returns.finish(types, llvmType(this.#llvm, result));
  }

  /** One block per function takes every trap, with the site's number as a phi. */
  #finishTraps(): void {
    const llvm = this.#llvm;
    if (this.#trapBlock === undefined) return;
    llvm.position(this.#trapBlock);
    this.#locate(this.source.loc);
    const { trapHandler } = this.context;
    if (trapHandler === undefined) llvm.call(llvm.function("llvm.trap"), []);
    else llvm.call(llvm.function(trapName), [llvm.phi(llvm.int(32), this.#traps)]);
    llvm.unreachable();
  }
}

/** The width that a mask of 8 or 16 ones leaves: LLVM computes what leads to a truncation in that width, but not what leads to a mask. */
function keptBits({ fn, a, b }: Extract<Instr, { op: "binary" }>): number | undefined {
  if (fn !== "and" || b.kind !== "const" || a.type.kind !== "int" || a.type.bits <= 16) return undefined;
  return [8, 16].find((bits) => b.value === (1n << BigInt(bits)) - 1n);
}

function weightsOf(end: Terminator): number[] | undefined {
  if (end.op === "branch") return end.weights && [...end.weights];
  // LLVM's order: the default first.
  if (end.op === "switch" && end.cases.some((c) => c.weight !== end.cases[0]!.weight)) {
    return [1, ...end.cases.map((c) => c.weight)];
  }
  return undefined;
}
