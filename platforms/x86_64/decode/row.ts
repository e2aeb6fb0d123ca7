/**
 * The format of a decode row: everything that the decoder must know of one opcode, in 32 bits.
 *
 *     [3:0] immediate  [4] ModRM  [5] in memory without ModRM  [6] 64-bit operands by default  [7] lockable
 *     [11:8] width  [15:12] form  [23:16] operation  [25:24] access  [26] ModRM is a register whatever mod says
 *     [27] vector  [31:28] kind
 *
 * A row of another kind than `plain` is a prefix, or leads on to rows that further bytes choose.
 */
import {
  accessRead,
  accessWrite,
  Form,
  Operation,
  rowAccessShift,
  rowFormShift,
  rowModrm,
  rowOperationShift,
  rowVector,
} from "./operation.ts";

/** What follows the ModRM bytes. */
export enum Immediate {
  none = 0,
  /** One byte. */
  byte,
  /** Two bytes. */
  word,
  /** Two bytes, or four where the operand size is not two. */
  z,
  /** As many bytes as the operand size. */
  v,
  /** An absolute offset of the address size. */
  offset,
  /** Far pointer: offset of the operand size, then a selector. */
  far,
  /** ENTER: two bytes and one. */
  enter,
  /** Four bytes. */
  dword,
}

/** Width of the r/m operand. */
export enum Width {
  none = 0,
  byte,
  word,
  dword,
  qword,
  oword,
  /** The operand size. */
  v,
  /** 8 with REX.W, else 4. */
  y,
  /** The vector length, 16 or 32. */
  x,
  /** Twice `y`. */
  pair,
  /** The operand size, but at most 4: ports. */
  z,
}

/** How a row is to be taken. */
export enum RowKind {
  plain = 0,
  /** A legacy prefix: bits [7:0] are set in the prefixes, bits [15:8] cleared before. */
  prefix,
  /** REX in 64-bit mode; else the row at [15:0]. */
  rex,
  /** 0F, and after it 38 and 3A. */
  escape,
  /** C4, C5, 62, 8F: VEX, EVEX and XOP. */
  vex,
  /** Four rows at [15:0], by none, 66, F3, F2. */
  byPrefix,
  /** Two rows at [15:0]: r/m is memory, r/m is a register. */
  byMod,
  /** Eight rows at [15:0], by ModRM.reg. */
  byReg,
  /** 64 rows at [15:0], by ModRM[5:0]. */
  byRegRm,
  /** Two rows at [15:0]: in 64-bit mode, outside it. */
  byMode,
  /** No instruction. */
  undefined,
}

export const rowMemory = 0x20;
export const rowDefault64 = 0x40;
export const rowLockable = 0x80;
export const rowWidthShift = 8;
export const rowRegisterOnly = 0x400_0000;
export const rowKindShift = 28;

/** An instruction's mnemonic, as the tables spell it. */
export type Mnemonic = keyof typeof Operation;
/** What an operand string cannot say. */
export type RowFlag = "default64" | "registerOnly" | "vector";

/** A row that is not plain, with what its kind needs in bits [15:0]. */
export function rowOfKind(kind: RowKind, content: number): number {
  return ((kind << rowKindShift) | content) >>> 0;
}

/** The row of an opcode that is not defined. */
export const undefinedRow = rowOfKind(RowKind.undefined, 0);

const widths: Readonly<Record<string, Width>> = {
  b: Width.byte,
  w: Width.word,
  d: Width.dword,
  q: Width.qword,
  o: Width.oword,
  v: Width.v,
  y: Width.y,
  x: Width.x,
  p: Width.pair,
  z: Width.z,
};
const immediates: Readonly<Record<string, Immediate>> = {
  Ib: Immediate.byte,
  Jb: Immediate.byte,
  Iw: Immediate.word,
  Iz: Immediate.z,
  Jz: Immediate.z,
  Iv: Immediate.v,
  Ap: Immediate.far,
  Id: Immediate.dword,
};
const readOnly = new Set<Mnemonic>([
  "cmp",
  "test",
  "bt",
  "push",
  "mul",
  "imul",
  "div",
  "idiv",
  "callNear",
  "callFar",
  "jmpNear",
  "jmpFar",
  "lldt",
  "ltr",
  "lmsw",
  "verr",
  "verw",
  "movToSegment",
]);
const writeOnly = new Set<Mnemonic>([
  "mov",
  "movbe",
  "pop",
  "setcc",
  "vectorMove",
  "sldt",
  "str",
  "smsw",
  "movFromSegment",
]);
const lockable = new Set<Mnemonic>([
  "add",
  "or",
  "adc",
  "sbb",
  "and",
  "sub",
  "xor",
  "inc",
  "dec",
  "not",
  "neg",
  "xchg",
  "xadd",
  "cmpxchg",
  "cmpxchg8b",
  "bts",
  "btr",
  "btc",
]);

function formOf(kinds: readonly string[], operands: readonly string[]): Form {
  switch (kinds.join("")) {
    case "EG":
    case "EV":
      return Form.rmReg;
    case "GE":
    case "VE":
      return Form.regRm;
    case "EI":
      return Form.rmImm;
    case "E":
      return Form.rm;
    case "E1":
      return Form.rmOne;
    case "EC":
      return Form.rmCl;
    case "AI":
      return Form.accImm;
    case "AO":
      return Form.accMoffs;
    case "OA":
      return Form.moffsAcc;
    case "GEI":
    case "VEI":
      return Form.regRmImm;
    case "EGI":
      return Form.rmRegImm;
    case "EGC":
      return Form.rmRegCl;
    case "S":
      return Form.string;
    case "Z":
    case "ZI":
      return Form.opcodeReg;
    case "P":
    case "PI":
      return Form.port;
    case "":
    case "I":
    case "J":
    case "II":
      return Form.none;
    default:
      throw new RangeError(`operands ${operands.join()} have no form`);
  }
}

/**
 * A row from a mnemonic and operands in the manuals' notation (APM vol. 3 appendix A): `E` r/m, `G` register, `V`
 * vector register, `I` immediate, `J` displacement, `Ap` far pointer, `O` offset, `A` accumulator, `Z` register of
 * the opcode, `S` string element, `P` port, `1`, `C` for CL; then the width of the operand: `b w d q o v y x p z`.
 */
export function row(mnemonic: Mnemonic, operands = "", ...flags: readonly RowFlag[]): number {
  const parts = operands === "" ? [] : operands.split(",");
  const form = formOf(
    parts.map((p) => (p === "Ap" ? "I" : p.charAt(0))),
    parts,
  );
  const sized = parts.find((p) => p.startsWith("E") || p.startsWith("S") || p.startsWith("O")) ?? parts[0];
  const width =
    sized === undefined || sized === "Ap" || "1CIJ".includes(sized.charAt(0))
      ? Width.none
      : (widths[sized.charAt(1)] ?? Width.none);
  const memoryFirst = parts[0]?.startsWith("E") === true || parts[0]?.startsWith("O") === true;
  const modrm = parts.some((p) => p.startsWith("E"));
  const immediate =
    parts.includes("Iw") && parts.includes("Ib")
      ? Immediate.enter
      : form === Form.accMoffs || form === Form.moffsAcc
        ? Immediate.offset
        : parts.reduce<Immediate>((found, p) => immediates[p] ?? found, Immediate.none);
  const access =
    width === Width.none || form === Form.string || !(modrm || immediate === Immediate.offset)
      ? 0
      : !memoryFirst || readOnly.has(mnemonic)
        ? mnemonic === "xchg"
          ? accessRead | accessWrite
          : accessRead
        : writeOnly.has(mnemonic)
          ? accessWrite
          : accessRead | accessWrite;
  return (
    immediate |
    (modrm ? rowModrm : 0) |
    (form === Form.string || immediate === Immediate.offset ? rowMemory : 0) |
    (flags.includes("default64") ? rowDefault64 : 0) |
    (memoryFirst && lockable.has(mnemonic) ? rowLockable : 0) |
    (width << rowWidthShift) |
    (form << rowFormShift) |
    (Operation[mnemonic] << rowOperationShift) |
    ((mnemonic === "other" ? 0 : access) << rowAccessShift) |
    (flags.includes("registerOnly") ? rowRegisterOnly : 0) |
    (flags.includes("vector") || mnemonic === "vectorMove" ? rowVector : 0)
  );
}

/** The row of a legacy prefix that sets bits of `Instruction.prefixes` and clears others. */
export function prefixRow(set: number, clear: number): number {
  return rowOfKind(RowKind.prefix, set | (clear << 8));
}
