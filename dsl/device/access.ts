/**
 * What a guest's access does to one register of up to 32 bits: templates that capture the plan's constants.
 * `access-wide.ts` is the same for 64 bits. Every function takes an index, which a single register leaves alone.
 */
import { u32, u8, type IntType } from "../core/int.ts";
import type { CellArrays, Cells } from "./cell.ts";
import type { Plan } from "./plan.ts";

/** Cells, and where uses of unimplemented things are counted. */
export type NotingCells = Cells & { readonly unimplemented: { note(ordinal: u8): void } };

/** The access functions of a register of up to 32 bits. */
export interface NarrowAccess {
  /** What a debugger sees; changes nothing. */
  readonly peek: (self: Cells, index: u8) => u32;
  /** What a guest's read returns and does. */
  readonly read: (self: Cells, index: u8) => u32;
  /** What a guest's write does. */
  readonly write: (self: Cells, index: u8, value: u32) => void;
  /** What stands in for the bits that a partial write leaves out. */
  readonly background: (self: Cells, index: u8) => u32;
}
type Get = (self: Cells, index: u8) => u32;
type Put = (self: Cells, index: u8, value: u32) => void;

/** Access to a register of up to 32 bits. */
export function narrowAccess(plan: Plan): NarrowAccess {
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
  const ofMany = (self: CellArrays, index: u8): u32 => self[key][index < count ? index : 0].value;
  const ofOne = (self: Cells, _index: u8): u32 => self[key].value;
  return plan.register.many ? (ofMany as unknown as Get) : ofOne;
}

function storeOf(plan: Plan): Put {
  const key = plan.name;
  const narrow = plan.width as IntType<u32>;
  const count = plan.register.count;
  const ofMany = (self: CellArrays, index: u8, value: u32): void => {
    self[key][index < count ? index : 0].value = narrow(value);
  };
  const ofOne = (self: Cells, _index: u8, value: u32): void => {
    self[key].value = narrow(value);
  };
  return plan.register.many ? (ofMany as unknown as Put) : ofOne;
}

function peekOf(plan: Plan, load: Get): Get {
  const many = plan.register.many;
  const { peek, flags, numbers } = plan.handlers;
  if (peek !== undefined) return many ? (peek as Get) : ignoringIndex(peek as (self: Cells) => u32);
  if (flags.length + numbers.length === 0) return load;
  const computed = [...flags, ...numbers].reduce(
    (mask, f) => mask | (((1n << f.size) - 1n) << BigInt(f.lsb)),
    0n,
  );
  const kept = u32(plan.masks.all & ~computed);
  const adapt = <T>(get: unknown): ((self: Cells, index: u8) => T) =>
    many ? (get as (self: Cells, index: u8) => T) : ignoringIndex(get as (self: Cells) => T);
  const bits = flags.map((f) =>
    Object.freeze({ get: adapt<boolean>(f.get), mask: u32(1n << BigInt(f.lsb)) }),
  );
  const parts = numbers.map((f) =>
    Object.freeze({ get: adapt<u32>(f.get), lsb: f.lsb, ones: u32((1n << f.size) - 1n) }),
  );
  return (self: Cells, index: u8): u32 => {
    // What is kept comes last: no register has to hold it over the calls.
    let value: u32 = 0;
    for (const f of bits) if (f.get(self, index)) value = u32(value | f.mask);
    for (const f of parts) value = u32(value | ((f.get(self, index) & f.ones) << f.lsb));
    return kept === 0 ? value : u32(value | (load(self, index) & kept));
  };
}

function ignoringIndex<T>(get: (self: Cells) => T): (self: Cells, index: u8) => T {
  return (self: Cells, _index: u8): T => get(self);
}

function backgroundOf(plan: Plan, peek: Get): Get {
  if (plan.masks.background === plan.masks.all) return peek;
  const kept = u32(plan.masks.background);
  return (self: Cells, index: u8): u32 => u32(peek(self, index) & kept);
}

function readOf(plan: Plan, load: Get, store: Put, peek: Get): Get {
  const { many } = plan.register;
  const narrow = plan.width as IntType<u32>;
  const { read } = plan.handlers;
  if (read === undefined) {
    if (plan.masks.readClears === 0n) return peek;
    const left = u32(plan.masks.all & ~plan.masks.readClears);
    return (self: Cells, index: u8): u32 => {
      const value = peek(self, index);
      store(self, index, u32(load(self, index) & left));
      return value;
    };
  }
  if (many) {
    if (read.length < 3) return read as Get;
    const handler = read as (self: Cells, index: u8, peeked: u32) => u32;
    return (self: Cells, index: u8): u32 => handler(self, index, narrow(peek(self, index)));
  }
  if (read.length < 2) return ignoringIndex(read as (self: Cells) => u32);
  const handler = read as (self: Cells, peeked: u32) => u32;
  return (self: Cells, index: u8): u32 => handler(self, narrow(peek(self, index)));
}

/** A guest's write to the bits that it may write, and to those alone. */
function guestStoreOf(plan: Plan, load: Get, store: Put): Put {
  const { masks } = plan;
  if (masks.stored === masks.all) return store;
  if ((masks.stored | masks.toClear | masks.toSet) === 0n)
    return (_self: Cells, _index: u8, _value: u32): void => {
      // Nothing of it can be written.
    };
  const kept = u32(masks.all & ~masks.stored);
  const taken = u32(masks.stored | masks.toSet);
  const toClear = u32(masks.toClear);
  if (masks.toClear === 0n) {
    return (self: Cells, index: u8, value: u32): void =>
      store(self, index, u32((load(self, index) & kept) | (value & taken)));
  }
  return (self: Cells, index: u8, value: u32): void =>
    store(self, index, u32((load(self, index) & kept & ~(value & toClear)) | (value & taken)));
}

function actOf(plan: Plan, load: Get, guestStore: Put): Put {
  const { many } = plan.register;
  const narrow = plan.width as IntType<u32>;
  const { write, written } = plan.handlers;
  if (write !== undefined) {
    const indexed = write as (self: Cells, index: u8, value: u32) => void;
    const single = write as (self: Cells, value: u32) => void;
    if (many) return (self: Cells, index: u8, value: u32): void => indexed(self, index, narrow(value));
    return (self: Cells, _index: u8, value: u32): void => single(self, narrow(value));
  }
  if (written === undefined) return guestStore;
  const old = written.length > (many ? 3 : 2);
  if (many) {
    const withOld = written as (self: Cells, index: u8, value: u32, before: u32) => void;
    const without = written as (self: Cells, index: u8, value: u32) => void;
    if (old) {
      return (self: Cells, index: u8, value: u32): void => {
        const before = narrow(load(self, index));
        guestStore(self, index, value);
        withOld(self, index, narrow(value), before);
      };
    }
    return (self: Cells, index: u8, value: u32): void => {
      guestStore(self, index, value);
      without(self, index, narrow(value));
    };
  }
  const withOld = written as (self: Cells, value: u32, before: u32) => void;
  const without = written as (self: Cells, value: u32) => void;
  if (old) {
    return (self: Cells, index: u8, value: u32): void => {
      const before = narrow(load(self, index));
      guestStore(self, index, value);
      withOld(self, narrow(value), before);
    };
  }
  return (self: Cells, index: u8, value: u32): void => {
    guestStore(self, index, value);
    without(self, narrow(value));
  };
}

function countedRead(plan: Plan, read: Get): Get {
  const ordinal = plan.ordinal;
  if (ordinal === undefined || !plan.register.unimplemented) return read;
  const counted = (self: NotingCells, index: u8): u32 => {
    self.unimplemented.note(ordinal);
    return read(self, index);
  };
  return counted as unknown as Get;
}

function countedWrite(plan: Plan, write: Put): Put {
  const ordinal = plan.ordinal;
  if (ordinal === undefined) return write;
  const always = (self: NotingCells, _index: u8, _value: u32): void => self.unimplemented.note(ordinal);
  if (plan.register.unimplemented) return always as unknown as Put;
  const reported = u32(plan.masks.reported);
  const expected = u32(plan.masks.expected);
  const checked = (self: NotingCells, index: u8, value: u32): void => {
    if (u32(value & reported) !== expected) self.unimplemented.note(ordinal);
    write(self, index, value);
  };
  return checked as unknown as Put;
}
