/**
 * The intermediate representation: a module of functions over integers, pointers and by-value records.
 *
 * It stands between the TypeScript tree and any emitter (LLVM today, an ia64 emitter later), so nothing here knows
 * either. Memory is bytes: layouts have been computed before, addresses are a pointer plus bytes. Mutable locals are
 * slots; everything else is single assignment within its function. Integers carry a width and no sign: the operation
 * does. The textual form is in `print.ts`, the rules a module must obey in `verify.ts`, the semantics in
 * `docs/guide/ir.md`.
 */

/** Width of an integer type in bits. */
export type Bits = 1 | 8 | 16 | 32 | 64 | 128;

/** A type of the IR. Records exist by value only; memory has no types, only sizes. */
export type IrType =
  | { readonly kind: "int"; readonly bits: Bits }
  | { readonly kind: "ptr" }
  | { readonly kind: "void" }
  | { readonly kind: "record"; readonly fields: readonly IrType[] };

export const i1: IrType = { kind: "int", bits: 1 };
export const i8: IrType = { kind: "int", bits: 8 };
export const i16: IrType = { kind: "int", bits: 16 };
export const i32: IrType = { kind: "int", bits: 32 };
export const i64: IrType = { kind: "int", bits: 64 };
export const i128: IrType = { kind: "int", bits: 128 };
export const ptr: IrType = { kind: "ptr" };
export const voidType: IrType = { kind: "void" };

/** Place in a source file. Lines and columns count from 1. */
export interface Loc {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type BinaryOp =
  "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "lshr" | "ashr" | "udiv" | "sdiv" | "urem" | "srem";
export type Predicate = "eq" | "ne" | "ult" | "ule" | "ugt" | "uge" | "slt" | "sle" | "sgt" | "sge";
export type CastOp = "zext" | "sext" | "trunc" | "ptrtoint" | "inttoptr";
export type UnaryOp = "ctpop" | "ctlz" | "cttz" | "bswap";
export type RmwOp = "xchg" | "add" | "sub" | "and" | "or" | "xor";
export type Ordering = "relaxed" | "acquire" | "release" | "acqrel" | "seqcst";

/** An SSA value: a constant, a parameter, a symbol's address, or the result of an instruction. */
export type Value =
  | { readonly kind: "const"; readonly type: IrType; readonly value: bigint }
  | { readonly kind: "null"; readonly type: IrType }
  | { readonly kind: "param"; readonly type: IrType; readonly index: number }
  | { readonly kind: "symbol"; readonly type: IrType; readonly symbol: string }
  | { readonly kind: "result"; readonly type: IrType; readonly id: number };

interface InstrBase {
  /** Result; of type void where there is none. */
  readonly result: Extract<Value, { kind: "result" }>;
  readonly loc: Loc | undefined;
}

/** An instruction that is not a terminator. */
export type Instr = InstrBase &
  (
    | { readonly op: "slot"; readonly sizeBytes: number; readonly align: number; readonly name: string }
    | { readonly op: "binary"; readonly fn: BinaryOp; readonly a: Value; readonly b: Value }
    | { readonly op: "compare"; readonly pred: Predicate; readonly a: Value; readonly b: Value }
    | { readonly op: "cast"; readonly fn: CastOp; readonly a: Value }
    | { readonly op: "unary"; readonly fn: UnaryOp; readonly a: Value }
    | { readonly op: "select"; readonly cond: Value; readonly a: Value; readonly b: Value }
    /** `ptr + bytes`, a constant. */
    | { readonly op: "offset"; readonly base: Value; readonly bytes: number }
    /** `ptr + index * strideBytes`; index is an i64, already in range. */
    | { readonly op: "index"; readonly base: Value; readonly index: Value; readonly strideBytes: number }
    | {
        readonly op: "load";
        readonly from: Value;
        readonly align: number;
        readonly volatile: boolean;
        readonly order: Ordering | undefined;
      }
    | {
        readonly op: "store";
        readonly to: Value;
        readonly value: Value;
        readonly align: number;
        readonly volatile: boolean;
        readonly order: Ordering | undefined;
      }
    | {
        readonly op: "rmw";
        readonly fn: RmwOp;
        readonly at: Value;
        readonly value: Value;
        readonly order: Ordering;
      }
    /** Result is the record { old value, i1 exchanged }. */
    | {
        readonly op: "cmpxchg";
        readonly at: Value;
        readonly expected: Value;
        readonly desired: Value;
        readonly order: Ordering;
      }
    | { readonly op: "fence"; readonly order: Ordering }
    /** memcpy / memmove / memset; bytes is an i64, fill an i8. */
    | {
        readonly op: "copy";
        readonly to: Value;
        readonly from: Value;
        readonly bytes: Value;
        readonly overlap: boolean;
      }
    | { readonly op: "fill"; readonly to: Value; readonly fill: Value; readonly bytes: Value }
    | { readonly op: "call"; readonly callee: string; readonly args: readonly Value[] }
    | { readonly op: "callAsm"; readonly site: string; readonly args: readonly Value[] }
    /** A call through a pointer: firmware services only. The platform's native convention. */
    | { readonly op: "callPointer"; readonly callee: Value; readonly args: readonly Value[] }
    | { readonly op: "record"; readonly fields: readonly Value[] }
    | { readonly op: "extract"; readonly from: Value; readonly index: number }
    /** What the interval analysis knows; the optimiser may rely on it. */
    | { readonly op: "assume"; readonly cond: Value }
    /** Names a slot for the debugger. */
    | { readonly op: "declare"; readonly slot: Value; readonly name: string; readonly debugType: DebugType }
  );

/** How often a branch is taken, and how often not. */
export type Weights = readonly [taken: number, notTaken: number];
/** Those of a branch that is expected to be taken: LLVM's own for `expect`. */
export const likely: Weights = [2000, 1];
export const unlikely: Weights = [1, 2000];

/** How the last block of a path ends. */
export type Terminator = { readonly loc: Loc | undefined } & (
  | { readonly op: "jump"; readonly to: Block }
  /** `weights`: how often each side is taken beside the other, where it is known. */
  | {
      readonly op: "branch";
      readonly cond: Value;
      readonly then: Block;
      readonly else: Block;
      readonly weights: Weights | undefined;
    }
  | {
      readonly op: "switch";
      readonly on: Value;
      readonly cases: readonly { readonly value: bigint; readonly to: Block; readonly weight: number }[];
      readonly otherwise: Block;
    }
  | { readonly op: "return"; readonly value: Value | undefined }
  /** The hypervisor is wrong: calls the module's trap function with the site's number, never returns. */
  | { readonly op: "trap"; readonly site: number }
  | { readonly op: "unreachable" }
);

/** A basic block. */
export interface Block {
  readonly label: string;
  readonly instrs: Instr[];
  end: Terminator | undefined;
}

/** What a debugger is told of a value. Sizes in bytes. */
export type DebugType =
  | { readonly kind: "int"; readonly name: string; readonly sizeBytes: number; readonly signed: boolean }
  | { readonly kind: "bool" }
  | { readonly kind: "pointer"; readonly to: DebugType | undefined }
  | { readonly kind: "array"; readonly of: DebugType; readonly count: number }
  | {
      readonly kind: "struct";
      readonly name: string;
      readonly sizeBytes: number;
      readonly fields: readonly {
        readonly name: string;
        readonly offset: number;
        readonly type: () => DebugType;
      }[];
    };

/** A parameter; a pointer to a struct says what the callee may rely on. */
export interface Param {
  readonly name: string;
  readonly type: IrType;
  readonly dereferenceableBytes?: number;
  readonly noalias?: boolean;
  readonly debugType?: DebugType;
}

/** A compiled function. */
export interface IrFunction {
  readonly symbol: string;
  /** Name in the source, for backtraces and the ledger. */
  readonly displayName: string;
  readonly loc: Loc;
  readonly params: readonly Param[];
  readonly result: IrType;
  readonly blocks: Block[];
  /** Seen from outside the module: entry points and what naked functions call. */
  readonly exported: boolean;
  readonly inline: "always" | "never" | "auto";
  /** Off the exit path: optimised for size, placed apart. */
  readonly cold: boolean;
  readonly section?: string;
}

/** Static storage. `init` absent means zero. */
export interface IrGlobal {
  readonly symbol: string;
  readonly displayName: string;
  readonly loc: Loc | undefined;
  readonly sizeBytes: number;
  readonly align: number;
  readonly constant: boolean;
  readonly init?: Uint8Array;
  /** 8-byte little-endian slots of `init` that hold a symbol's address. */
  readonly relocations?: readonly {
    readonly offset: number;
    readonly symbol: string;
    readonly addend: number;
  }[];
  readonly section?: string;
  readonly exported?: boolean;
  readonly debugType?: DebugType;
}

/** An inline-assembly site, in LLVM's AT&T template and constraint syntax. */
export interface AsmSite {
  readonly site: string;
  readonly template: string;
  readonly constraints: string;
  readonly params: readonly IrType[];
  readonly result: IrType;
  readonly sideEffects: boolean;
  readonly loc: Loc | undefined;
}

/** A function whose whole body is assembly text (AT&T); `uses` are symbols that it names. */
export interface NakedFunction {
  readonly symbol: string;
  readonly displayName: string;
  readonly lines: readonly string[];
  readonly uses: readonly string[];
  readonly section?: string;
  readonly loc: Loc | undefined;
}

/** A function that the environment supplies: a host function of a WebAssembly test. */
export interface IrImport {
  readonly symbol: string;
  readonly params: readonly IrType[];
  readonly result: IrType;
}

/** A whole image, or one host test. */
export interface IrModule {
  readonly name: string;
  readonly functions: IrFunction[];
  readonly globals: IrGlobal[];
  readonly asmSites: AsmSite[];
  readonly naked: NakedFunction[];
  readonly imports?: readonly IrImport[];
  /** Text of each trap site, by number. */
  readonly traps: string[];
  /** Symbol of `(site: i32) => never`, or undefined where a trap is the target's own trap instruction. */
  trapHandler: string | undefined;
  /** Symbols of the roots of what must be fast; undefined: everything. */
  hot?: readonly string[];
  /** Symbol of the function whose longest way is reported. */
  exitHandler?: string;
}
