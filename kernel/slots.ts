/**
 * Guest-physical memory as slots over host extents. A slot says what a stretch of guest-physical addresses is; an
 * extent says which host pages back it, who owns them and what state they are in. Nothing resolves an address in any
 * other way, so a page can leave service, a flash can turn into a device, and a guest's memory need not lie in one
 * piece.
 */
import { array, struct, type FixedArray, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64, u8 } from "../dsl/core/int.ts";
import {
  copyBytes,
  fillBytes,
  load16,
  load32,
  load64,
  load8,
  store16,
  store32,
  store64,
  store8,
} from "../dsl/core/intrinsics.ts";

/** Slots that a domain may have. */
export const maxSlots = 32;
/** Host extents that a domain may have. */
export const maxExtents = 64;

/** What a stretch of guest-physical addresses is. */
export enum SlotKind {
  none = 0,
  /** Read, written and executed. */
  ram = 1,
  /** Read and executed; writes are dropped. */
  rom = 2,
  /** Read as memory, written as a device: flash. */
  romDevice = 3,
  /** Another place of the same memory: `target` is a guest-physical address. */
  alias = 4,
  /** A device's; not mapped. */
  mmio = 5,
  /** As `romDevice`, while reads are the device's as well: not mapped. */
  hiddenRom = 6,
  /** A page that lies over what is below it, as the guest asked for through an MSR. */
  overlay = 7,
  /** Memory of the image that other guests have too. */
  shared = 8,
}

/** In `Extent.owner`: no domain's; nothing is cleared or kept with a guest. */
export const sharedOwner = 0xffff_ffff;

/** The state of host pages that belong to a domain. */
export enum ExtentState {
  free = 0,
  inUse = 1,
  /** Given back by the guest (balloon): not mapped. */
  returned = 2,
  /** Taken out of service after a memory error: not mapped, never used again. */
  offline = 3,
}

export const Slot = struct("Slot", {
  gpa: u64,
  bytes: u64,
  /** `SlotKind`. */
  kind: u32,
  /** Over others: the highest rank at an address wins. */
  rank: u32,
  /** RAM, ROM, overlay: byte offset into the domain's extents; alias: a guest-physical address. */
  target: u64,
});
export type Slot = ValueOf<typeof Slot>;

export const Extent = struct("Extent", {
  /** First byte, host-physical. */
  hpa: u64,
  bytes: u64,
  /** Where it starts in the domain's memory, counted as one block over all extents. */
  offset: u64,
  /** `ExtentState`. */
  state: u32,
  /** Index of the owning domain, or `sharedOwner`. */
  owner: u32,
});
export type Extent = ValueOf<typeof Extent>;

export const SlotTable = struct("SlotTable", {
  slotCount: u32,
  extentCount: u32,
  /** Bytes over all extents. */
  backedBytes: u64,
  slots: array(Slot, maxSlots),
  extents: array(Extent, maxExtents),
});
export type SlotTable = ValueOf<typeof SlotTable>;

/** What an address resolves to: `bytes` that are contiguous on the host, or 0 where nothing backs it. */
export interface Resolved {
  readonly hpa: u64;
  readonly bytes: u64;
  /** `SlotKind` of the slot found; `none` where there is none. */
  readonly kind: u32;
}

/** Appends host memory to a domain; false where the table is full. */
export function addExtent(table: SlotTable, owner: u32, hpa: u64, bytes: u64): boolean {
  const index = table.extentCount;
  if (index >= maxExtents) return false;
  const extent = table.extents[index];
  extent.hpa = hpa;
  extent.bytes = bytes;
  extent.offset = table.backedBytes;
  extent.state = ExtentState.inUse;
  extent.owner = owner;
  table.backedBytes = u64(table.backedBytes + bytes);
  table.extentCount = u32(index + 1);
  return true;
}

/** Adds a slot; false where the table is full. Slots of equal rank must not overlap. */
export function addSlot(table: SlotTable, kind: u32, rank: u32, gpa: u64, bytes: u64, target: u64): boolean {
  const index = table.slotCount;
  if (index >= maxSlots) return false;
  const slot = table.slots[index];
  slot.gpa = gpa;
  slot.bytes = bytes;
  slot.kind = kind;
  slot.rank = rank;
  slot.target = target;
  table.slotCount = u32(index + 1);
  return true;
}

/** The slot that wins at an address, or null; and how many bytes from there no other slot's edge follows. */
export function findSlot(table: SlotTable, gpa: u64): { readonly slot: Slot | null; readonly bytes: u64 } {
  let found: Slot | null = null;
  let limit: u64 = 0xffff_ffff_ffff_ffffn;
  const count = Math.min(table.slotCount, maxSlots);
  for (let i = 0; i < count; i++) {
    const slot = table.slots[i];
    if (gpa < slot.gpa) {
      limit = slot.gpa < limit ? slot.gpa : limit;
    } else {
      const end = u64(slot.gpa + slot.bytes);
      if (gpa < end) {
        limit = end < limit ? end : limit;
        if (found === null || slot.rank > found.rank) found = slot;
      }
    }
  }
  return { slot: found, bytes: u64(limit - gpa) };
}

/** Bytes of a domain's memory that are its own: what others have too comes behind them. */
export function ownBytes(table: SlotTable): u64 {
  let bytes: u64 = table.backedBytes;
  const count = Math.min(table.extentCount, maxExtents);
  for (let i = 0; i < count; i++) {
    const extent = table.extents[i];
    if (extent.owner === sharedOwner && extent.offset < bytes) bytes = extent.offset;
  }
  return bytes;
}

/**
 * Fills host memory with zeros that lies `offset` into what a domain owns: up to `most` bytes, in one extent. Gives how many
 * it went on; 0 behind the last. Pages that are out of service are left alone.
 */
export function clearPiece(table: SlotTable, offset: u64, most: u64): u64 {
  const count = Math.min(table.extentCount, maxExtents);
  for (let i = 0; i < count; i++) {
    const extent = table.extents[i];
    if (extent.owner !== sharedOwner && offset >= extent.offset) {
      const inside = u64(offset - extent.offset);
      if (inside < extent.bytes) {
        const rest = u64(extent.bytes - inside);
        const bytes = rest < most ? rest : most;
        if (extent.state !== ExtentState.offline) fillBytes(u64(extent.hpa + inside), 0, bytes);
        return bytes;
      }
    }
  }
  return 0n;
}

/** As `clearPiece`, but for what lies in flash. */
export function clearVolatilePiece(table: SlotTable, offset: u64, most: u64): u64 {
  let next: u64 = u64(offset + most);
  let kept = false;
  const slots = Math.min(table.slotCount, maxSlots);
  for (let i = 0; i < slots; i++) {
    const slot = table.slots[i];
    if (slot.kind === SlotKind.romDevice || slot.kind === SlotKind.hiddenRom) {
      const end = u64(slot.target + slot.bytes);
      if (offset < slot.target) next = slot.target < next ? slot.target : next;
      else if (offset < end) {
        kept = true;
        next = end < next ? end : next;
      }
    }
  }
  const bytes = u64(next - offset);
  return kept ? bytes : clearPiece(table, offset, bytes);
}

/** The host memory at an offset of the domain's memory; `bytes` is 0 where none is in use there. */
export function findExtent(table: SlotTable, offset: u64): { readonly hpa: u64; readonly bytes: u64 } {
  const count = Math.min(table.extentCount, maxExtents);
  for (let i = 0; i < count; i++) {
    const extent = table.extents[i];
    if (offset >= extent.offset) {
      const inside = u64(offset - extent.offset);
      if (inside < extent.bytes) {
        if (extent.state !== ExtentState.inUse) return { hpa: 0n, bytes: 0n };
        return { hpa: u64(extent.hpa + inside), bytes: u64(extent.bytes - inside) };
      }
    }
  }
  return { hpa: 0n, bytes: 0n };
}

/** Resolves a guest-physical address. An alias is followed once. */
export function resolve(table: SlotTable, gpa: u64): Resolved {
  const first = findSlot(table, gpa);
  const firstSlot = first.slot;
  if (firstSlot === null) return { hpa: 0n, bytes: 0n, kind: SlotKind.none };
  let slot: Slot = firstSlot;
  let inside = u64(gpa - slot.gpa);
  let bytes = first.bytes;
  if (slot.kind === SlotKind.alias) {
    const target = u64(slot.target + inside);
    const second = findSlot(table, target);
    const secondSlot = second.slot;
    if (secondSlot === null) return { hpa: 0n, bytes: 0n, kind: SlotKind.none };
    slot = secondSlot;
    inside = u64(target - slot.gpa);
    bytes = second.bytes < bytes ? second.bytes : bytes;
  }
  const kind = slot.kind;
  if (kind === SlotKind.mmio || kind === SlotKind.alias || kind === SlotKind.hiddenRom)
    return { hpa: 0n, bytes: 0n, kind };
  const backed = findExtent(table, u64(slot.target + inside));
  return { hpa: backed.hpa, bytes: backed.bytes < bytes ? backed.bytes : bytes, kind };
}

/** Whether a guest's own accesses may write to a slot of this kind. */
export function isWritable(kind: u32): boolean {
  return kind === SlotKind.ram || kind === SlotKind.overlay || kind === SlotKind.shared;
}

/** Copies from guest-physical memory to the hypervisor's; false, with part of it copied, where nothing backs a byte. */
export function copyFromGuest(table: SlotTable, to: u64, gpa: u64, bytes: u64): boolean {
  let done: u64 = 0n;
  while (done < bytes) {
    const place = resolve(table, u64(gpa + done));
    if (place.bytes === 0n) return false;
    const rest = u64(bytes - done);
    const step = place.bytes < rest ? place.bytes : rest;
    copyBytes(u64(to + done), place.hpa, step);
    done = u64(done + step);
  }
  return true;
}

/** Copies into guest-physical memory, ROM included; false, with part of it copied, where nothing backs a byte. */
export function copyToGuest(table: SlotTable, gpa: u64, from: u64, bytes: u64): boolean {
  let done: u64 = 0n;
  while (done < bytes) {
    const place = resolve(table, u64(gpa + done));
    if (place.bytes === 0n) return false;
    const rest = u64(bytes - done);
    const step = place.bytes < rest ? place.bytes : rest;
    copyBytes(place.hpa, u64(from + done), step);
    done = u64(done + step);
  }
  return true;
}

/** A value read from guest memory; `ok` is false where it does not lie in memory in one piece. */
export interface GuestValue {
  readonly ok: boolean;
  readonly value: u64;
}

/** Reads 1, 2, 4 or 8 bytes of guest-physical memory that do not cross a page. */
export function readGuest(table: SlotTable, gpa: u64, bytes: u32): GuestValue {
  const place = resolve(table, gpa);
  if (place.bytes < BigInt(bytes)) return { ok: false, value: 0n };
  if (bytes === 8) return { ok: true, value: load64(place.hpa) };
  if (bytes === 4) return { ok: true, value: u64(load32(place.hpa)) };
  if (bytes === 2) return { ok: true, value: u64(load16(place.hpa)) };
  return { ok: true, value: u64(load8(place.hpa)) };
}

/** Writes 1, 2, 4 or 8 bytes of guest-physical memory that do not cross a page; false where the guest may not. */
export function writeGuest(table: SlotTable, gpa: u64, bytes: u32, value: u64): boolean {
  const place = resolve(table, gpa);
  if (place.bytes < BigInt(bytes) || !isWritable(place.kind)) return false;
  if (bytes === 8) store64(place.hpa, value);
  else if (bytes === 4) store32(place.hpa, u32(value));
  else if (bytes === 2) store16(place.hpa, u32(value) & 0xffff);
  else store8(place.hpa, u8(value));
  return true;
}

/** Takes the host page at `hpa` out of service by splitting the extent that holds it; false where none does, or the table is full. */
export function retirePage(table: SlotTable, hpa: u64): boolean {
  const page = u64(hpa & 0xffff_ffff_ffff_f000n);
  const count = Math.min(table.extentCount, maxExtents);
  for (let i = 0; i < count; i++) {
    const extent = table.extents[i];
    const end = u64(extent.hpa + extent.bytes);
    if (page >= extent.hpa && page < end && extent.state === ExtentState.inUse) {
      const before = u64(page - extent.hpa);
      const after = u64(end - page - 4096n);
      const added = (before > 0n ? 1 : 0) + (after > 0n ? 1 : 0);
      if (count + added > maxExtents) return false;
      const offset = extent.offset;
      const owner = extent.owner;
      extent.hpa = page;
      extent.offset = u64(offset + before);
      extent.bytes = 4096n;
      extent.state = ExtentState.offline;
      if (before > 0n) placeExtent(table, owner, u64(page - before), before, offset);
      if (after > 0n) placeExtent(table, owner, u64(page + 4096n), after, u64(offset + before + 4096n));
      return true;
    }
  }
  return false;
}

function placeExtent(table: SlotTable, owner: u32, hpa: u64, bytes: u64, offset: u64): void {
  const index = table.extentCount;
  if (index >= maxExtents) return;
  const extent = table.extents[index];
  extent.hpa = hpa;
  extent.bytes = bytes;
  extent.offset = offset;
  extent.state = ExtentState.inUse;
  extent.owner = owner;
  table.extentCount = u32(index + 1);
}

/** All slots of a table, for those who build translations from it. */
export type Slots = FixedArray<Slot>;
