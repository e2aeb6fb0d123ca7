/**
 * The layer-2 switch between guests (IEEE 802.1D §7): frames are taken in at a port, and wait at the ports that they
 * go to. All networks of an image share one pool of frames that cannot run dry: it has one for each place in each
 * port's queue, and one that is being made. A port that takes nothing loses what its queue has no room for; nobody waits
 * for it. What a port does with addresses of its own can push out only what was learned at that port.
 */
import { array, bool, struct, type FixedArray } from "../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { unlikely } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import { mostFrameBytes, portFrames } from "../dsl/device/port.ts";

/** A port as the image declares it. */
export interface SwitchPort {
  /** Which network it is on. */
  readonly network: number;
  /** Its address, the first byte in [7:0]. */
  readonly address: bigint;
  /** Bytes that it may send in a second; null: no limit. */
  readonly rateBytes: number | null;
  /** Bytes that it may send at once after a pause. */
  readonly burstBytes: number;
}

/** What became of frames, by port. */
export interface SwitchCounters {
  /** Taken in, and given out. */
  sent: u64;
  received: u64;
  /** Lost because the port's guest did not take them in time. */
  lost: u64;
  /** No frames, or not this port's to send. */
  refused: u64;
}

/**
 * How soon frames that wait should be given to their guest: `soon`, within a fraction of a millisecond, where more may
 * follow and can be given together; `now`, before the sender goes on, where half of what can wait does.
 */
export const Urgency = Object.freeze({ none: 0, soon: 1, now: 2 } as const);

/** The switch; times are nanoseconds of one clock. */
export interface Switch {
  /** Bytes of the frame that is being made. */
  outgoing(): FixedArray<u8>;
  /** Sends its first `length` bytes from a port; false where it goes nowhere because it is not right. */
  send(port: u32, length: u16, nowNs: u64): boolean;
  /** How long a port may not send; 0: it may now. */
  delayNs(port: u32, nowNs: u64): u64;
  /** Frames that wait at a port. */
  count(port: u32): u32;
  /** Bytes of the frame that has waited longest at a port; 0: none waits. */
  waiting(port: u32): u16;
  /** The bytes of that frame, or of any where none waits. */
  first(port: u32): FixedArray<u8>;
  /** Lets it go. */
  drop(port: u32): void;
  /** Whether frames have come to a port since it was asked. */
  hasNews(port: u32): boolean;
  /** How soon guests should be given what has come since it was asked: one of `Urgency`. */
  urgency(): u8;
  readonly counters: FixedArray<SwitchCounters>;
}

/** Addresses that are remembered at one port, and for how long (802.1D §7.9.2). */
const learnedPerPort = 16;
export const ageingNs = 300_000_000_000n;
/** Where fields of a frame lie, and what its length may be. */
const typeAt = 12;
const leastBytes = 14;
const untaggedBytes = 1514;
/** Tag types (802.1Q §9.5). */
const customerTag = 0x8100;
const serviceTag = 0x88a8;
/** The group bit of an address. */
const groupBit = 1n;
/** Addresses 01-80-C2-00-00-00 to -0F, which bridges do not pass on (802.1D §7.12.6); the lowest bits are the last byte's. */
const reservedGroup = 0x0000_00c2_8001n;
const reservedMask = 0xf0ff_ffff_ffffn;
/** Fractions of a nanosecond in which a byte's share of time is counted. */
const costShift = 16n;
/** Frames at a port that should not become more. */
const crowd = portFrames / 2;
const queueMask = portFrames - 1;
/** Bytes of a frame in the pool: the longest, rounded up. */
const frameBytes = 1536;

/** Builds the switch for an image's ports. */
export function makeSwitch(ports: readonly SwitchPort[]): Switch {
  const count = ports.length;
  const length = Math.max(count, 1);
  const poolSize = length * portFrames + 1;
  const Frame = struct("SwitchFrame", { length: u16, holders: u16, bytes: array(u8, frameBytes) });
  const Learned = struct("LearnedAddress", { address: u64, seenNs: u64 });
  const Port = struct("SwitchPort", {
    freeAtNs: u64,
    sent: u64,
    received: u64,
    lost: u64,
    refused: u64,
    head: u32,
    count: u32,
    news: bool,
    frames: array(u16, portFrames),
    learned: array(Learned, learnedPerPort),
  });
  const frames = storage("switchFrames", array(Frame, poolSize));
  const state = storage("switchPorts", array(Port, length));
  const pool = storage(
    "switchPool",
    struct("SwitchPool", { outgoing: u16, free: u32, urgency: u8, list: array(u16, poolSize) }),
  );
  // Frame 0 is the first to be made.
  pool.free = poolSize - 1;
  for (let i = 0; i < poolSize - 1; i++) pool.list[i] = u16(poolSize - 1 - i);

  const of = <T>(value: (port: SwitchPort) => T, none: T): readonly T[] =>
    Object.freeze(count === 0 ? [none] : ports.map(value));
  const networks = of((p) => p.network, 0);
  const addresses = of((p) => p.address, 0n);
  /** Of each byte that a port sends, in 2^-16 ns. */
  const costs = of(
    (p) => (p.rateBytes === null ? 0n : (1_000_000_000n << costShift) / BigInt(p.rateBytes)),
    0n,
  );
  const bursts = of(
    (p) => (p.rateBytes === null ? 0n : (BigInt(p.burstBytes) * 1_000_000_000n) / BigInt(p.rateBytes)),
    0n,
  );
  const last = length - 1;
  const known = (port: u32): u32 => u32(Math.min(port, last));

  const addressAt = (bytes: FixedArray<u8>, at: 0 | 6): u64 => {
    let address: u64 = 0n;
    for (let i = 0; i < 6; i++) address = u64(address | (BigInt(bytes[at + i]) << BigInt(8 * i)));
    return address;
  };
  const slotOf = (address: u64): u32 => u32(address >> 40n) & (learnedPerPort - 1);

  /** The port whose own address it is; `length` for none. */
  const ownerOf = (network: u32, address: u64): u32 => {
    for (let i = 0; i < length; i++) if (addresses[i] === address && networks[i] === network) return u32(i);
    return length;
  };
  /** The port at which it was learned and not yet forgotten; `length` for none. */
  const learnedAt = (network: u32, address: u64, nowNs: u64): u32 => {
    const slot = slotOf(address);
    for (let i = 0; i < length; i++) {
      const entry = state[i].learned[slot];
      if (networks[i] === network && entry.address === address && u64(nowNs - entry.seenNs) < ageingNs)
        return u32(i);
    }
    return length;
  };
  /** Remembers that a station is at a port, and at no other. */
  const learn = (port: u32, address: u64, nowNs: u64): void => {
    const slot = slotOf(address);
    const network = networks[port];
    for (let i = 0; i < length; i++) {
      const entry = state[i].learned[slot];
      if (i === port) {
        entry.address = address;
        entry.seenNs = nowNs;
      } else if (entry.address === address && networks[i] === network) entry.address = 0n;
    }
  };

  const enqueue = (port: u32, index: u32): void => {
    const to = state[port];
    const waiting = to.count;
    if (waiting >= portFrames) {
      to.lost = u64(to.lost + 1n);
      return;
    }
    to.frames[(to.head + waiting) & queueMask] = u16(index);
    to.count = u32(waiting + 1);
    if (waiting >= crowd) pool.urgency = Urgency.now;
    else if (!to.news && pool.urgency === Urgency.none) pool.urgency = Urgency.soon;
    to.news = true;
    frames[index].holders = u16(frames[index].holders + 1);
  };

  const isFrame = (bytes: FixedArray<u8>, size: u16): boolean => {
    if (size < leastBytes || size > mostFrameBytes) return false;
    if (size <= untaggedBytes) return true;
    const type = (bytes[typeAt] << 8) | bytes[typeAt + 1];
    return type === customerTag || type === serviceTag;
  };

  return Object.freeze({
    counters: state,
    outgoing: (): FixedArray<u8> => frames[Math.min(pool.outgoing, poolSize - 1)].bytes,
    send(sender: u32, size: u16, nowNs: u64): boolean {
      const port = known(sender);
      const self = state[port];
      const index = u32(Math.min(pool.outgoing, poolSize - 1));
      const frame = frames[index];
      const bytes = frame.bytes;
      const network = networks[port];
      const source = addressAt(bytes, 6);
      const owner = ownerOf(network, source);
      // A station may have further addresses behind it, but none that is another port's own.
      const mayBe = (source & groupBit) === 0n && source !== 0n && (owner === port || owner === length);
      if (unlikely(!isFrame(bytes, size) || !mayBe)) {
        self.refused = u64(self.refused + 1n);
        return false;
      }
      const from = self.freeAtNs > nowNs ? self.freeAtNs : nowNs;
      self.freeAtNs = u64(from + u64(u64(BigInt(size) * costs[port]) >> costShift));
      self.sent = u64(self.sent + 1n);
      if (owner === length) learn(port, source, nowNs);
      const destination = addressAt(bytes, 0);
      frame.length = size;
      frame.holders = 0;
      let target: u32 = length;
      if ((destination & groupBit) === 0n) {
        target = ownerOf(network, destination);
        if (target === length) target = learnedAt(network, destination, nowNs);
      } else if ((destination & reservedMask) === reservedGroup) return true;
      for (let i = 0; i < length; i++) {
        if (i !== port && networks[i] === network && (target === length || target === i))
          enqueue(u32(i), index);
      }
      if (frame.holders !== 0) {
        const free = u32(pool.free - 1);
        pool.free = free;
        pool.outgoing = pool.list[Math.min(free, poolSize - 1)];
      }
      return true;
    },
    delayNs(sender: u32, nowNs: u64): u64 {
      const port = known(sender);
      const until = state[port].freeAtNs;
      const soonest = u64(nowNs + bursts[port]);
      return until > soonest ? u64(until - soonest) : 0n;
    },
    count: (receiver: u32): u32 => state[known(receiver)].count,
    waiting(receiver: u32): u16 {
      const self = state[known(receiver)];
      if (self.count === 0) return 0;
      return frames[Math.min(self.frames[self.head & queueMask], poolSize - 1)].length;
    },
    first(receiver: u32): FixedArray<u8> {
      const self = state[known(receiver)];
      return frames[Math.min(self.frames[self.head & queueMask], poolSize - 1)].bytes;
    },
    drop(receiver: u32): void {
      const self = state[known(receiver)];
      const waiting = self.count;
      if (waiting === 0) return;
      const index = Math.min(self.frames[self.head & queueMask], poolSize - 1);
      self.head = u32(self.head + 1);
      self.count = u32(waiting - 1);
      self.received = u64(self.received + 1n);
      const holders = u16(frames[index].holders - 1);
      frames[index].holders = holders;
      if (holders !== 0) return;
      const free = pool.free;
      pool.list[Math.min(free, poolSize - 1)] = u16(index);
      pool.free = u32(free + 1);
    },
    hasNews(receiver: u32): boolean {
      const self = state[known(receiver)];
      const news = self.news;
      self.news = false;
      return news;
    },
    urgency(): u8 {
      const urgency = pool.urgency;
      pool.urgency = Urgency.none;
      return urgency;
    },
  });
}
