/** Writes a decoded instruction as objdump does in Intel syntax, for those with a memory operand that can be emulated. */
import {
  baseRip,
  Form,
  Mode,
  noRegister,
  Operation,
  prefixSegmentMask,
  prefixRep,
  prefixRepne,
  type Instruction,
} from "../operation.ts";

const low8 = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const high8 = ["ah", "ch", "dh", "bh"];
const word = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const segments = ["es", "cs", "ss", "ds", "fs", "gs"];
const sizes: Readonly<Record<number, string>> = {
  1: "BYTE",
  2: "WORD",
  4: "DWORD",
  8: "QWORD",
  16: "OWORD",
};
const conditions = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/** The name of a general register of `width` bytes. */
export function registerName(number: number, width: number, rex: number): string {
  if (number >= 8) return `r${number}${{ 1: "b", 2: "w", 4: "d" }[width] ?? ""}`;
  if (width === 1) return rex === 0 && number >= 4 ? high8[number - 4]! : low8[number]!;
  return `${{ 4: "e", 8: "r" }[width] ?? ""}${word[number]!}`;
}

function signed(value: bigint, bits: number): string {
  const v = BigInt.asIntN(bits, value);
  return v < 0n ? `-0x${(-v).toString(16)}` : `+0x${v.toString(16)}`;
}

function memoryOperand(i: Instruction): string {
  const size = `${sizes[i.width]!} PTR `;
  const bits = i.addressSize * 8;
  const parts: string[] = [];
  if (i.base === baseRip) parts.push(i.addressSize === 8 ? "rip" : "eip");
  else if (i.base !== noRegister) parts.push(registerName(i.base, i.addressSize, 0x40));
  if (i.index !== noRegister)
    parts.push(
      `${registerName(i.index, i.addressSize, 0x40)}${i.addressSize === 2 ? "" : `*${2 ** i.scale}`}`,
    );
  const override = (i.prefixes & prefixSegmentMask) !== 0 ? `${segments[i.segment]!}:` : "";
  if (parts.length === 0) {
    const unsigned = `+0x${BigInt.asUintN(bits, i.displacement).toString(16)}`;
    // objdump names the index that is none, but not with 64-bit addresses.
    if (i.addressSize === 4 && (i.modrm & 7) === 4)
      return `${size}${override}[eiz*1${i.mode === Mode.bits64 ? unsigned : signed(i.displacement, bits)}]`;
    return `${size}${segments[i.segment]!}:0x${BigInt.asUintN(bits, i.displacement).toString(16)}`;
  }
  const hasDisplacement =
    i.base === baseRip || i.modrm >> 6 !== 0 || (i.base === noRegister && i.index !== noRegister);
  // objdump prints what is added to RIP without a sign.
  const displacement =
    i.base === baseRip ? `+0x${i.displacement.toString(16)}` : signed(i.displacement, bits);
  return `${size}${override}[${parts.join("+")}${hasDisplacement ? displacement : ""}]`;
}

function offsetOperand(i: Instruction): string {
  return `${segments[i.segment]!}:0x${i.displacement.toString(16)}`;
}

function stringElement(i: Instruction, register: 6 | 7): string {
  return `${sizes[i.width]!} PTR ${register === 7 ? "es" : segments[i.segment]!}:[${registerName(register, i.addressSize, 0x40)}]`;
}

function mnemonic(i: Instruction): string {
  switch (i.operation) {
    case Operation.setcc:
      return `set${conditions[i.opcode & 15]!}`;
    case Operation.cmovcc:
      return `cmov${conditions[i.opcode & 15]!}`;
    case Operation.movsx:
      return i.opcode === 0x63 ? "movsxd" : "movsx";
    case Operation.cmpxchg8b:
      return i.width === 16 ? "cmpxchg16b" : "cmpxchg8b";
    case Operation.sal:
      return "shl";
    case Operation.mov:
      return i.map === 1
        ? "movnti"
        : (i.form === Form.accMoffs && i.addressSize === 8) ||
            (i.form === Form.moffsAcc && i.addressSize === 8)
          ? "movabs"
          : "mov";
    default:
      return Operation[i.operation]!;
  }
}

/** True for the operations that `execute.ts` performs. */
function isEmulated(operation: number): boolean {
  const { add, cmp, mov, neg, bt, btc, push, outs } = Operation;
  return (
    (operation >= add && operation <= cmp) ||
    (operation >= mov && operation <= neg) ||
    (operation >= bt && operation <= btc) ||
    (operation >= push && operation <= outs)
  );
}

/** The instruction's text, or undefined where this says nothing about its operands. */
export function intelSyntax(i: Instruction): string | undefined {
  if (!i.memory || !isEmulated(i.operation)) return undefined;
  const accumulator = registerName(0, i.width, 0x40);
  const reg = registerName(i.reg, i.width, i.rex);
  const bitNumber = i.operation >= Operation.bt && i.operation <= Operation.btc;
  const immediate = `0x${BigInt.asUintN(bitNumber ? 8 : i.width * 8, i.immediate).toString(16)}`;
  const lock = i.lock ? "lock " : "";
  const name = `${lock}${mnemonic(i)}`;
  switch (i.form) {
    case Form.rmReg:
      return `${name} ${memoryOperand(i)},${reg}`;
    case Form.regRm: {
      const extended = i.operation === Operation.movzx || i.operation === Operation.movsx;
      return `${name} ${registerName(i.reg, extended ? i.operandSize : i.width, extended ? 0x40 : i.rex)},${memoryOperand(i)}`;
    }
    case Form.rmImm:
      return `${name} ${memoryOperand(i)},${immediate}`;
    case Form.rm:
      return `${name} ${memoryOperand(i)}`;
    case Form.accMoffs:
      return `${name} ${accumulator},${offsetOperand(i)}`;
    case Form.moffsAcc:
      return `${name} ${offsetOperand(i)},${accumulator}`;
    case Form.string: {
      const compare = i.operation === Operation.cmps || i.operation === Operation.scas;
      const rep =
        (i.prefixes & prefixRep) !== 0
          ? compare
            ? "repz "
            : "rep "
          : (i.prefixes & prefixRepne) !== 0
            ? "repnz "
            : "";
      switch (i.operation) {
        case Operation.movs:
          return `${rep}movs ${stringElement(i, 7)},${stringElement(i, 6)}`;
        case Operation.cmps:
          return `${rep}cmps ${stringElement(i, 6)},${stringElement(i, 7)}`;
        case Operation.stos:
          return `${rep}stos ${stringElement(i, 7)},${accumulator}`;
        case Operation.lods:
          return `${rep}lods ${accumulator},${stringElement(i, 6)}`;
        case Operation.scas:
          return `${rep}scas ${accumulator},${stringElement(i, 7)}`;
        case Operation.ins:
          return `${rep}ins ${stringElement(i, 7)},dx`;
        case Operation.outs:
          return `${rep}outs dx,${stringElement(i, 6)}`;
        default:
          return undefined;
      }
    }
    default:
      return undefined;
  }
}
