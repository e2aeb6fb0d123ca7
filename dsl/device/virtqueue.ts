/**
 * A split virtqueue (virtio 1.2 §2.7) as state of a device: takes chains of descriptors that the driver offers, copies
 * them out of guest memory while it checks them, and gives them back. Every walk is bounded by the queue's declared
 * size and a chain by its declared bytes; a queue that does not keep the rules is `broken`, and the device says so.
 */
import { u16, u32, type u64, type u8 } from "../core/int.ts";
import { array, bool, extend, struct, type FixedArray, type StructDescriptor } from "../core/layout.ts";
import { u64 as u64Type } from "../core/int.ts";
import { guestMemory } from "./guest-memory.ts";
import { DeclarationError } from "./place.ts";

/** What `take` found, and what `finish` says. */
export const Taken = Object.freeze({ none: 0, chain: 1, broken: 2 } as const);
/** Whether the driver wants an interrupt for what was completed. */
export const Wanted = Object.freeze({ no: 0, yes: 1, broken: 2 } as const);

/** Descriptor flags (§2.7.5). */
const flagNext = 1;
const flagWrite = 2;
const flagIndirect = 4;
/** VIRTQ_AVAIL_F_NO_INTERRUPT (§2.7.6). */
const noInterrupt = 1;
const descriptorBytes = 16n;

const Segment = struct("VirtqueueSegment", { gpa: u64Type, bytes: u32, writable: bool });

/** One stretch of a chain: guest-physical, and not yet known to lie in memory. */
export interface VirtqueueSegment {
  readonly gpa: u64;
  readonly bytes: u32;
  /** The device writes it; otherwise it reads it. */
  readonly writable: boolean;
}
interface Fields {
  descriptors: u64;
  driver: u64;
  device: u64;
  size: u16;
  ready: boolean;
  indirect: boolean;
  eventIndex: boolean;
  taken: u16;
  used: u16;
  signalled: u16;
  head: u16;
  count: u16;
  readable: u32;
  writable: u32;
  readonly segments: FixedArray<{ gpa: u64; bytes: u32; writable: boolean }>;
}
/** What copies from and to guest memory: a `GuestBuffer`, or a `Port`'s frame. */
interface Copying {
  load(gpa: u64, at: u32, length: u32): boolean;
  store(gpa: u64, at: u32, length: u32): boolean;
}
/** A queue, and the chain that was taken last. */
export interface Virtqueue {
  /** Whether the driver has set it up. */
  readonly ready: boolean;
  /** Segments of the chain, the readable ones first; the rest of `segments` is of older chains. */
  readonly count: u16;
  readonly segments: FixedArray<VirtqueueSegment>;
  /** Bytes that the device may read of the chain, and may write to it. */
  readonly readable: u32;
  readonly writable: u32;
  /** Largest number of descriptors. */
  readonly capacity: u16;
  /** Sets the queue up; false, and it is not ready, for a size or an alignment that §2.7 does not allow. */
  start(
    descriptors: u64,
    driver: u64,
    device: u64,
    size: u16,
    indirect: boolean,
    eventIndex: boolean,
  ): boolean;
  stop(): void;
  /** Takes the next chain that the driver offers: one of `Taken`. */
  take(): u8;
  /** Copies `length` bytes of the chain's readable part, from its byte `at` on, to the buffer's start; false where they are not there. */
  load(buffer: Copying, at: u32, length: u32): boolean;
  /** Copies the buffer's first `length` bytes to the chain's writable part, from its byte `at` on; false where they cannot be written. */
  store(buffer: Copying, at: u32, length: u32): boolean;
  /** The same with the buffer's bytes from `from` on. */
  storeFrom(buffer: Copying, from: u32, at: u32, length: u32): boolean;
  /** Gives the chain back with the bytes that were written to it; false where the used ring does not lie in memory. */
  complete(written: u32): boolean;
  /** As `complete`, but the driver sees it with the next `complete` only: several chains that belong together. */
  fill(written: u32): boolean;
  /** Leaves to the driver what was taken and not completed: it is taken again. For devices that complete in order. */
  putBack(): void;
  /** Descriptor that the chain begins with: what `giveBack` knows it by later. */
  readonly head: u16;
  /** As `complete`, for a chain that was taken earlier. */
  giveBack(head: u16, written: u32): boolean;
  /** After chains were completed: one of `Wanted`. */
  finish(): u8;
}

export interface VirtqueueOptions {
  /** Most bytes of one chain; default 4 MiB. */
  readonly chainBytes?: number;
}
const queues = new Map<string, StructDescriptor<Virtqueue>>();

/** Declares a queue of up to `size` descriptors, a power of two from 2 to 256. */
export function virtqueue(size: number, options: VirtqueueOptions = {}): StructDescriptor<Virtqueue> {
  if (!Number.isInteger(size) || size < 2 || size > 256 || (size & (size - 1)) !== 0)
    throw new DeclarationError(`a virtqueue's size is a power of two from 2 to 256, not ${size}`);
  const chainBytes: u32 = options.chainBytes ?? 0x40_0000;
  if (!Number.isInteger(chainBytes) || chainBytes < 1 || chainBytes > 0x4000_0000)
    throw new DeclarationError(`a chain has 1 to 2^30 bytes, not ${chainBytes}`);
  const name = `Virtqueue_${size}_${chainBytes}`;
  const known = queues.get(name);
  if (known !== undefined) return known;
  const capacity: u16 = size;

  /** Appends a descriptor to the chain; false where it does not keep the rules. */
  const append = (self: Fields, gpa: u64, bytes: u32, writable: boolean): boolean => {
    const count = self.count;
    // What is read comes first (§2.7.4.2).
    if (count >= capacity || count >= self.size || (!writable && self.writable !== 0)) return false;
    if (bytes > chainBytes - Math.min(self.readable + self.writable, chainBytes)) return false;
    const segment = self.segments[count];
    segment.gpa = gpa;
    segment.bytes = bytes;
    segment.writable = writable;
    if (writable) self.writable = u32(self.writable + bytes);
    else self.readable = u32(self.readable + bytes);
    self.count = u16(count + 1);
    return true;
  };

  /** Follows the chain from `self.head`; false where it does not end within the queue's size, or is not one. */
  const walk = (self: Fields): boolean => {
    self.count = 0;
    self.readable = 0;
    self.writable = 0;
    let table: u64 = self.descriptors;
    let entries: u32 = self.size;
    let index: u32 = self.head;
    let inside = false;
    // One more than a chain may have, for the descriptor that points to an indirect table.
    for (let i = 0; i <= capacity; i += 1) {
      if (index >= entries) return false;
      const at = u64Type(table + BigInt(index) * descriptorBytes);
      const address = guestMemory.read64(at);
      const rest = guestMemory.read64(u64Type(at + 8n));
      if (!address.ok || !rest.ok) return false;
      const bytes = u32(rest.value);
      const flags = u16(rest.value >> 32n);
      const next = u16(rest.value >> 48n);
      if ((flags & flagIndirect) !== 0) {
        // One table, alone and not within another (§2.7.5.3.1).
        if (!self.indirect || inside || (flags & (flagNext | flagWrite)) !== 0) return false;
        if (bytes === 0 || bytes % 16 !== 0 || bytes > capacity * 16) return false;
        inside = true;
        table = address.value;
        entries = bytes >>> 4;
        index = 0;
      } else {
        if (!append(self, address.value, bytes, (flags & flagWrite) !== 0)) return false;
        if ((flags & flagNext) === 0) return true;
        index = next;
      }
    }
    return false;
  };

  /** Copies between the chain's readable or writable part and a buffer. */
  const copy = (
    self: Fields,
    buffer: Copying,
    from: u32,
    at: u32,
    length: u32,
    writing: boolean,
  ): boolean => {
    let skip: u32 = at;
    let done: u32 = 0;
    for (let i = 0; i < capacity; i += 1) {
      if (done >= length || i >= self.count) break;
      const segment = self.segments[i];
      if (segment.writable === writing) {
        const bytes = segment.bytes;
        if (skip >= bytes) skip = u32(skip - bytes);
        else {
          const step = u32(Math.min(bytes - skip, length - done));
          const gpa = u64Type(segment.gpa + BigInt(skip));
          const place = u32(from + done);
          if (!(writing ? buffer.store(gpa, place, step) : buffer.load(gpa, place, step))) return false;
          done = u32(done + step);
          skip = 0;
        }
      }
    }
    return done === length;
  };

  /** Writes the used ring's next entry, behind its index. */
  const put = (self: Fields, head: u16, written: u32): boolean => {
    const slot = self.used & (self.size - 1);
    const entry = u64Type(self.device + 4n + BigInt(slot & 0xffff) * 8n);
    if (!guestMemory.write32(entry, head)) return false;
    if (!guestMemory.write32(u64Type(entry + 4n), written)) return false;
    self.used = u16(self.used + 1);
    return true;
  };
  const giveBack = (self: Fields, head: u16, written: u32): boolean =>
    put(self, head, written) && guestMemory.write16(u64Type(self.device + 2n), self.used);

  const layout = struct(name, {
    descriptors: u64Type,
    driver: u64Type,
    device: u64Type,
    readable: u32,
    writable: u32,
    size: u16,
    taken: u16,
    used: u16,
    signalled: u16,
    head: u16,
    count: u16,
    ready: bool,
    indirect: bool,
    eventIndex: bool,
    segments: array(Segment, size),
  });
  const made = extend(layout, {
    methods: {
      start: (
        self: Fields,
        descriptors: u64,
        driver: u64,
        device: u64,
        entries: u16,
        indirect: boolean,
        eventIndex: boolean,
      ): boolean => {
        self.descriptors = descriptors;
        self.driver = driver;
        self.device = device;
        self.size = entries;
        self.indirect = indirect;
        self.eventIndex = eventIndex;
        self.taken = 0;
        self.used = 0;
        self.signalled = 0;
        self.count = 0;
        // Alignments of §2.7.
        const aligned = (descriptors & 15n) === 0n && (driver & 1n) === 0n && (device & 3n) === 0n;
        self.ready = aligned && entries > 0 && entries <= capacity && (entries & (entries - 1)) === 0;
        return self.ready;
      },
      stop: (self: Fields): void => {
        self.ready = false;
      },
      take: (self: Fields): u8 => {
        if (!self.ready) return Taken.none;
        const driver = self.driver;
        const taken = self.taken;
        const index = u64Type(driver + 2n);
        const offered = guestMemory.read16(index);
        if (!offered.ok) return Taken.broken;
        let waiting = u16(u16(offered.value) - taken);
        if (waiting === 0 && self.eventIndex) {
          // Asks to be told of the next one (§2.7.10), then looks again: it may have come meanwhile.
          const event = u64Type(self.device + 4n + BigInt(self.size) * 8n);
          if (!guestMemory.write16(event, taken)) return Taken.broken;
          const again = guestMemory.read16(index);
          if (!again.ok) return Taken.broken;
          waiting = u16(u16(again.value) - taken);
        }
        if (waiting === 0) return Taken.none;
        if (waiting > self.size) return Taken.broken;
        const slot = taken & (self.size - 1);
        const head = guestMemory.read16(u64Type(driver + 4n + BigInt(slot & 0xffff) * 2n));
        if (!head.ok) return Taken.broken;
        self.head = u16(head.value);
        self.taken = u16(taken + 1);
        return walk(self) ? Taken.chain : Taken.broken;
      },
      load: (self: Fields, buffer: Copying, at: u32, length: u32): boolean =>
        copy(self, buffer, 0, at, length, false),
      store: (self: Fields, buffer: Copying, at: u32, length: u32): boolean =>
        copy(self, buffer, 0, at, length, true),
      storeFrom: (self: Fields, buffer: Copying, from: u32, at: u32, length: u32): boolean =>
        copy(self, buffer, from, at, length, true),
      fill: (self: Fields, written: u32): boolean => put(self, self.head, written),
      complete: (self: Fields, written: u32): boolean => giveBack(self, self.head, written),
      giveBack,
      putBack: (self: Fields): void => {
        self.taken = self.used;
      },
      finish: (self: Fields): u8 => {
        const used = self.used;
        const since = u16(used - self.signalled);
        if (since === 0) return Wanted.no;
        self.signalled = used;
        if (self.eventIndex) {
          const event = guestMemory.read16(u64Type(self.driver + 4n + BigInt(self.size) * 2n));
          if (!event.ok) return Wanted.broken;
          return u16(used - u16(event.value) - 1) < since ? Wanted.yes : Wanted.no;
        }
        const flags = guestMemory.read16(self.driver);
        if (!flags.ok) return Wanted.broken;
        return (flags.value & BigInt(noInterrupt)) === 0n ? Wanted.yes : Wanted.no;
      },
    },
    properties: { capacity: { get: (_self: Fields): u16 => capacity } },
  }) as unknown as StructDescriptor<Virtqueue>;
  queues.set(name, made);
  return made;
}
