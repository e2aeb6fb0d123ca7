/**
 * The only file that imports `llvm-bindings`: a small surface that cannot crash the process.
 *
 * The package wraps LLVM 14's C++ builder closely enough to share its undefined behaviour: a null operand or a bad
 * index ends the process, 64-bit constants are cut to 32 bits, inherited methods refuse their own objects. Callers see
 * opaque handles, `bigint` constants, and an `LlvmError` where the package would have crashed. What its builder cannot
 * say at all comes in as text (`prelude.ts`) before bodies are filled, or is put into the printed text afterwards
 * (`annotate.ts`).
 */
import llvm from "llvm-bindings";

/** A type, value, block, function or metadata node of one `LlvmModule`. */
export type LlvmType = llvm.Type;
export type LlvmValue = llvm.Value;
export type LlvmBlock = llvm.BasicBlock;
export type LlvmFunction = llvm.Function;

/** LLVM refused something; always a fault of the emitter, never of a user's program. */
export class LlvmError extends Error {
  override name = "LlvmError";
}

const binaryMethods = {
  add: "CreateAdd",
  sub: "CreateSub",
  mul: "CreateMul",
  and: "CreateAnd",
  or: "CreateOr",
  xor: "CreateXor",
  shl: "CreateShl",
  lshr: "CreateLShr",
  ashr: "CreateAShr",
  udiv: "CreateUDiv",
  sdiv: "CreateSDiv",
  urem: "CreateURem",
  srem: "CreateSRem",
} as const;

const compareMethods = {
  eq: "CreateICmpEQ",
  ne: "CreateICmpNE",
  ult: "CreateICmpULT",
  ule: "CreateICmpULE",
  ugt: "CreateICmpUGT",
  uge: "CreateICmpUGE",
  slt: "CreateICmpSLT",
  sle: "CreateICmpSLE",
  sgt: "CreateICmpSGT",
  sge: "CreateICmpSGE",
} as const;

const castMethods = {
  zext: "CreateZExt",
  sext: "CreateSExt",
  trunc: "CreateTrunc",
  ptrtoint: "CreatePtrToInt",
  inttoptr: "CreateIntToPtr",
} as const;

/** One LLVM module in a context of its own. */
export class LlvmModule {
  /** For `binding-debug.ts` alone. */
  readonly raw: llvm.Module;
  readonly context: llvm.LLVMContext;
  readonly builder: llvm.IRBuilder;
  readonly bytePtr: LlvmType;
  readonly #constants = new Map<string, llvm.ConstantInt>();
  readonly #functions = new Map<string, LlvmFunction>();
  readonly #ints = new Map<number, llvm.IntegerType>();
  readonly #void: LlvmType;

  /** Loads LLVM assembly that `llvm-as` has accepted: the package crashes on anything else. */
  constructor(path: string) {
    this.context = new llvm.LLVMContext();
    this.raw = llvm.parseIRFile(path, new llvm.SMDiagnostic(), this.context);
    this.builder = new llvm.IRBuilder(this.context);
    this.bytePtr = llvm.Type.getInt8PtrTy(this.context);
    this.#void = llvm.Type.getVoidTy(this.context);
  }

  int(bits: number): llvm.IntegerType {
    let type = this.#ints.get(bits);
    if (type === undefined) this.#ints.set(bits, (type = llvm.Type.getIntNTy(this.context, bits)));
    return type;
  }

  voidType(): LlvmType {
    return this.#void;
  }

  struct(fields: LlvmType[]): LlvmType {
    return llvm.StructType.get(this.context, fields);
  }

  array(of: LlvmType, count: number): LlvmType {
    return llvm.ArrayType.get(of, count);
  }

  pointerTo(type: LlvmType): LlvmType {
    return llvm.PointerType.get(type, 0);
  }

  functionType(result: LlvmType, params: LlvmType[]): llvm.FunctionType {
    return llvm.FunctionType.get(result, params, false);
  }

  /** An integer constant of any width; the package itself is exact to 32 bits only. */
  constInt(bits: number, value: bigint): llvm.ConstantInt {
    const key = `${bits}:${value}`;
    let made = this.#constants.get(key);
    if (made === undefined)
      this.#constants.set(key, (made = this.#makeConstant(bits, BigInt.asUintN(bits, value))));
    return made;
  }

  #makeConstant(bits: number, value: bigint): llvm.ConstantInt {
    const type = this.int(bits);
    if (value < 1n << 32n) return llvm.ConstantInt.get(type, Number(value));
    // The builder folds operations on constants, so this is one constant and no instruction.
    const high = this.#makeConstant(bits, value >> 32n);
    const low = llvm.ConstantInt.get(type, Number(value & 0xffff_ffffn));
    const shift = llvm.ConstantInt.get(type, 32);
    return this.builder.CreateOr(this.builder.CreateShl(high, shift), low) as llvm.ConstantInt;
  }

  nullPtr(): LlvmValue {
    return llvm.Constant.getNullValue(this.bytePtr);
  }

  undef(type: LlvmType): LlvmValue {
    return llvm.UndefValue.get(type);
  }

  function(name: string): LlvmFunction {
    let found = this.#functions.get(name);
    if (found === undefined) {
      const raw = this.raw.getFunction(name);
      if (raw === null) throw new LlvmError(`no function ${name} in the prelude`);
      this.#functions.set(name, (found = raw));
    }
    return found;
  }

  /** The address of a function or a global as a byte pointer. */
  symbolAddress(name: string): LlvmValue {
    const symbol = this.raw.getFunction(name) ?? this.raw.getGlobalVariable(name, true);
    if (symbol === null) throw new LlvmError(`no symbol ${name} in the prelude`);
    return llvm.ConstantExpr.getBitCast(symbol, this.bytePtr);
  }

  /** Drops a stub's placeholder body, so that blocks can be made. */
  clear(fn: LlvmFunction): void {
    fn.getEntryBlock().eraseFromParent();
  }

  block(fn: LlvmFunction, name: string): LlvmBlock {
    return llvm.BasicBlock.Create(this.context, name, fn);
  }

  position(block: LlvmBlock): void {
    this.builder.SetInsertPoint(block);
  }

  binary(fn: keyof typeof binaryMethods, a: LlvmValue, b: LlvmValue): LlvmValue {
    return this.builder[binaryMethods[fn]](a, b);
  }

  compare(pred: keyof typeof compareMethods, a: LlvmValue, b: LlvmValue): LlvmValue {
    return this.builder[compareMethods[pred]](a, b);
  }

  cast(fn: keyof typeof castMethods, a: LlvmValue, to: LlvmType): LlvmValue {
    return this.builder[castMethods[fn]](a, to);
  }

  select(cond: LlvmValue, a: LlvmValue, b: LlvmValue): LlvmValue {
    return this.builder.CreateSelect(cond, a, b);
  }

  /** Storage for a local; alignments over the type's own are put in by `annotate.ts`, by the name. */
  alloca(type: LlvmType, name: string): LlvmValue {
    return this.builder.CreateAlloca(type, null, name);
  }

  /** A load with the type's natural alignment. */
  load(type: LlvmType, from: LlvmValue): LlvmValue {
    return this.builder.CreateLoad(type, this.builder.CreateBitCast(from, this.pointerTo(type)));
  }

  /** A store with the type's natural alignment. */
  store(value: LlvmValue, type: LlvmType, to: LlvmValue): void {
    this.builder.CreateStore(value, this.builder.CreateBitCast(to, this.pointerTo(type)));
  }

  bytePointer(value: LlvmValue): LlvmValue {
    return this.builder.CreateBitCast(value, this.bytePtr);
  }

  /** `base + index * strideBytes`. */
  address(base: LlvmValue, index: LlvmValue, strideBytes: number): LlvmValue {
    if (strideBytes === 1) return this.builder.CreateGEP(this.int(8), base, index);
    const element = this.array(this.int(8), strideBytes);
    const typed = this.builder.CreateBitCast(base, this.pointerTo(element));
    return this.bytePointer(this.builder.CreateGEP(element, typed, index));
  }

  call(fn: LlvmFunction, args: LlvmValue[]): LlvmValue {
    return this.builder.CreateCall(fn, args);
  }

  /** A call through a byte pointer, in the target's native convention. */
  callPointer(type: llvm.FunctionType, callee: LlvmValue, args: LlvmValue[]): LlvmValue {
    return this.builder.CreateCall(
      type,
      this.builder.CreateBitCast(callee, llvm.PointerType.get(type, 0)),
      args,
    );
  }

  insert(into: LlvmValue, field: LlvmValue, index: number): LlvmValue {
    return this.builder.CreateInsertValue(into, field, [index]);
  }

  extract(from: LlvmValue, index: number): LlvmValue {
    return this.builder.CreateExtractValue(from, [index]);
  }

  /** A phi with its incoming values, at the builder's place. */
  phi(type: LlvmType, incoming: readonly { value: LlvmValue; from: LlvmBlock }[]): LlvmValue {
    const node = this.builder.CreatePHI(type, incoming.length);
    for (const { value, from } of incoming) node.addIncoming(value, from);
    return node;
  }

  jump(to: LlvmBlock): void {
    this.builder.CreateBr(to);
  }

  branch(cond: LlvmValue, then: LlvmBlock, otherwise: LlvmBlock): void {
    this.builder.CreateCondBr(cond, then, otherwise);
  }

  switch(
    on: LlvmValue,
    cases: readonly { value: llvm.ConstantInt; to: LlvmBlock }[],
    otherwise: LlvmBlock,
  ): void {
    const made = this.builder.CreateSwitch(on, otherwise, cases.length);
    for (const { value, to } of cases) made.addCase(value, to);
  }

  return(value: LlvmValue | undefined): void {
    if (value === undefined) this.builder.CreateRetVoid();
    else this.builder.CreateRet(value);
  }

  unreachable(): void {
    this.builder.CreateUnreachable();
  }

  /** The module as LLVM assembly, after LLVM's own verifier has passed it. */
  print(): string {
    const text = this.raw.print();
    if (llvm.verifyModule(this.raw)) throw new LlvmError("LLVM's verifier refused the module");
    return text;
  }
}
