/**
 * virtio-blk (virtio 1.2 §5.2) on a volume of the host: data goes straight between the disk and the guest's memory, and
 * requests end in whatever order the disk ends them. What the device needs to answer a request it copies when it takes
 * it. A driver's reset is complete, and tells so, when nothing is under way any more (§2.4.1).
 */
import {
  array,
  bank,
  bool,
  device,
  guestBuffer,
  ro,
  source,
  u16,
  u32,
  u64,
  u8,
  volume,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";
import {
  BlockOperation,
  BlockResult,
  maxDiscardSectors,
  requestsPerVolume,
} from "../../dsl/device/volume.ts";
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

const queueSize = 64;
/** Requests that one notification is answered with. */
const requestsAtOnce = 4;
/** Largest segment of a request, and most segments besides the header and the status. */
const segmentBytes = 0x1_0000;
const segments = 30;
const allSlots = (1 << requestsPerVolume) - 1;

export interface BlkVolumeOptions {
  /** The disk's name, of which 20 characters are told. */
  readonly name: string;
  readonly readOnly: boolean;
}

/** Makes the device, whose base address 0 lies at `gpa` at first. */
export function virtioBlkVolume(gpa: number, { name, readOnly }: BlkVolumeOptions) {
  const { sizeMax, segMax, flush, discard } = blkFeature;
  const diskName = nameOf(name);
  const parts = virtio({
    kind: 2,
    classCode: 0x01_8000,
    queues: 1,
    queueSize,
    features: sizeMax | segMax | flush | (readOnly ? blkFeature.readOnly : discard),
    configurationBytes: 48,
    gpa,
  });
  const shape = device("virtio-blk-volume", {
    banks: {
      ...parts.banks,
      deviceConfiguration: bank(
        u32,
        {
          capacity: ro(0, {}, { width: u64 }),
          sizeMax: ro(8, {}, { reset: segmentBytes }),
          segMax: ro(12, {}, { reset: segments }),
          discardSectors: ro(36, {}, { reset: maxDiscardSectors }),
          discardSegments: ro(40, {}, { reset: 1 }),
          discardAlignment: ro(44, {}, { reset: 1 }),
        },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      disk: volume(),
      done: source(),
      bytes: guestBuffer(32),
      /** Bit n: request n is under way. */
      busy: u8,
      /** The driver has asked for a reset, which waits for what is under way. */
      leaving: bool,
      heads: array(u16, requestsPerVolume),
      /** Where the request's status goes, how many bytes a success writes, and what it is. */
      statusAt: array(u64, requestsPerVolume),
      lengths: array(u32, requestsPerVolume),
      operations: array(u8, requestsPerVolume),
    },
  });
  type Blk = StateOf<typeof shape>;

  /** Answers a request with its status, and gives its chain back. */
  const answer = (u: Blk, slot: u8, status: u8): void => {
    const at = slot & 7;
    u.bytes.bytes[0] = status;
    if (!u.bytes.store(u.statusAt[at], 0, 1)) parts.fail(u);
    else if (!u.queues[0].giveBack(u.heads[at], status === blkAnswer.ok ? u.lengths[at] : 1)) parts.fail(u);
  };

  /** Guest-physical address of the chain's last writable byte, which takes the status. */
  const statusPlace = (u: Blk): u64 => {
    const queue = u.queues[0];
    let place: u64 = 0n;
    for (let i = 0; i < queueSize; i += 1) {
      if (i >= queue.count) break;
      const { gpa: start, bytes, writable } = queue.segments[i];
      if (writable && bytes !== 0) place = u64(start + BigInt(bytes) - 1n);
    }
    return place;
  };
  /** Adds the chain's data, `length` bytes of it, to a request; false where it is not memory. */
  const addData = (u: Blk, slot: u8, length: u32, reading: boolean): boolean => {
    const queue = u.queues[0];
    let skip: u32 = reading ? 0 : headerBytes;
    let left: u32 = length;
    for (let i = 0; i < queueSize; i += 1) {
      if (i >= queue.count || left === 0) break;
      const { gpa: first, bytes: whole, writable } = queue.segments[i];
      if (writable === reading) {
        const start = u32(Math.min(skip, whole));
        skip = u32(skip - start);
        const bytes = u32(Math.min(whole - start, left));
        if (bytes !== 0 && !u.disk.add(slot, u64(first + BigInt(start)), bytes, reading)) return false;
        left = u32(left - bytes);
      }
    }
    return left === 0;
  };

  const submit = (u: Blk, slot: u8, operation: u8, sector: u64, sectors: u32): void => {
    u.operations[slot & 7] = operation;
    u.busy = u.busy | ((1 << (slot & 7)) & 0xff);
    u.disk.submit(slot, operation, sector, sectors);
  };
  const readOrWrite = (u: Blk, slot: u8, sector: u64, length: u32, reading: boolean): void => {
    if (length % sectorBytes !== 0 || !u.disk.open(slot) || !addData(u, slot, length, reading))
      answer(u, slot, blkAnswer.failed);
    else submit(u, slot, reading ? BlockOperation.read : BlockOperation.write, sector, length >>> 9);
  };
  const discardRange = (u: Blk, slot: u8, length: u32): void => {
    if (length !== rangeBytes || !u.queues[0].load(u.bytes, headerBytes, rangeBytes) || !u.disk.open(slot))
      answer(u, slot, blkAnswer.failed);
    else if (u.bytes.u32At(12) !== 0) answer(u, slot, blkAnswer.unsupported);
    else submit(u, slot, BlockOperation.discard, u.bytes.u64At(0), u.bytes.u32At(8));
  };
  const tellName = (u: Blk, slot: u8, length: u32): void => {
    for (let i = 0; i < nameBytes; i += 1) u.bytes.bytes[i] = diskName[i];
    const told = u.queues[0].store(u.bytes, 0, u32(Math.min(length, nameBytes)));
    answer(u, slot, told ? blkAnswer.ok : blkAnswer.failed);
  };

  /** Begins the request that was taken last, under a number that is free; false where it has no header or no place for its answer. */
  const begin = (u: Blk): boolean => {
    const slot = u8(31 - Math.clz32(~u.busy & allSlots));
    const queue = u.queues[0];
    const readable = queue.readable;
    const writable = queue.writable;
    if (writable === 0 || readable < headerBytes || !queue.load(u.bytes, 0, headerBytes)) return false;
    const type = u.bytes.u32At(0);
    const sector = u.bytes.u64At(8);
    const room = u32(writable - 1);
    const given = u32(readable - headerBytes);
    const at = slot & 7;
    u.heads[at] = queue.head;
    u.statusAt[at] = statusPlace(u);
    u.lengths[at] = writable;
    if (type === blkRequest.read) readOrWrite(u, slot, sector, room, true);
    else if (type === blkRequest.write) readOrWrite(u, slot, sector, given, false);
    else if (type === blkRequest.flush && u.disk.open(slot)) submit(u, slot, BlockOperation.flush, 0n, 0);
    else if (type === blkRequest.id) tellName(u, slot, room);
    else if (type === blkRequest.discard && !readOnly) discardRange(u, slot, given);
    else answer(u, slot, blkAnswer.unsupported);
    return true;
  };
  const serve = parts.server(
    // What ends makes room, and goes on there.
    { queue: 0, atOnce: requestsAtOnce, ready: (u) => !u.leaving && u.busy !== allSlots },
    begin,
  );
  const common = parts.behaviour(serve);
  /** A request has ended. */
  const ended = (u: Blk, byte: u8): void => {
    const slot = byte & 7;
    const mask = 1 << slot;
    if ((u.busy & mask) === 0) return;
    u.busy = u.busy & ~mask & 0xff;
    if (u.leaving) {
      if (u.busy !== 0) return;
      u.leaving = false;
      const status = u.deviceStatus.status;
      u.deviceStatus.status = 0;
      common.written.deviceStatus(u, 0, status);
      return;
    }
    const result = byte >>> 3;
    // A disk that cannot discard keeps the content, which §5.2.6.2 allows.
    const kept = result === BlockResult.unsupported && u.operations[slot] === BlockOperation.discard;
    if (parts.running(u))
      answer(u, slot, result === BlockResult.done || kept ? blkAnswer.ok : blkAnswer.failed);
    serve(u);
  };
  return shape.implement({
    ...common,
    peek: { ...common.peek, capacity: (u) => u.disk.sectors },
    written: {
      ...common.written,
      deviceStatus(u, value, old) {
        if (u.leaving) u.deviceStatus.status = old & 0xff;
        else if ((value & 0xff) === 0 && u.busy !== 0) {
          u.leaving = true;
          u.deviceStatus.status = old & 0xff;
        } else common.written.deviceStatus(u, value, old);
      },
    },
    room: { done: (u) => (u.busy === 0 ? 0 : 1) },
    receive: { done: ended },
  });
}
