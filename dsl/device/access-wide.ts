/** What a guest's access does to one 64-bit register: `access.ts` once more, on bigint. */
import { u64, type u32, type u8 } from "../core/int.ts";
import type { WideCellArrays, WideCells } from "./cell.ts";
import type { Plan } from "./plan.ts";

/** WideCells, and where uses of unimplemented things are counted. */
export type NotingWideCells = WideCells & { readonly unimplemented: { note(ordinal: u8): void } };

/** The access functions of a register of 64 bits. */
export interface WideAccess {
  /** What a debugger sees; changes nothing. */
  readonly peek: (self: WideCells, index: u8) => u64;
  /** What a guest's read returns and does. */
  readonly read: (self: WideCells, index: u8) => u64;
  /** What a guest's write does. */
  readonly write: (self: WideCells, index: u8, value: u64) => void;
  /** What stands in for the bits that a partial write leaves out. */
  readonly background: (self: WideCells, index: u8) => u64;
}
type Get = (self: WideCells, index: u8) => u64;
type Put = (self: WideCells, index: u8, value: u64) => void;

/** Access to a register of 64 bits. */
export function wideAccess(plan: Plan): WideAccess {
  const load = loadOf(plan);
  const store = storeOf(plan);
  const peek = peekOf(plan, load);
  const read = countedRead(plan, readOf(plan, load, store, peek));
  const write = countedWrite(plan, actOf(plan, load, guestStoreOf(plan, load, store)));
  return Object.freeze({ peek, read, write, background: backgroundOf(plan, peek) });
}

function loadOf(plan: Plan): Get {
  const key = plan.name;
  const count = plan.register.count;
  const ofMany = (self: WideCellArrays, index: u8): u64 => self[key][index < count ? index : 0].value;
  const ofOne = (self: WideCells, _index: u8): u64 => self[key].value;
  return plan.register.many ? (ofMany as unknown as Get) : ofOne;
}

function storeOf(plan: Plan): Put {
  const key = plan.name;
  const count = plan.register.count;
  const ofMany = (self: WideCellArrays, index: u8, value: u64): void => {
    self[key][index < count ? index : 0].value = u64(value);
  };
  const ofOne = (self: WideCells, _index: u8, value: u64): void => {
    self[key].value = u64(value);
  };
  return plan.register.many ? (ofMany as unknown as Put) : ofOne;
}

function peekOf(plan: Plan, load: Get): Get {
  const many = plan.register.many;
  const { peek, flags, numbers } = plan.handlers;
  if (peek !== undefined) return many ? (peek as Get) : ignoringIndex(peek as (self: WideCells) => u64);
  if (flags.length + numbers.length === 0) return load;
  const computed = [...flags, ...numbers].reduce(
    (mask, f) => mask | (((1n << f.size) - 1n) << BigInt(f.lsb)),
    0n,
  );
  const kept = u64(plan.masks.all & ~computed);
  const adapt = <T>(get: unknown): ((self: WideCells, index: u8) => T) =>
    many ? (get as (self: WideCells, index: u8) => T) : ignoringIndex(get as (self: WideCells) => T);
  const bits = flags.map((f) =>
    Object.freeze({ get: adapt<boolean>(f.get), mask: u64(1n << BigInt(f.lsb)) }),
  );
  const parts = numbers
    .filter((f) => f.size <= 32n)
    .map((f) =>
      Object.freeze({ get: adapt<u32>(f.get), lsb: BigInt(f.lsb), ones: u64((1n << f.size) - 1n) }),
    );
  const wideParts = numbers
    .filter((f) => f.size > 32n)
    .map((f) =>
      Object.freeze({ get: adapt<u64>(f.get), lsb: BigInt(f.lsb), ones: u64((1n << f.size) - 1n) }),
    );
  return (self: WideCells, index: u8): u64 => {
    // What is kept comes last: no register has to hold it over the calls.
    let value: u64 = 0n;
    for (const f of bits) if (f.get(self, index)) value = u64(value | f.mask);
    for (const f of parts) value = u64(value | ((BigInt(f.get(self, index)) & f.ones) << f.lsb));
    for (const f of wideParts) value = u64(value | ((f.get(self, index) & f.ones) << f.lsb));
    return kept === 0n ? value : u64(value | (load(self, index) & kept));
  };
}

function ignoringIndex<T>(get: (self: WideCells) => T): (self: WideCells, index: u8) => T {
  return (self: WideCells, _index: u8): T => get(self);
}

function backgroundOf(plan: Plan, peek: Get): Get {
  if (plan.masks.background === plan.masks.all) return peek;
  const kept = u64(plan.masks.background);
  return (self: WideCells, index: u8): u64 => u64(peek(self, index) & kept);
}

function readOf(plan: Plan, load: Get, store: Put, peek: Get): Get {
  const { many } = plan.register;
  const { read } = plan.handlers;
  if (read === undefined) {
    if (plan.masks.readClears === 0n) return peek;
    const left = u64(plan.masks.all & ~plan.masks.readClears);
    return (self: WideCells, index: u8): u64 => {
      const value = peek(self, index);
      store(self, index, u64(load(self, index) & left));
      return value;
    };
  }
  if (many) {
    if (read.length < 3) return read as Get;
    const handler = read as (self: WideCells, index: u8, peeked: u64) => u64;
    return (self: WideCells, index: u8): u64 => handler(self, index, u64(peek(self, index)));
  }
  if (read.length < 2) return ignoringIndex(read as (self: WideCells) => u64);
  const handler = read as (self: WideCells, peeked: u64) => u64;
  return (self: WideCells, index: u8): u64 => handler(self, u64(peek(self, index)));
}

/** A guest's write to the bits that it may write, and to those alone. */
function guestStoreOf(plan: Plan, load: Get, store: Put): Put {
  const { masks } = plan;
  if (masks.stored === masks.all) return store;
  if ((masks.stored | masks.toClear | masks.toSet) === 0n)
    return (_self: WideCells, _index: u8, _value: u64): void => {
      // Nothing of it can be written.
    };
  const kept = u64(masks.all & ~masks.stored);
  const taken = u64(masks.stored | masks.toSet);
  const toClear = u64(masks.toClear);
  if (masks.toClear === 0n) {
    return (self: WideCells, index: u8, value: u64): void =>
      store(self, index, u64((load(self, index) & kept) | (value & taken)));
  }
  return (self: WideCells, index: u8, value: u64): void =>
    store(self, index, u64((load(self, index) & kept & ~(value & toClear)) | (value & taken)));
}

function actOf(plan: Plan, load: Get, guestStore: Put): Put {
  const { many } = plan.register;
  const { write, written } = plan.handlers;
  if (write !== undefined) {
    const indexed = write as (self: WideCells, index: u8, value: u64) => void;
    const single = write as (self: WideCells, value: u64) => void;
    if (many) return (self: WideCells, index: u8, value: u64): void => indexed(self, index, u64(value));
    return (self: WideCells, _index: u8, value: u64): void => single(self, u64(value));
  }
  if (written === undefined) return guestStore;
  const old = written.length > (many ? 3 : 2);
  if (many) {
    const withOld = written as (self: WideCells, index: u8, value: u64, before: u64) => void;
    const without = written as (self: WideCells, index: u8, value: u64) => void;
    if (old) {
      return (self: WideCells, index: u8, value: u64): void => {
        const before = u64(load(self, index));
        guestStore(self, index, value);
        withOld(self, index, u64(value), before);
      };
    }
    return (self: WideCells, index: u8, value: u64): void => {
      guestStore(self, index, value);
      without(self, index, u64(value));
    };
  }
  const withOld = written as (self: WideCells, value: u64, before: u64) => void;
  const without = written as (self: WideCells, value: u64) => void;
  if (old) {
    return (self: WideCells, index: u8, value: u64): void => {
      const before = u64(load(self, index));
      guestStore(self, index, value);
      withOld(self, u64(value), before);
    };
  }
  return (self: WideCells, index: u8, value: u64): void => {
    guestStore(self, index, value);
    without(self, u64(value));
  };
}

function countedRead(plan: Plan, read: Get): Get {
  const ordinal = plan.ordinal;
  if (ordinal === undefined || !plan.register.unimplemented) return read;
  const counted = (self: NotingWideCells, index: u8): u64 => {
    self.unimplemented.note(ordinal);
    return read(self, index);
  };
  return counted as unknown as Get;
}

function countedWrite(plan: Plan, write: Put): Put {
  const ordinal = plan.ordinal;
  if (ordinal === undefined) return write;
  const always = (self: NotingWideCells, _index: u8, _value: u64): void => self.unimplemented.note(ordinal);
  if (plan.register.unimplemented) return always as unknown as Put;
  const reported = u64(plan.masks.reported);
  const expected = u64(plan.masks.expected);
  const checked = (self: NotingWideCells, index: u8, value: u64): void => {
    if (u64(value & reported) !== expected) self.unimplemented.note(ordinal);
    write(self, index, value);
  };
  return checked as unknown as Put;
}
