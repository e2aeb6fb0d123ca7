/**
 * virtio-blk (virtio 1.2 §5.2) on a disk that is all memory: zero when the guest starts, and kept over its resets of the
 * device. Sectors have 512 bytes.
 */
import { bank, device, guestBuffer, ro, u32, u64, u8, type StateOf } from "../../dsl/device/vocabulary.ts";
import { DeclarationError } from "../../dsl/device/place.ts";
import {
  blkAnswer,
  blkFeature,
  blkRequest,
  headerBytes,
  nameBytes,
  nameOf,
  rangeBytes,
  sectorBytes,
} from "./blk-request.ts";
import { virtio } from "./transport.ts";

const queueSize = 16;
/** Requests that one notification is answered with. */
const requestsAtOnce = 2;
/** Largest segment of a request, and most segments besides the header and the status. */
const segmentBytes = 4096;
const segments = queueSize - 2;

const { sizeMax, segMax, flush, discard: discarding } = blkFeature;
const diskName = nameOf("typevisor-ram-disk");

/** Makes the device with a disk of `diskBytes`, whose base address 0 lies at `gpa` at first. */
export function virtioBlkDevice(gpa: number, diskBytes: number) {
  if (!Number.isInteger(diskBytes) || diskBytes < sectorBytes || diskBytes % sectorBytes !== 0)
    throw new DeclarationError(`a disk has whole sectors of ${sectorBytes} bytes, not ${diskBytes} bytes`);
  const sectors = BigInt(diskBytes / sectorBytes);
  const parts = virtio({
    kind: 2,
    classCode: 0x01_8000,
    queues: 1,
    queueSize,
    features: sizeMax | segMax | flush | discarding,
    configurationBytes: 48,
    gpa,
  });
  const shape = device("virtio-blk", {
    banks: {
      ...parts.banks,
      deviceConfiguration: bank(
        u32,
        {
          capacity: ro(0, {}, { width: u64, reset: sectors }),
          sizeMax: ro(8, {}, { reset: segmentBytes }),
          segMax: ro(12, {}, { reset: segments }),
          discardSectors: ro(36, {}, { reset: sectors }),
          discardSegments: ro(40, {}, { reset: 1 }),
          discardAlignment: ro(44, {}, { reset: 1 }),
        },
        parts.configured,
      ),
    },
    state: { ...parts.state, disk: guestBuffer(diskBytes), bytes: guestBuffer(32) },
  });
  type Blk = StateOf<typeof shape>;

  /** Whether sectors from `sector` on lie on the disk. */
  const onDisk = (sector: u64, count: u64): boolean => sector <= sectors && count <= sectors - sector;

  /** Moves `length` bytes between the disk from `offset` on and the chain's data; the answer to the request. */
  const transfer = (u: Blk, offset: u32, length: u32, reading: boolean): u8 => {
    const queue = u.queues[0];
    let skip: u32 = reading ? 0 : headerBytes;
    let done: u32 = 0;
    for (let i = 0; i < queueSize; i += 1) {
      if (i >= queue.count || done >= length) break;
      const segment = queue.segments[i];
      if (segment.writable === reading) {
        const start = u32(Math.min(skip, segment.bytes));
        skip = u32(skip - start);
        const bytes = u32(Math.min(segment.bytes - start, length - done));
        const at = u64(segment.gpa + BigInt(start));
        const place = u32(offset + done);
        const moved = reading ? u.disk.store(at, place, bytes) : u.disk.load(at, place, bytes);
        if (!moved) return blkAnswer.failed;
        done = u32(done + bytes);
      }
    }
    return blkAnswer.ok;
  };
  const readOrWrite = (u: Blk, sector: u64, length: u32, reading: boolean): u8 => {
    const count = BigInt(length >>> 9);
    if (length % sectorBytes !== 0 || !onDisk(sector, count)) return blkAnswer.failed;
    return transfer(u, u32(sector * BigInt(sectorBytes)), length, reading);
  };
  /** Memory gives nothing back: what is discarded stays readable, which §5.2.6.2 allows. */
  const discard = (u: Blk, length: u32): u8 => {
    if (length !== rangeBytes || !u.queues[0].load(u.bytes, headerBytes, rangeBytes)) return blkAnswer.failed;
    if (u.bytes.u32At(12) !== 0) return blkAnswer.unsupported;
    return onDisk(u.bytes.u64At(0), BigInt(u.bytes.u32At(8))) ? blkAnswer.ok : blkAnswer.failed;
  };
  const tellName = (u: Blk, length: u32): u8 => {
    for (let i = 0; i < nameBytes; i += 1) u.bytes.bytes[i] = diskName[i];
    return u.queues[0].store(u.bytes, 0, u32(Math.min(length, nameBytes))) ? blkAnswer.ok : blkAnswer.failed;
  };

  /** Does one request; false where it has no header or no place for its answer. */
  const perform = (u: Blk): boolean => {
    const queue = u.queues[0];
    const readable = queue.readable;
    const writable = queue.writable;
    if (writable === 0 || readable < headerBytes || !queue.load(u.bytes, 0, headerBytes)) return false;
    const type = u.bytes.u32At(0);
    const sector = u.bytes.u64At(8);
    const room = u32(writable - 1);
    const given = u32(readable - headerBytes);
    let status: u8 = blkAnswer.unsupported;
    if (type === blkRequest.read) status = readOrWrite(u, sector, room, true);
    else if (type === blkRequest.write) status = readOrWrite(u, sector, given, false);
    else if (type === blkRequest.flush) status = blkAnswer.ok;
    else if (type === blkRequest.id) status = tellName(u, room);
    else if (type === blkRequest.discard) status = discard(u, given);
    u.bytes.bytes[0] = status;
    if (!queue.store(u.bytes, room, 1)) return false;
    parts.complete(u, 0, status === blkAnswer.ok ? writable : 1);
    return true;
  };
  return shape.implement(parts.behaviour(parts.server({ queue: 0, atOnce: requestsAtOnce }, perform)));
}
