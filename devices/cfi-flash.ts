/**
 * A parallel flash chip of Intel's command set (JEDEC JESD68.01, common flash interface; JEP137, command set 0001; Intel
 * StrataFlash J3 data sheet 290667, table 4), a byte wide, as UEFI firmware keeps its variables in one. The guest reads
 * the array as memory; the first write of a command makes every access the chip's, until "read array".
 */
import {
  answers,
  array,
  device,
  flashArray,
  u16,
  u32,
  u8,
  type FlashArray,
} from "../dsl/device/vocabulary.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import { instantiate } from "../dsl/device/instance.ts";
import { fitted, type DeviceDeclaration } from "../dsl/manifest/device.ts";
import { firmwareRom, firmwareSizes } from "../dsl/manifest/memory.ts";

/** Bytes that one erase sets. */
const blockBytes = 4096;
/** Bytes of the write buffer, a power of two. */
const bufferBytes = 32;

/** Commands (290667, table 4). */
const command = {
  readArray: 0xff,
  readIdentifier: 0x90,
  query: 0x98,
  readStatus: 0x70,
  clearStatus: 0x50,
  program: 0x40,
  programToo: 0x10,
  erase: 0x20,
  confirm: 0xd0,
  buffer: 0xe8,
} as const;

/** What an access means. */
enum Mode {
  array = 0,
  status = 1,
  identifier = 2,
  query = 3,
  /** The next write is a byte to be programmed. */
  program = 4,
  /** The next write confirms an erase. */
  erase = 5,
  /** The next writes are a count, that many bytes, and a confirmation. */
  bufferCount = 6,
  bufferData = 7,
  bufferConfirm = 8,
}

/** Bits of the status register (290667, table 17). */
const status = { ready: 0x80, eraseError: 0x20, programError: 0x10 } as const;

/** Manufacturer and device of a StrataFlash (290667, table 5). */
const identifiers = Object.freeze([0x89, 0x18]);

/** The answers to a query from offset 0x10 on (JESD68.01, tables 1 to 4; 290667, tables 8 to 13). */
function queryTable(bytes: number): readonly number[] {
  const half = (n: number): number[] => [n & 0xff, n >>> 8];
  const blocks = bytes / blockBytes;
  return Object.freeze([
    ...[0x51, 0x52, 0x59],
    // Command set 0001 with its table at 0x31; no other.
    ...[...half(1), ...half(0x31), ...half(0), ...half(0)],
    // Voltages, and times as powers of two in microseconds and milliseconds: all of it is done at once.
    ...[0x27, 0x36, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0],
    // The size's power of two, a byte wide, the buffer's power of two; one region of blocks, their size in 256 bytes.
    ...[Math.ceil(Math.log2(bytes)), ...half(0), ...half(Math.log2(bufferBytes)), 1],
    ...[...half(blocks - 1), ...half(blockBytes / 256)],
    // Version 1.0, and none of the extended features.
    ...[0x50, 0x52, 0x49, 0x31, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ]);
}
const queryStart = 0x10;

/** The part of the state that the handlers work on. */
interface Flash {
  readonly array: FlashArray;
  mode: u8;
  status: u8;
  left: u16;
  bufferAt: u32;
  written: u32;
  readonly buffer: FixedArray<u8>;
}

/** Makes a chip of whole blocks. */
export function cfiFlash(bytes: number) {
  const table = queryTable(bytes);
  const tableBytes = table.length;

  const answer = (u: Flash, offset: u32): u8 => {
    switch (u.mode) {
      case Mode.array:
        return u.array.read(offset);
      case Mode.identifier:
        return offset < 2 ? identifiers[offset & 1] : 0;
      case Mode.query: {
        const index = u32(offset - queryStart);
        return index < tableBytes ? table[index] : 0;
      }
      default:
        return u.status;
    }
  };
  /** Ends a command with more bits of the status. */
  const end = (u: Flash, bits: u8): void => {
    u.status = u.status | status.ready | bits;
    u.mode = Mode.status;
  };
  /** Programs what was written to the buffer. */
  const flush = (u: Flash): void => {
    for (let i = 0; i < bufferBytes; i += 1)
      if (((u.written >>> i) & 1) !== 0) u.array.program(u32(u.bufferAt + i), u.buffer[i]);
  };
  const begin = (u: Flash, value: u8): void => {
    switch (value) {
      case command.readIdentifier:
        u.mode = Mode.identifier;
        break;
      case command.query:
        u.mode = Mode.query;
        break;
      case command.readStatus:
        u.mode = Mode.status;
        break;
      case command.clearStatus:
        // QEMU's chip reads as not ready until its next command ends, and OVMF tells flash from memory by that.
        u.status = 0;
        u.mode = Mode.array;
        break;
      case command.program:
      case command.programToo:
        u.mode = Mode.program;
        break;
      case command.erase:
        u.mode = Mode.erase;
        break;
      case command.buffer:
        u.status = u.status | status.ready;
        u.mode = Mode.bufferCount;
        break;
      default:
        u.mode = Mode.array;
    }
  };
  const write = (u: Flash, offset: u32, value: u8): void => {
    switch (u.mode) {
      case Mode.program:
        u.array.program(offset, value);
        end(u, 0);
        break;
      case Mode.erase:
        if (value === command.confirm) u.array.erase(u32(offset & ~(blockBytes - 1)), blockBytes);
        end(u, value === command.confirm ? 0 : status.eraseError | status.programError);
        break;
      case Mode.bufferCount:
        u.left = u16(value + 1);
        u.written = 0;
        u.bufferAt = u32(offset & ~(bufferBytes - 1));
        if (value < bufferBytes) u.mode = Mode.bufferData;
        else end(u, status.programError);
        break;
      case Mode.bufferData: {
        const at = offset & (bufferBytes - 1);
        if (u32(offset & ~(bufferBytes - 1)) !== u.bufferAt) {
          end(u, status.programError);
          break;
        }
        u.buffer[at] = value;
        u.written = u32(u.written | (1 << at));
        u.left = u16(u.left - 1);
        if (u.left === 0) u.mode = Mode.bufferConfirm;
        break;
      }
      case Mode.bufferConfirm:
        if (value === command.confirm) flush(u);
        end(u, value === command.confirm ? 0 : status.eraseError | status.programError);
        break;
      default:
        begin(u, value);
    }
    u.array.show(u.mode === Mode.array);
  };

  const shape = device("cfi-flash", {
    title: "Flash chip",
    about:
      "The guest reads it as memory. A command makes every access the chip's: byte and buffered programming, which clears bits; the erase of a block of 4 KiB, which sets them; status, identifiers, and the query of the common flash interface. What it holds outlasts the guest's restarts.",
    manuals: ["JEDEC JESD68.01", "JEDEC JEP137", "Intel StrataFlash J3 data sheet 290667"],
    banks: { chip: answers({ read: answer, write }, { space: "mmio", size: bytes }) },
    state: {
      array: flashArray(),
      mode: u8,
      status: u8,
      left: u16,
      bufferAt: u32,
      /** Bytes of the buffer that were written, by bits. */
      written: u32,
      buffer: array(u8, bufferBytes),
    },
  });
  return shape.implement({
    reset(u) {
      u.status = status.ready;
    },
    resumed(u) {
      u.array.appear();
    },
  });
}

/** The flash in which UEFI firmware keeps its variables, in front of the firmware itself. */
export function variableFlash(): DeviceDeclaration {
  const { mostBytes, variableBytes } = firmwareSizes.uefi;
  const instance = instantiate(cfiFlash(variableBytes), "flash", {
    at: { chip: firmwareRom.end - mostBytes },
    connect: {},
  });
  return fitted(instance);
}
