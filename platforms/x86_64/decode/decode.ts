/**
 * The instruction decoder, for intercepted instructions of guests in 16-, 32- and 64-bit mode.
 *
 * ```ts
 * code.length = …;                                    // fetch up to 15 bytes at the guest's CS.base + RIP
 * switch (decode(code, mode, instruction)) {          // mode: Mode.bits64 if CS.L, else by CS.D
 *   case DecodeResult.ok: …                           // instruction.length, .operation, operands, plan
 *   case DecodeResult.truncated: …                    // the fetch of the byte after the last one faults
 *   case DecodeResult.undefined: …                    // #UD
 *   case DecodeResult.tooLong: …                      // #GP(0)
 * }
 * ```
 *
 * `fast-length.ts` gives the length of the commonest intercepted instructions without all this, and `execute.ts`
 * performs what is decoded on memory that is a device.
 *
 * The bytes are the guest's, and another vCPU may have changed them since the exit: whoever handles an exit must check
 * `instruction.operation` against the exit's reason, and take everything from this one decoding.
 *
 * One pass over the bytes, bounded, without any state but its arguments. Near branches follow AMD: 66 makes their
 * displacement 16 bits in 64-bit mode too (APM vol. 3 §1.2.2). Segment limits, privilege and CPUID features are not
 * looked at: the processor did so before it raised the exit.
 */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  load16,
  load32,
  load64,
  load8,
  signExtend,
  unlikely,
} from "../../../dsl/core/intrinsics.ts";
import { followRow, longestInstruction, short } from "./opcode.ts";
import {
  baseRip,
  DecodeResult,
  Mode,
  noRegister,
  Operation,
  prefixLock,
  prefixVex256,
  rowModrm,
  rowOperationShift,
  type CodeBytes,
  type Instruction,
} from "./operation.ts";
import {
  Immediate,
  rowDefault64,
  RowKind,
  rowKindShift,
  rowLockable,
  rowMemory,
  rowRegisterOnly,
  rowWidthShift,
  Width,
} from "./row.ts";
import { rows } from "./tables.ts";

/** Base and index registers of 16-bit addressing by ModRM.rm (APM vol. 3 table 1-13): BX 3, BP 5, SI 6, DI 7. */
const base16 = Object.freeze([3, 3, 5, 5, 6, 7, 5, 3]);
const index16 = Object.freeze([6, 7, 6, 7, noRegister, noRegister, noRegister, noRegister]);

/** Operand size in [3:0] and address size in [7:4], by mode in [3:2] (16, 32, 64 bits) and the prefixes 67 and 66 in [1:0] (APM vol. 3 tables 1-2 and 1-3). */
const sizes = Object.freeze([
  0x22, 0x24, 0x42, 0x44, 0x44, 0x42, 0x24, 0x22, 0x84, 0x82, 0x44, 0x42, 0, 0, 0, 0,
]);

/** Widths by `Width` in [5:2] and the operand size (2, 4, 8) in [1:0]. */
const widths = Object.freeze(
  Array.from({ length: 16 }, (_, width) => {
    switch (width as Width) {
      case Width.byte:
        return [1, 1, 1, 1];
      case Width.word:
        return [2, 2, 2, 2];
      case Width.dword:
        return [4, 4, 4, 4];
      case Width.qword:
        return [8, 8, 8, 8];
      case Width.oword:
      case Width.x:
        return [16, 16, 16, 16];
      case Width.v:
        return [2, 4, 8, 8];
      case Width.y:
        return [4, 4, 8, 8];
      case Width.pair:
        return [8, 8, 16, 16];
      case Width.z:
        return [2, 4, 4, 4];
      default:
        return [0, 0, 0, 0];
    }
  }).flat(),
);

/** Decodes the instruction at the start of `code`. What it writes to `out` counts only where the result is `ok`. */
export function decode(code: CodeBytes, mode: Mode, out: Instruction): DecodeResult {
  const long = mode === Mode.bits64;
  let position = 0;
  let prefixes = 0;
  let rex = 0;
  let opcode = 0;
  let row = 0;
  while (position < longestInstruction) {
    opcode = code.bytes[position];
    position++;
    row = rows[opcode];
    const kind = row >>> rowKindShift;
    if (kind === RowKind.plain) break;
    if (kind === RowKind.prefix) {
      // In 64-bit mode ES, CS, SS and DS overrides are ignored: they do not even undo an FS or GS override.
      if (!long || (opcode & 0xe7) !== 0x26) prefixes = (prefixes & ~(row >>> 8)) | (row & 0xff);
      rex = 0;
    } else if (kind === RowKind.rex && long) rex = opcode;
    else break;
  }

  out.displacement = 0n;
  out.immediate = 0n;
  out.immediateHigh = 0;
  out.map = 0;
  out.vvvv = 0;
  out.modrm = 0;
  out.base = noRegister;
  out.index = noRegister;
  out.scale = 0;
  out.reg = 0;
  out.opcode = u8(opcode);
  out.rex = u8(rex);
  out.prefixes = u32(prefixes);
  if (row >>> rowKindShift !== RowKind.plain) {
    // The commonest here, without a detour: 0F, then the groups that ModRM.reg chooses from.
    if (row >>> rowKindShift === RowKind.escape && position < code.length) {
      opcode = code.bytes[position & 31];
      position++;
      row = rows[256 + opcode];
      out.map = 1;
      out.opcode = u8(opcode);
    }
    if (row >>> rowKindShift === RowKind.byReg && position < code.length) {
      const link = (row & 0xffff) + ((code.bytes[position & 31] >> 3) & 7);
      row = rows[Math.min(link, rows.length - 1)];
    }
    if (row >>> rowKindShift !== RowKind.plain) {
      out.row = u32(row);
      out.length = u8(position);
      const result = followRow(code, mode, out);
      if (result !== DecodeResult.ok) return result;
      row = out.row;
      position = out.length;
      prefixes = out.prefixes;
      rex = out.rex;
    }
  }
  out.row = u32(row);

  const size = sizes[((mode & 12) | (prefixes & 3)) & 15];
  const addressSize = size >> 4;
  const operandSize =
    (rex & 8) !== 0 || (long && (row & rowDefault64) !== 0 && (size & 15) === 4) ? 8 : size & 15;
  const bytes = addressOf(code.bytes);
  let memory = (row & rowMemory) !== 0;
  if ((row & rowModrm) !== 0) {
    const modrm = code.bytes[position & 31];
    position++;
    out.modrm = modrm;
    out.reg = u8(((modrm >> 3) & 7) | ((rex & 4) << 1));
    const low = modrm & 7;
    const mod = modrm >> 6;
    if (mod !== 3 && (row & rowRegisterOnly) === 0) {
      memory = true;
      let base = low | ((rex & 1) << 3);
      let displacementSize = mod;
      if (unlikely(addressSize === 2)) {
        base = base16[low];
        out.index = index16[low];
        if (mod === 0 && low === 6) {
          base = noRegister;
          displacementSize = 2;
        }
      } else {
        if (mod === 2) displacementSize = 4;
        if (low === 4) {
          const sib = code.bytes[position & 31];
          position++;
          const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
          out.scale = u8(sib >> 6);
          out.index = u8(index === 4 ? noRegister : index);
          base = (sib & 7) | ((rex & 1) << 3);
          if (mod === 0 && (sib & 7) === 5) {
            base = noRegister;
            displacementSize = 4;
          }
        } else if (mod === 0 && low === 5) {
          base = long ? baseRip : noRegister;
          displacementSize = 4;
        }
      }
      out.base = u8(base);
      if (displacementSize !== 0) {
        const place = u64(bytes + BigInt(position & 31));
        const value =
          displacementSize === 1
            ? signExtend(load8(place), 8)
            : displacementSize === 2
              ? signExtend(load16(place), 16)
              : i32(load32(place));
        out.displacement = u64(BigInt(value));
        position += displacementSize;
      }
    }
  }

  const immediateKind = row & 15;
  if (immediateKind !== Immediate.none) {
    const place = u64(bytes + BigInt(position & 31));
    if (immediateKind === Immediate.byte) {
      out.immediate = u64(BigInt(signExtend(load8(place), 8)));
      position += 1;
    } else if (immediateKind === Immediate.z && operandSize !== 2) {
      out.immediate = u64(BigInt(i32(load32(place))));
      position += 4;
    } else if (immediateKind === Immediate.offset) {
      out.displacement =
        addressSize === 8 ? load64(place) : BigInt(addressSize === 4 ? load32(place) : load16(place));
      position += addressSize;
    } else if (immediateKind === Immediate.far) {
      out.immediate = BigInt(operandSize === 2 ? load16(place) : load32(place));
      out.immediateHigh = load16(u64(place + (operandSize === 2 ? 2n : 4n)));
      position += operandSize === 2 ? 4 : 6;
    } else if (immediateKind === Immediate.dword || (immediateKind === Immediate.v && operandSize === 4)) {
      out.immediate = u64(BigInt(i32(load32(place))));
      position += 4;
    } else if (immediateKind === Immediate.v && operandSize === 8) {
      out.immediate = load64(place);
      position += 8;
    } else {
      const word = load16(place);
      out.immediate = immediateKind === Immediate.z ? u64(BigInt(signExtend(word, 16))) : BigInt(word);
      position += 2;
      if (immediateKind === Immediate.enter) {
        out.immediateHigh = load8(u64(place + 2n));
        position += 1;
      }
    }
  }
  if (position > longestInstruction || position > code.length) return short(code);

  const locked = (prefixes & prefixLock) !== 0;
  if (unlikely(locked) && !((row & rowLockable) !== 0 && memory)) {
    // LOCK MOV CR0 is AMD's way to CR8 outside 64-bit mode (APM vol. 3, MOV CRn).
    const operation = (row >>> rowOperationShift) & 0xff;
    if ((operation !== Operation.movFromCr && operation !== Operation.movToCr) || out.reg !== 0)
      return DecodeResult.undefined;
    out.reg = 8;
  }
  const width = (row >>> rowWidthShift) & 15;
  out.width =
    (prefixes & prefixVex256) !== 0 && width === Width.x ? 32 : u8(widths[(width << 2) | (operandSize >> 2)]);
  out.length = u8(position);
  out.mode = u8(mode);
  out.operandSize = u8(operandSize);
  out.addressSize = u8(addressSize);
  out.memory = memory;
  return DecodeResult.ok;
}
