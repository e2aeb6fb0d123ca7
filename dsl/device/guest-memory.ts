/**
 * A guest's memory as a device sees it. Every address and length that a guest gives is checked where it is used, and
 * what does not lie in memory is a value that the device looks at, never a trap. A device works on copies: what it has
 * checked, the guest cannot change any more.
 */
import { u16, u32, u8, type u64 } from "../core/int.ts";
import {
  array,
  extend,
  struct,
  type Descriptor,
  type FixedArray,
  type StructDescriptor,
} from "../core/layout.ts";
import { board, type GuestValue } from "./board.ts";
import { DeclarationError } from "./place.ts";

/** Reads of 2, 4 and 8 bytes of guest-physical memory; `ok` is false where they do not lie in memory. */
export const guestMemory = Object.freeze({
  read16: (gpa: u64): GuestValue => board.readMemory(gpa, 2),
  read32: (gpa: u64): GuestValue => board.readMemory(gpa, 4),
  read64: (gpa: u64): GuestValue => board.readMemory(gpa, 8),
  /** Writes 2 bytes, after everything that was written before; false, and nothing changes, where the guest could not. */
  write16: (gpa: u64, value: u16): boolean => board.writeMemory(gpa, 2, BigInt(value)),
  /** As `write16`, 4 bytes. */
  write32: (gpa: u64, value: u32): boolean => board.writeMemory(gpa, 4, BigInt(value)),
});

/** Bytes of the largest buffer: those of a disk that is all memory. */
const mostBytes = 0x100_0000;
/** Bytes of the longest copy. */
const copyBytes = 4096;

interface BufferFields {
  readonly bytes: FixedArray<u8>;
}
/** Bytes that are copied from and to guest memory, as many as were declared. */
export interface GuestBuffer {
  readonly bytes: FixedArray<u8>;
  /** Copies `length` bytes (at most 4,096) of guest memory to `at`; false where they do not lie in memory, or the buffer has no room. */
  load(gpa: u64, at: u32, length: u32): boolean;
  /** Copies `length` bytes (at most 4,096) from `at` to guest memory; false where the guest could not write them, or the buffer has not as many. */
  store(gpa: u64, at: u32, length: u32): boolean;
  /** Integers of the buffer, lowest byte first; 0 behind its end. */
  u8At(at: u32): u8;
  u16At(at: u32): u16;
  u32At(at: u32): u32;
  u64At(at: u32): u64;
}
const buffers = new Map<number, StructDescriptor<GuestBuffer>>();

/** Whether a descriptor is that of a buffer. */
export function isGuestBuffer(descriptor: Descriptor): boolean {
  return [...buffers.values()].some((known) => known === descriptor);
}

/** Declares a buffer of `length` bytes (1 to 16 MiB) for guest memory. A reset leaves it. */
export function guestBuffer(length: number): StructDescriptor<GuestBuffer> {
  if (!Number.isInteger(length) || length < 1 || length > mostBytes)
    throw new DeclarationError(`a buffer for guest memory has 1 to ${mostBytes} bytes, not ${length}`);
  const known = buffers.get(length);
  if (known !== undefined) return known;
  const byteAt = (self: BufferFields, at: u32): u8 => (at < length ? self.bytes[at] : 0);
  const half = (self: BufferFields, at: u32): u16 => byteAt(self, at) | (byteAt(self, u32(at + 1)) << 8);
  const word = (self: BufferFields, at: u32): u32 => u32(half(self, at) | (half(self, u32(at + 2)) << 16));
  const made = extend(struct(`GuestBuffer_${length}`, { bytes: array(u8, length) }), {
    methods: {
      load: (self: BufferFields, gpa: u64, at: u32, count: u32): boolean =>
        count <= copyBytes && board.copyFromMemory(gpa, self.bytes, at, count),
      store: (self: BufferFields, gpa: u64, at: u32, count: u32): boolean =>
        count <= copyBytes && board.copyToMemory(gpa, self.bytes, at, count),
      u8At: byteAt,
      u16At: half,
      u32At: word,
      u64At: (self: BufferFields, at: u32): u64 =>
        BigInt(word(self, at)) | (BigInt(word(self, u32(at + 4))) << 32n),
    },
  }) as unknown as StructDescriptor<GuestBuffer>;
  buffers.set(length, made);
  return made;
}
