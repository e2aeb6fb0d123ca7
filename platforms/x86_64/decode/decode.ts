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
import { i32, u64, u32, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  load16,
  load32,
  load64,
  load8,
  signExtend,
  unlikely,
} from "../../../dsl/core/intrinsics.ts";
import {
  baseRip,
  DecodeResult,
  Form,
  Mode,
  noRegister,
  Operation,
  prefixAddressSize,
  prefixLock,
  prefixOperandSize,
  prefixRep,
  prefixRepne,
  prefixSegmentMask,
  prefixSegmentShift,
  prefixVex,
  Segment,
  type CodeBytes,
  type Instruction,
} from "./operation.ts";
import {
  Immediate,
  rowDefault64,
  rowKindShift,
  rowLockable,
  RowKind,
  rowModrm,
  rowNot64,
  rowOperationShift,
  rowRegisterOnly,
  rowVector,
  rowAccessShift,
  rowFormShift,
  rowWidthShift,
  undefinedRow,
  Width,
} from "./row.ts";
import {
  row38,
  row3A,
  rowMemoryOnly,
  rowModrm16,
  rowPlain,
  rowPop,
  rows,
  rows38,
  rowXopDword,
} from "./tables.ts";

/** The longest instruction, in bytes (APM vol. 3 §1.1). */
export const longestInstruction = 15;

/** Base and index registers of 16-bit addressing by ModRM.rm (APM vol. 3 table 1-13): BX 3, BP 5, SI 6, DI 7. */
const base16 = Object.freeze([3, 3, 5, 5, 6, 7, 5, 3]);
const index16 = Object.freeze([6, 7, 6, 7, noRegister, noRegister, noRegister, noRegister]);
/** Bytes of the widths that do not depend on prefixes, by `Width`. */
const fixedWidths = Object.freeze([0, 1, 2, 4, 8, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** The row of a VEX, EVEX or XOP opcode that is no plain move. */
function vexRow(map: u8, opcode: u8): u32 {
  if (map === 1) {
    if (opcode === 0x77) return rowPlain;
    return (opcode >= 0x70 && opcode <= 0x73) || opcode === 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6)
      ? row3A
      : row38;
  }
  if (map === 3 || map === 8) return row3A;
  if (map === 2 || map === 5 || map === 6 || map === 9) return row38;
  return map === 10 ? rowXopDword : undefinedRow;
}

/** True where a VEX map 1 opcode with mandatory prefix `pp` is a move that the rows of 0F describe. */
function isVexMove(opcode: u8, pp: u8): boolean {
  const pair = opcode & 0xfe;
  if (pair === 0x10 || pair === 0x28 || opcode === 0x13 || opcode === 0x2b) return true;
  return (
    pp !== 0 && (pair === 0x6e || pair === 0x7e || opcode === 0xd6 || opcode === 0xe7 || opcode === 0xf0)
  );
}

/** The row of a 0F 38 opcode. */
function escapeRow(opcode: u8): u32 {
  for (const r of rows38) if (opcode === r.opcode) return r.row;
  return row38;
}

/** The bytes end before the instruction does. */
function short(available: u8): DecodeResult {
  return available < longestInstruction ? DecodeResult.truncated : DecodeResult.tooLong;
}

/** Decodes the instruction at the start of `code`. `out` is written only where the result is `ok`. */
export function decode(code: CodeBytes, mode: Mode, out: Instruction): DecodeResult {
  const long = mode === Mode.bits64;
  const available = Math.min(code.length, longestInstruction);
  let position = 0;
  let prefixes = 0;
  let rex = 0;
  let opcode = 0;
  let row = 0;

  while (position < longestInstruction) {
    opcode = code.bytes[position];
    position++;
    row = rows[opcode];
    if (row >>> rowKindShift === RowKind.prefix) {
      // In 64-bit mode ES, CS, SS and DS overrides are ignored: they do not even undo an FS or GS override.
      if (!long || (opcode & 0xe7) !== 0x26) prefixes = (prefixes & ~(row >>> 8)) | (row & 0xff);
      rex = 0;
    } else if (long && (opcode & 0xf0) === 0x40) {
      rex = opcode;
    } else break;
  }
  if (row >>> rowKindShift === RowKind.prefix || (long && (opcode & 0xf0) === 0x40))
    return short(u8(available));

  // Enough steps for the longest chain: 0F, 38, mandatory prefix, ModRM.mod, ModRM.reg.
  let map = 0;
  let vvvv = 0;
  let vectorLength = 16;
  for (let step = 0; step < 5 && row >>> rowKindShift !== RowKind.plain; step++) {
    const kind = row >>> rowKindShift;
    const next = code.bytes[position & 31];
    if (kind === RowKind.byPrefix) {
      const choice =
        (prefixes & prefixRepne) !== 0 ? 3 : (prefixes & prefixRep) !== 0 ? 2 : prefixes & prefixOperandSize;
      row = rows[Math.min((row & 0xffff) + choice, rows.length - 1)];
      continue;
    }
    if (position >= available) return short(u8(available));
    if (kind === RowKind.escape) {
      position++;
      map = map === 0 ? 1 : opcode === 0x38 ? 2 : 3;
      opcode = next;
      row = map === 1 ? rows[256 + next] : map === 2 ? escapeRow(u8(next)) : row3A;
    } else if (kind === RowKind.vex) {
      if (opcode === 0x8f && (next & 0x1f) < 8) {
        row = rowPop;
        continue;
      }
      if (opcode !== 0x8f && !long && next < 0xc0) {
        row = rowMemoryOnly;
        continue;
      }
      if ((prefixes & (prefixOperandSize | prefixLock | prefixRep | prefixRepne)) !== 0 || rex !== 0)
        return DecodeResult.undefined;
      position++;
      const short2 = opcode === 0xc5;
      let payload = next;
      if (short2) map = 1;
      else {
        map = opcode === 0x62 ? next & 7 : next & 0x1f;
        payload = code.bytes[position & 31];
        position += opcode === 0x62 ? 2 : 1;
        if (opcode === 0xc4 && map > 3) map = 0;
      }
      // R, X and B are inverted, and mean nothing outside 64-bit mode.
      if (long) rex = 0x40 | ((((next ^ 0xe0) >> 5) & (short2 ? 4 : 7)) | (short2 ? 0 : (payload >> 4) & 8));
      vvvv = (payload >> 3) ^ 15;
      vvvv &= long ? 15 : 7;
      vectorLength = (payload & 4) !== 0 ? 32 : 16;
      const pp = payload & 3;
      prefixes |=
        prefixVex | (pp === 1 ? prefixOperandSize : pp === 2 ? prefixRep : pp === 3 ? prefixRepne : 0);
      const evex = opcode === 0x62;
      opcode = code.bytes[position & 31];
      position++;
      row =
        map === 1 && !evex && vvvv === 0 && isVexMove(u8(opcode), u8(pp))
          ? rows[256 + opcode]
          : vexRow(u8(map), u8(opcode));
    } else {
      const choice =
        kind === RowKind.byMod
          ? next >= 0xc0
            ? 1
            : 0
          : kind === RowKind.byReg
            ? (next >> 3) & 7
            : next & 0x3f;
      row = rows[Math.min((row & 0xffff) + choice, rows.length - 1)];
    }
  }
  // MOVSXD is ARPL outside 64-bit mode.
  if (opcode === 0x63 && map === 0 && !long) row = rowModrm16;

  const wide = long && (rex & 8) !== 0;
  const swapped = (prefixes & prefixOperandSize) !== 0;
  const operandSize = wide
    ? 8
    : (mode === Mode.bits16) !== swapped
      ? 2
      : long && (row & rowDefault64) !== 0
        ? 8
        : 4;
  const addressSize = (prefixes & prefixAddressSize) === 0 ? mode : mode === Mode.bits32 ? 2 : 4;

  const bytes = addressOf(code.bytes);
  let memory = false;
  let modrm = 0;
  let reg = 0;
  let rm = (opcode & 7) | ((rex & 1) << 3);
  let base = noRegister;
  let index = noRegister;
  let scale = 0;
  let displacement = 0n;
  if ((row & rowModrm) !== 0) {
    modrm = code.bytes[position & 31];
    position++;
    reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
    const low = modrm & 7;
    const mod = modrm >> 6;
    rm = low | ((rex & 1) << 3);
    if (mod !== 3 && (row & rowRegisterOnly) === 0) {
      memory = true;
      let displacementSize = mod === 2 ? (addressSize === 2 ? 2 : 4) : mod;
      if (addressSize === 2) {
        if (mod === 0 && low === 6) displacementSize = 2;
        else {
          base = base16[low];
          index = index16[low];
        }
      } else {
        if (low === 4) {
          const sib = code.bytes[position & 31];
          position++;
          scale = sib >> 6;
          index = ((sib >> 3) & 7) | ((rex & 2) << 2);
          if (index === 4) index = noRegister;
          base = (sib & 7) | ((rex & 1) << 3);
          if (mod === 0 && (sib & 7) === 5) {
            base = noRegister;
            displacementSize = 4;
          }
        } else if (mod === 0 && low === 5) {
          base = long ? baseRip : noRegister;
          displacementSize = 4;
        } else base = rm;
      }
      if (displacementSize !== 0) {
        const place = u64(bytes + BigInt(position & 31));
        const value =
          displacementSize === 1
            ? signExtend(load8(place), 8)
            : displacementSize === 2
              ? signExtend(load16(place), 16)
              : i32(load32(place));
        displacement = u64(BigInt(value));
        position += displacementSize;
      }
    }
  }

  let immediate = 0n;
  let immediateHigh = 0;
  const immediateKind = row & 15;
  if (immediateKind !== Immediate.none) {
    const place = u64(bytes + BigInt(position & 31));
    if (immediateKind === Immediate.byte) {
      immediate = u64(BigInt(signExtend(load8(place), 8)));
      position += 1;
    } else if (immediateKind === Immediate.offset) {
      memory = true;
      displacement =
        addressSize === 8 ? load64(place) : BigInt(addressSize === 4 ? load32(place) : load16(place));
      position += addressSize;
    } else if (immediateKind === Immediate.word) {
      immediate = BigInt(load16(place));
      position += 2;
    } else if (immediateKind === Immediate.enter) {
      immediate = BigInt(load16(place));
      immediateHigh = load8(u64(place + 2n));
      position += 3;
    } else if (immediateKind === Immediate.far) {
      immediate = BigInt(operandSize === 2 ? load16(place) : load32(place));
      immediateHigh = load16(u64(place + (operandSize === 2 ? 2n : 4n)));
      position += operandSize === 2 ? 4 : 6;
    } else if (immediateKind === Immediate.v && operandSize === 8) {
      immediate = load64(place);
      position += 8;
    } else {
      const two = operandSize === 2 && immediateKind !== Immediate.dword;
      immediate = u64(BigInt(two ? signExtend(load16(place), 16) : i32(load32(place))));
      position += two ? 2 : 4;
    }
  }

  if (position > available) return short(u8(available));
  const operation = (row >>> rowOperationShift) & 0xff;
  if (operation === Operation.undefined || (long && (row & rowNot64) !== 0)) return DecodeResult.undefined;
  const form = (row >>> rowFormShift) & 15;
  if (form === Form.string) memory = true;
  const lock = (prefixes & prefixLock) !== 0;
  if (unlikely(lock) && !((row & rowLockable) !== 0 && memory)) {
    // LOCK MOV CR0 is AMD's way to CR8 outside 64-bit mode (APM vol. 3, MOV CRn).
    if ((operation !== Operation.movFromCr && operation !== Operation.movToCr) || reg !== 0)
      return DecodeResult.undefined;
    reg = 8;
  }

  const widthKind = (row >>> rowWidthShift) & 15;
  const segment = (prefixes & prefixSegmentMask) >> prefixSegmentShift;
  out.length = u8(position);
  out.mode = u8(mode);
  out.map = u8(map);
  out.opcode = u8(opcode);
  out.operation = u8(operation);
  out.form = u8(form);
  out.modrm = u8(modrm);
  out.rex = u8(rex);
  out.prefixes = u32(prefixes);
  out.operandSize = u8(operandSize);
  out.addressSize = u8(addressSize);
  const width =
    widthKind === Width.v
      ? operandSize
      : widthKind === Width.z
        ? Math.min(operandSize, 4)
        : widthKind === Width.x
          ? vectorLength
          : widthKind === Width.y
            ? wide
              ? 8
              : 4
            : widthKind === Width.pair
              ? wide
                ? 16
                : 8
              : fixedWidths[widthKind];
  out.width = u8(width);
  out.access = u8(memory ? (row >>> rowAccessShift) & 3 : 0);
  out.reg = u8(reg);
  out.rm = u8(rm);
  out.base = u8(base);
  out.index = u8(index);
  out.scale = u8(scale);
  // Without an override, BP and SP as base (not R12, R13) mean SS.
  out.segment = u8(segment !== 0 ? segment - 1 : (base & 0x1e) === 4 ? Segment.ss : Segment.ds);
  out.vvvv = u8(vvvv);
  out.displacement = u64(displacement);
  out.immediate = u64(immediate);
  out.immediateHigh = u32(immediateHigh);
  out.memory = memory;
  out.vector = (row & rowVector) !== 0;
  out.lock = lock;
  return DecodeResult.ok;
}
