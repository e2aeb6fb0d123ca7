/**
 * GUID partition tables (UEFI 2.10 §5.3): finds partitions by their names. A table counts only with both of its checksums
 * right; where the one at the start of a disk is damaged, the one at its end is read.
 */
import { array, struct, type FixedArray } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { addressOf, load16, load32, load64, load8 } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";

/** Bytes of a sector, and of what is read of the entries at once. */
const sectorBytes = 512;
const bufferBytes = 4096;
/** "EFI PART". */
const signature = 0x5452_4150_2049_4645n;
const headerBytes = 92;
const checksumAt = 16;
/** Offsets in an entry, and characters of a name. */
const firstAt = 32n;
const lastAt = 40n;
const nameAt = 56n;
const nameLength = 36;
/** More entries than anyone makes are no sound table. */
const maxEntryBytes = 512 * 128;
const maxEntries = 512;

/** A name as a table has it. */
export interface PartitionName {
  readonly index: number;
  readonly name: string;
}

/** What one table said of a name. */
export const Partition = struct("Partition", { first: u64, sectors: u64, found: u32, spare: u32 });

/** CRC-32 of 4 bits (UEFI 2.10 §4.2): the reflected polynomial 0xedb88320. */
const crcOfNibble = Object.freeze(
  Array.from({ length: 16 }, (_, n) => {
    let crc = n;
    for (let i = 0; i < 4; i++) crc = ((crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1) >>> 0;
    return crc;
  }),
);

/** Goes on with a checksum that began as 0xffffffff and is inverted at the end. */
export function crc32Of(crc: u32, address: u64, bytes: u32): u32 {
  let sum: u32 = crc;
  for (let i = 0; i < bytes; i++) {
    const mixed = u32(sum ^ load8(u64(address + BigInt(i))));
    const half = u32((mixed >>> 4) ^ crcOfNibble[mixed & 15]);
    sum = u32((half >>> 4) ^ crcOfNibble[half & 15]);
  }
  return sum;
}

/** A reader of partition tables. */
export interface PartitionReader {
  /** Looks for all names on a disk of `sectors` sectors; false where it has no sound table. */
  find(disk: u32, sectors: u64): boolean;
  /** What was found of the name with an index on the disk looked at last. */
  readonly partitions: FixedArray<{ first: u64; sectors: u64; found: u32 }>;
}

/** Reads whole sectors of a disk to memory. */
export type ReadSectors = (disk: u32, sector: u64, hpa: u64, bytes: u64) => boolean;

/** Makes a reader that looks for these names. */
export function partitionReader(names: readonly PartitionName[], read: ReadSectors): PartitionReader {
  const buffer = storage("gptBuffer", array(u32, bufferBytes / 4), { align: 4096 });
  const partitions = storage(
    "gptFound",
    array(Partition, Math.max(1, ...names.map(({ index }) => index + 1))),
  );
  const Table = struct("GptTable", {
    entries: u64,
    count: u32,
    size: u32,
    checksum: u32,
    last: u64,
    first: u64,
  });
  const table = storage("gptTable", Table);
  const wanted = names.map(({ index, name }) => {
    const characters = storage(`gptName.${index}`, array(u32, nameLength), { constant: true });
    for (let i = 0; i < name.length; i++) characters[i] = name.charCodeAt(i);
    return Object.freeze({ index, characters });
  });

  /** Takes the header at a sector; false where it is not one. */
  const openTable = (disk: u32, sector: u64, sectors: u64): boolean => {
    const at = addressOf(buffer);
    if (!read(disk, sector, at, BigInt(sectorBytes))) return false;
    const bytes = load32(u64(at + 12n));
    if (load64(at) !== signature || bytes < headerBytes || bytes > sectorBytes) return false;
    const told = load32(u64(at + BigInt(checksumAt)));
    buffer[checksumAt >>> 2] = 0;
    if (u32(~crc32Of(0xffff_ffff, at, bytes)) !== told || load64(u64(at + 24n)) !== sector) return false;
    table.first = load64(u64(at + 40n));
    table.last = load64(u64(at + 48n));
    table.entries = load64(u64(at + 72n));
    table.count = load32(u64(at + 80n));
    table.size = load32(u64(at + 84n));
    table.checksum = load32(u64(at + 88n));
    const size = table.size;
    const count = table.count;
    // Sizes are 128 times a power of two (§5.3.2), so that entries never cross what is read at once.
    if (size < 128 || size > bufferBytes || (size & (size - 1)) !== 0) return false;
    if (count > maxEntries || count * size > maxEntryBytes) return false;
    return table.last < sectors && table.first <= table.last && table.entries < sectors;
  };

  const isNamed = (entry: u64, characters: FixedArray<u32>): boolean => {
    for (let i = 0; i < nameLength; i++)
      if (load16(u64(entry + nameAt + BigInt(2 * i))) !== characters[i]) return false;
    return true;
  };

  const take = (entry: u64): void => {
    if (load64(entry) === 0n && load64(u64(entry + 8n)) === 0n) return;
    const first = load64(u64(entry + firstAt));
    const last = load64(u64(entry + lastAt));
    if (first < table.first || last > table.last || last < first) return;
    for (const w of wanted) {
      if (isNamed(entry, w.characters)) {
        const partition = partitions[w.index];
        partition.first = first;
        partition.sectors = u64(last - first + 1n);
        partition.found = u32(partition.found + 1);
      }
    }
  };

  const readEntries = (disk: u32): boolean => {
    const at = addressOf(buffer);
    const size = Math.min(table.size, bufferBytes);
    const total = u32(Math.min(table.count, maxEntries) * size);
    let sum: u32 = 0xffff_ffff;
    for (let done: u32 = 0; done < maxEntryBytes; done += bufferBytes) {
      if (done >= total) break;
      const bytes = u32(Math.min(total - done, bufferBytes));
      const whole = BigInt((bytes + sectorBytes - 1) & ~(sectorBytes - 1));
      if (!read(disk, u64(table.entries + BigInt(done >>> 9)), at, u64(whole))) return false;
      sum = crc32Of(sum, at, bytes);
      for (let entry: u32 = 0; entry < bufferBytes; entry += 128)
        if (entry < bytes && (entry & (size - 1)) === 0) take(u64(at + BigInt(entry)));
    }
    return u32(~sum) === table.checksum;
  };

  const forget = (): void => {
    for (const w of wanted) partitions[w.index].found = 0;
  };
  const readTable = (disk: u32, sector: u64, sectors: u64): boolean => {
    forget();
    if (openTable(disk, sector, sectors) && readEntries(disk)) return true;
    forget();
    return false;
  };

  return Object.freeze({
    partitions,
    find: (disk: u32, sectors: u64): boolean =>
      sectors > 2n && (readTable(disk, 1n, sectors) || readTable(disk, u64(sectors - 1n), sectors)),
  });
}
