/**
 * Opcodes that one byte does not decide: the escapes 0F, 0F 38 and 0F 3A, VEX, EVEX and XOP, and rows that a mandatory
 * prefix, ModRM or the mode chooses among (APM vol. 3 §1.2 to §1.8, appendix A).
 */
import { u32, u8 } from "../../../dsl/core/int.ts";
import {
  DecodeResult,
  Mode,
  prefixLock,
  prefixOperandSize,
  prefixRep,
  prefixRepne,
  prefixVex,
  prefixVex256,
  type CodeBytes,
  type Instruction,
} from "./operation.ts";
import { rowKindShift, RowKind, undefinedRow } from "./row.ts";
import { row38, row3A, rowMemoryOnly, rowPlain, rowPop, rows, rows38, rowXopDword } from "./tables.ts";

/** The longest instruction, in bytes (APM vol. 3 §1.1). */
export const longestInstruction = 15;

/** What is to be said of bytes that end before the instruction does. */
export function short(code: CodeBytes): DecodeResult {
  return code.length < longestInstruction ? DecodeResult.truncated : DecodeResult.tooLong;
}

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

/** Takes VEX, EVEX or XOP, whose second byte is `next`, into `out`; the position is at `out.length`. Returns the row. */
function vexPrefix(code: CodeBytes, mode: Mode, next: u8, out: Instruction): u32 {
  const long = mode === Mode.bits64;
  const lead = out.opcode;
  const two = lead === 0xc5;
  const evex = lead === 0x62;
  let position = out.length + 1;
  let payload = next;
  let map = 1;
  if (!two) {
    payload = code.bytes[position & 31];
    position += evex ? 2 : 1;
    map = evex ? next & 7 : next & 0x1f;
    if (lead === 0xc4 && map > 3) map = 0;
  }
  const opcode = code.bytes[position & 31];
  const vvvv = ((payload >> 3) ^ 15) & (long ? 15 : 7);
  const pp = payload & 3;
  // R, X and B are inverted, and mean nothing outside 64-bit mode.
  out.rex = u8(long ? 0x40 | ((~next >> 5) & (two ? 4 : 7)) | (two ? 0 : (payload >> 4) & 8) : 0);
  out.prefixes = u32(
    out.prefixes |
      prefixVex |
      ((payload & 4) !== 0 ? prefixVex256 : 0) |
      (pp === 1 ? prefixOperandSize : pp === 2 ? prefixRep : pp === 3 ? prefixRepne : 0),
  );
  out.map = u8(map);
  out.vvvv = u8(vvvv);
  out.opcode = opcode;
  out.length = u8(position + 1);
  return map === 1 && !evex && vvvv === 0 && isVexMove(opcode, u8(pp))
    ? rows[256 + opcode]
    : vexRow(u8(map), opcode);
}

/**
 * Follows `out.row`, which is not plain, to the plain row of the instruction. On both sides `out.length` is the number
 * of bytes taken so far, `out.opcode`, `map`, `rex`, `vvvv` and `prefixes` what they said.
 */
export function followRow(code: CodeBytes, mode: Mode, out: Instruction): DecodeResult {
  const long = mode === Mode.bits64;
  const available = Math.min(code.length, longestInstruction);
  // Enough steps for the longest chain: 0F, 38, mandatory prefix, ModRM.mod, ModRM.reg.
  for (let step = 0; step < 6; step++) {
    const row = out.row;
    const link = row & 0xffff;
    const position = out.length;
    const next = code.bytes[position & 31];
    let choice = 0;
    switch (row >>> rowKindShift) {
      case RowKind.plain:
        return DecodeResult.ok;
      case RowKind.byPrefix: {
        const { prefixes } = out;
        choice =
          (prefixes & prefixRepne) !== 0
            ? 3
            : (prefixes & prefixRep) !== 0
              ? 2
              : prefixes & prefixOperandSize;
        break;
      }
      case RowKind.byMode:
        choice = long ? 0 : 1;
        break;
      case RowKind.rex:
        if (long) return short(code);
        break;
      case RowKind.prefix:
        return short(code);
      case RowKind.undefined:
        return DecodeResult.undefined;
      default:
        // The others need the next byte.
        if (position >= available) return short(code);
    }
    switch (row >>> rowKindShift) {
      case RowKind.escape: {
        const map = out.map === 0 ? 1 : out.opcode === 0x38 ? 2 : 3;
        out.map = u8(map);
        out.opcode = next;
        out.length = u8(position + 1);
        out.row = map === 1 ? rows[256 + next] : map === 2 ? escapeRow(next) : row3A;
        continue;
      }
      case RowKind.vex:
        if (out.opcode === 0x8f ? (next & 0x1f) < 8 : !long && next < 0xc0) {
          out.row = out.opcode === 0x8f ? rowPop : rowMemoryOnly;
          continue;
        }
        if (
          (out.prefixes & (prefixOperandSize | prefixLock | prefixRep | prefixRepne)) !== 0 ||
          out.rex !== 0
        ) {
          return DecodeResult.undefined;
        }
        out.row = vexPrefix(code, mode, next, out);
        if (out.length > available) return short(code);
        continue;
      case RowKind.byMod:
        choice = next >= 0xc0 ? 1 : 0;
        break;
      case RowKind.byReg:
        choice = (next >> 3) & 7;
        break;
      case RowKind.byRegRm:
        choice = next & 0x3f;
        break;
      default:
        break;
    }
    out.row = rows[Math.min(link + choice, rows.length - 1)];
  }
  return DecodeResult.undefined;
}
