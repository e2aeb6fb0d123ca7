/**
 * Dispatch of port and memory accesses to device windows: a compare tree over constants, made from the manifest's
 * windows at build time, that ends in calls of the devices. What no window claims reads as ones and drops writes.
 */
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { unlikely } from "../dsl/core/intrinsics.ts";
import type { Space } from "../dsl/device/bank.ts";
import type { MovableWindow } from "../dsl/device/device-window.ts";
import type { BoardParts, PlacedInstance } from "./board.ts";

/** The accesses of guests, without the deliveries that follow them; `number` is the accessing vCPU's number in its guest. Widths in bytes. */
export interface Dispatch {
  /** Reads 1, 2 or 4 bytes. */
  portIn(guest: u32, port: u16, width: u8): u32;
  portOut(guest: u32, port: u16, width: u8, value: u32): void;
  /** Reads 1, 2, 4 or 8 bytes. */
  memoryRead(guest: u32, number: u32, gpa: u64, width: u8): u64;
  memoryWrite(guest: u32, number: u32, gpa: u64, width: u8, value: u64): void;
}

/** A window with the state of its device. */
interface Entry {
  readonly guest: number;
  readonly vcpu: number | null;
  readonly base: bigint;
  readonly size: number;
  readonly weight: number;
  readonly state: object;
  readonly read: (self: object, offset: u32, width: u8) => u32;
  readonly write: (self: object, offset: u32, width: u8, value: u32) => void;
  readonly read64: (self: object, offset: u32) => u64;
  readonly write64: (self: object, offset: u32, value: u64) => void;
  /** The guest places it, and the base says nothing. */
  readonly movable: MovableWindow<object> | undefined;
}

/** Guest-physical addresses that a host bridge passes on to what the guest places: `first` up to `end`. */
export interface BridgeWindow {
  readonly first: bigint;
  readonly end: bigint;
}

/** All windows of a space, by base. Windows that overlap in one guest throw. */
export function windowsOf(instances: readonly PlacedInstance[], space: Space): readonly Entry[] {
  /** A guest with one vCPU, whose own devices need no comparison. */
  const lone = (guest: number): boolean =>
    !instances.some((p) => p.guest === guest && p.vcpu !== null && p.vcpu > 0);
  const entries = instances
    .flatMap((p) =>
      p.instance.windows
        .filter((w) => w.space === space)
        .map((w) =>
          Object.freeze({
            guest: p.guest,
            vcpu: lone(p.guest) ? null : p.vcpu,
            base: w.base,
            size: w.sizeBytes,
            weight: w.weight,
            state: p.state,
            read: w.read as Entry["read"],
            write: w.write as Entry["write"],
            read64: w.read64 as Entry["read64"],
            write64: w.write64 as Entry["write64"],
            movable: w.movable as Entry["movable"],
          }),
        ),
    )
    .sort((a, b) => a.guest - b.guest || (a.base < b.base ? -1 : 1));
  const fixed = entries.filter((e) => e.movable === undefined);
  fixed.forEach((entry, i) => {
    const before = fixed[i - 1];
    if (
      before !== undefined &&
      before.guest === entry.guest &&
      before.vcpu === entry.vcpu &&
      before.base + BigInt(before.size) > entry.base
    ) {
      throw new RangeError(
        `windows at 0x${before.base.toString(16)} and 0x${entry.base.toString(16)} overlap`,
      );
    }
  });
  return Object.freeze(entries);
}

/** Where a sorted list is cut so that both parts are wanted about as often; neither is empty. */
export function balancedCut(entries: readonly { readonly weight: number }[]): number {
  const total = entries.reduce((sum, { weight }) => sum + weight, 0);
  let cut = 1;
  let before = entries[0]?.weight ?? 0;
  while (cut < entries.length - 1) {
    const next = before + entries[cut]!.weight;
    if (Math.abs(total - 2 * next) >= Math.abs(total - 2 * before)) break;
    before = next;
    cut++;
  }
  return cut;
}

const ones = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff] as const;

/** Builds the dispatch over a board's devices; `bridges` by guest, without one nothing that the guest places is seen. */
export function makeDispatch(
  parts: BoardParts,
  guestCount: number,
  bridges: readonly BridgeWindow[] = [],
): Dispatch {
  const single = guestCount === 1;
  const ports = windowsOf(parts.instances, "port").map((e) => ({ ...e, base: Number(e.base) }));
  const memory = windowsOf(parts.instances, "mmio");

  type PortEntry = (typeof ports)[number];
  type Found<R> = (guest: u32, port: u16, width: u8, value: u32) => R;

  /**
   * A tree over `entries`, cut where their weights are balanced until one is left; built once, compiled as nested
   * comparisons.
   */
  const portTree = <R>(
    entries: readonly PortEntry[],
    leaf: (e: PortEntry) => Found<R>,
    miss: Found<R>,
  ): Found<R> => {
    const [first] = entries;
    if (first === undefined) return miss;
    if (entries.length === 1) {
      const hit = leaf(first);
      const base = first.base;
      const end = first.base + first.size;
      return (guest: u32, port: u16, width: u8, value: u32): R => {
        if (port >= base && port < end) return hit(guest, port, width, value);
        return miss(guest, port, width, value);
      };
    }
    const half = balancedCut(entries);
    const below = portTree(entries.slice(0, half), leaf, miss);
    const above = portTree(entries.slice(half), leaf, miss);
    const pivot = entries[half].base;
    return (guest: u32, port: u16, width: u8, value: u32): R => {
      if (port < pivot) return below(guest, port, width, value);
      return above(guest, port, width, value);
    };
  };

  const byGuest = <R>(make: (guest: number) => Found<R>, miss: Found<R>): Found<R> => {
    if (single) return make(0);
    const all = Array.from({ length: guestCount }, (_, index) => Object.freeze({ index, run: make(index) }));
    return (guest: u32, port: u16, width: u8, value: u32): R => {
      for (const g of all) if (guest === g.index) return g.run(guest, port, width, value);
      return miss(guest, port, width, value);
    };
  };

  const portReadMiss: Found<u32> = (_guest: u32, _port: u16, width: u8, _value: u32): u32 =>
    ones[Math.min(width, 4)];
  const portWriteMiss: Found<void> = (_guest: u32, _port: u16, _width: u8, _value: u32): void => {};
  const portRead = byGuest<u32>(
    (guest) =>
      portTree<u32>(
        ports.filter((e) => e.guest === guest),
        (e) => {
          const { state, read, base, size } = e;
          return (_guest: u32, port: u16, width: u8, _value: u32): u32 => {
            const offset = u32(port - base);
            // What lies behind the window floats.
            if (unlikely(offset + width > size))
              return u32(u32(read(state, offset, 1) | 0xffff_ff00) & ones[Math.min(width, 4)]);
            return read(state, offset, width);
          };
        },
        portReadMiss,
      ),
    portReadMiss,
  );
  const portWrite = byGuest<void>(
    (guest) =>
      portTree<void>(
        ports.filter((e) => e.guest === guest),
        (e) => {
          const { state, write, base, size } = e;
          return (_guest: u32, port: u16, width: u8, value: u32): void => {
            const offset = u32(port - base);
            if (unlikely(offset + width > size)) write(state, offset, 1, value & 0xff);
            else write(state, offset, width, value);
          };
        },
        portWriteMiss,
      ),
    portWriteMiss,
  );

  /**
   * The windows in memory are few: looked at one after the other, the most used ones first. Those that the guest places
   * come last, so that they cannot take another's addresses, and only where the bridge passes accesses on.
   */
  const memoryEntries = memory
    .filter((e) => e.movable === undefined)
    .map((e) => ({ ...e, last: e.base + BigInt(e.size) }))
    .sort((a, b) => b.weight - a.weight);
  const movableEntries = memory.flatMap(({ movable, guest, size, ...e }) => {
    const bridge = bridges[guest];
    if (movable === undefined || bridge === undefined) return [];
    const { base, enabled } = movable;
    return [{ ...e, guest, base, enabled, bytes: BigInt(size), first: bridge.first, end: bridge.end }];
  });
  const allOnes = 0xffff_ffff_ffff_ffffn;
  const onesOf = (width: u8): u64 => u64(allOnes >> BigInt((64 - 8 * Math.min(width, 8)) & 63));

  return Object.freeze({
    portIn(guest: u32, port: u16, width: u8): u32 {
      return portRead(guest, port, width, 0);
    },
    portOut(guest: u32, port: u16, width: u8, value: u32): void {
      portWrite(guest, port, width, value);
    },
    memoryRead(guest: u32, number: u32, gpa: u64, width: u8): u64 {
      for (const e of memoryEntries) {
        if (
          (single || guest === e.guest) &&
          (e.vcpu === null || number === e.vcpu) &&
          gpa >= e.base &&
          gpa < e.last
        ) {
          const offset = u32(gpa - e.base);
          return width === 8 ? e.read64(e.state, offset) : u64(e.read(e.state, offset, width));
        }
      }
      for (const e of movableEntries) {
        if ((single || guest === e.guest) && gpa >= e.first && gpa < e.end && e.enabled(e.state)) {
          const base = e.base(e.state);
          const inside = u64(gpa - base);
          if (base >= e.first && inside < e.bytes && u64(base + e.bytes) <= e.end) {
            const offset = u32(inside);
            return width === 8 ? e.read64(e.state, offset) : u64(e.read(e.state, offset, width));
          }
        }
      }
      return onesOf(width);
    },
    memoryWrite(guest: u32, number: u32, gpa: u64, width: u8, value: u64): void {
      for (const e of memoryEntries) {
        if (
          (single || guest === e.guest) &&
          (e.vcpu === null || number === e.vcpu) &&
          gpa >= e.base &&
          gpa < e.last
        ) {
          const offset = u32(gpa - e.base);
          if (width === 8) e.write64(e.state, offset, value);
          else e.write(e.state, offset, width, u32(value));
          return;
        }
      }
      for (const e of movableEntries) {
        if ((single || guest === e.guest) && gpa >= e.first && gpa < e.end && e.enabled(e.state)) {
          const base = e.base(e.state);
          const inside = u64(gpa - base);
          if (base >= e.first && inside < e.bytes && u64(base + e.bytes) <= e.end) {
            const offset = u32(inside);
            if (width === 8) e.write64(e.state, offset, value);
            else e.write(e.state, offset, width, u32(value));
            return;
          }
        }
      }
    },
  });
}
