/**
 * The guest's own translation, from linear to guest-physical addresses, done by software: for instructions that are
 * fetched to be emulated and for their operands. All five paging modes (APM vol. 2 §5). Tables are read through the
 * domain's slots, so tables that lie in no memory end the walk; a hostile table can only produce an address, never an
 * access.
 */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { load32, load64, store8 } from "../../../dsl/core/intrinsics.ts";
import { isWritable, resolve, type Resolved, type SlotTable } from "../../../kernel/slots.ts";

/** The registers that decide about a translation. */
export interface PagingState {
  readonly cr0: u64;
  readonly cr3: u64;
  readonly cr4: u64;
  readonly efer: u64;
  readonly rflags: u64;
  /** Current privilege level; an access for the system itself (descriptor tables) passes 0. */
  readonly cpl: u32;
}

/** Bits of a page-fault error code (APM vol. 2 §8.4.2); also what `walk` is asked for. */
export enum Access {
  present = 1,
  write = 2,
  user = 4,
  reserved = 8,
  fetch = 16,
}

/** What a walk came to. */
export enum WalkOutcome {
  ok = 0,
  /** #PF with `error`. */
  pageFault = 1,
  /** #GP(0), or #SS(0): the address is not canonical. */
  notCanonical = 2,
  /** A table does not lie in the guest's memory. `gpa` is the table entry's address. */
  badTable = 3,
}

export interface Walk {
  readonly outcome: u32;
  readonly gpa: u64;
  /** Error code of the page fault. */
  readonly error: u32;
}

const present = 1n;
const writable = 2n;
const userBit = 4n;
const accessed = 0x20n;
const dirty = 0x40n;
const pageSize = 0x80n;
const noExecute = 1n << 63n;
const tableAddress = 0x000f_ffff_ffff_f000n;

const cr0WriteProtect = 1n << 16n;
const cr0Paging = 1n << 31n;
const cr4Pse = 1n << 4n;
const cr4Pae = 1n << 5n;
const cr4La57 = 1n << 12n;
const cr4Smep = 1n << 20n;
const cr4Smap = 1n << 21n;
const eferLma = 1n << 10n;
const eferNxe = 1n << 11n;
const rflagsAc = 1n << 18n;

/** Whether a 64-bit linear address is canonical with `bits` (48 or 57) address bits. */
export function isCanonical(address: u64, la57: boolean): boolean {
  const high = la57 ? u64(address >> 56n) : u64(address >> 47n);
  return high === 0n || high === (la57 ? 0xffn : 0x1_ffffn);
}

function fault(state: PagingState, access: u32, isPresent: boolean, isReserved: boolean): Walk {
  const nx = (state.efer & eferNxe) !== 0n || (state.cr4 & cr4Smep) !== 0n;
  let error =
    (isPresent ? 1 : 0) | (access & Access.write) | (state.cpl === 3 ? 4 : 0) | (isReserved ? 8 : 0);
  if (nx) error = error | (access & Access.fetch);
  return { outcome: WalkOutcome.pageFault, gpa: 0n, error: u32(error) };
}

function result(gpa: u64): Walk {
  return { outcome: WalkOutcome.ok, gpa, error: 0 };
}

/** Whether the rights gathered on the way allow the access. `rights` holds W and U of all levels ANDed; `nx` their XD ORed. */
function allowed(state: PagingState, access: u32, rights: u64, nx: boolean): boolean {
  const isUserPage = (rights & userBit) !== 0n;
  const isWrite = (access & Access.write) !== 0;
  const isFetch = (access & Access.fetch) !== 0;
  if (isFetch && nx) return false;
  if (state.cpl === 3) {
    if (!isUserPage) return false;
    return !isWrite || (rights & writable) !== 0n;
  }
  if (isFetch) return !(isUserPage && (state.cr4 & cr4Smep) !== 0n);
  if (isUserPage && (state.cr4 & cr4Smap) !== 0n && (state.rflags & rflagsAc) === 0n) return false;
  return !isWrite || (rights & writable) !== 0n || (state.cr0 & cr0WriteProtect) === 0n;
}

/** Sets the accessed (and dirty) bit of an entry as the processor does; both are in its lowest byte. */
function mark(place: Resolved, entry: u64, bits: u64): void {
  if ((entry & bits) !== bits && isWritable(place.kind)) store8(place.hpa, u8(entry | bits));
}

/** 32-bit paging without PAE: 4 KiB and 4 MiB pages. */
function walk32(slots: SlotTable, state: PagingState, address: u64, access: u32): Walk {
  const entry2At = u64((state.cr3 & 0xffff_f000n) + (((address >> 22n) & 1023n) << 2n));
  const place2 = resolve(slots, entry2At);
  if (place2.bytes < 4n) return { outcome: WalkOutcome.badTable, gpa: entry2At, error: 0 };
  const entry2 = u64(load32(place2.hpa));
  if ((entry2 & present) === 0n) return fault(state, access, false, false);
  if ((entry2 & pageSize) !== 0n && (state.cr4 & cr4Pse) !== 0n) {
    if (!allowed(state, access, entry2, false)) return fault(state, access, true, false);
    mark(place2, entry2, (access & Access.write) !== 0 ? accessed | dirty : accessed);
    const high = u64((entry2 & 0x1f_e000n) << 19n);
    return result(u64(high | (entry2 & 0xffc0_0000n) | (address & 0x3f_ffffn)));
  }
  const entry1At = u64((entry2 & 0xffff_f000n) + (((address >> 12n) & 1023n) << 2n));
  const place1 = resolve(slots, entry1At);
  if (place1.bytes < 4n) return { outcome: WalkOutcome.badTable, gpa: entry1At, error: 0 };
  const entry1 = u64(load32(place1.hpa));
  if ((entry1 & present) === 0n) return fault(state, access, false, false);
  if (!allowed(state, access, u64(entry2 & entry1), false)) return fault(state, access, true, false);
  mark(place2, entry2, accessed);
  mark(place1, entry1, (access & Access.write) !== 0 ? accessed | dirty : accessed);
  return result(u64((entry1 & 0xffff_f000n) | (address & 0xfffn)));
}

/** PAE, four-level and five-level paging: tables of 512 8-byte entries. */
function walk64(slots: SlotTable, state: PagingState, address: u64, access: u32): Walk {
  const long = (state.efer & eferLma) !== 0n;
  const nxe = (state.efer & eferNxe) !== 0n;
  let table = u64(state.cr3 & tableAddress);
  let shift = 39;
  if (!long) {
    table = u64(state.cr3 & 0xffff_ffe0n);
    shift = 30;
  } else if ((state.cr4 & cr4La57) !== 0n) {
    shift = 48;
  }
  let rights: u64 = writable | userBit;
  let nx = false;
  for (let level = 0; level < 5; level++) {
    const count = BigInt(shift);
    const mask = !long && shift === 30 ? 3n : 511n;
    const at = u64(table + (u64((address >> count) & mask) << 3n));
    const place = resolve(slots, at);
    if (place.bytes < 8n) return { outcome: WalkOutcome.badTable, gpa: at, error: 0 };
    const entry = load64(place.hpa);
    if ((entry & present) === 0n) return fault(state, access, false, false);
    if (!nxe && (entry & noExecute) !== 0n) return fault(state, access, true, true);
    // The four top entries of PAE carry no rights.
    const isPaeTop = !long && shift === 30;
    if (!isPaeTop) {
      rights = u64(rights & entry);
      nx = nx || (entry & noExecute) !== 0n;
    }
    const isLarge = (entry & pageSize) !== 0n && !isPaeTop && shift <= 30;
    if (shift > 30 && (entry & pageSize) !== 0n) return fault(state, access, true, true);
    if (shift === 12 || isLarge) {
      const offsetMask = u64((1n << count) - 1n);
      // Bit 12 of a large page's entry is its PAT bit; those above it up to the page size are reserved.
      if (isLarge && (entry & offsetMask & tableAddress & 0xffff_ffff_ffff_e000n) !== 0n)
        return fault(state, access, true, true);
      if (!allowed(state, access, rights, nx)) return fault(state, access, true, false);
      mark(place, entry, (access & Access.write) !== 0 ? accessed | dirty : accessed);
      const frame = u64(entry & tableAddress & u64(~offsetMask));
      return result(u64(frame | (address & offsetMask)));
    }
    if (!isPaeTop) mark(place, entry, accessed);
    table = u64(entry & tableAddress);
    shift = (shift - 9) & 63;
  }
  return fault(state, access, true, true);
}

/** Translates a linear address. `access` is a set of `Access.write` and `Access.fetch`. */
export function walk(slots: SlotTable, state: PagingState, address: u64, access: u32): Walk {
  const long = (state.efer & eferLma) !== 0n;
  if ((state.cr0 & cr0Paging) === 0n) return result(u64(address & 0xffff_ffffn));
  if (long && !isCanonical(address, (state.cr4 & cr4La57) !== 0n))
    return { outcome: WalkOutcome.notCanonical, gpa: 0n, error: 0 };
  const linear = long ? address : u64(address & 0xffff_ffffn);
  if (!long && (state.cr4 & cr4Pae) === 0n) return walk32(slots, state, linear, access);
  return walk64(slots, state, linear, access);
}
