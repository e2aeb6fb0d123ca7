/**
 * Operations that TypeScript has no notation for. Each has its meaning in Node here and its lowering under the same
 * name in `compiler/lang/intrinsics/`.
 */
import {
  extend,
  location,
  struct,
  viewAt,
  type Descriptor,
  type StructDescriptor,
  type ValueOf,
} from "./layout.ts";
import { allocate, memory } from "./memory.ts";
import { u16, u32, u64, u8 } from "./int.ts";

const names = new WeakMap<object, string>();

/** Gives a function a lowering of its own in the compiler. */
export function intrinsic<F extends object>(name: string, inNode: F): F {
  names.set(inNode, name);
  return inNode;
}

/** The name under which the compiler lowers a function, if it is an intrinsic. */
export function intrinsicName(value: object): string | undefined {
  return names.get(value);
}

// ---- Arithmetic -----------------------------------------------------------------------------------------------

/** Integer division, truncating; the divisor's interval must not hold 0. */
export const idiv = intrinsic("idiv", (a: number, b: number): number => Math.trunc(a / b));
/** The upper 64 bits of an unsigned 128-bit product. */
export const mulHigh = intrinsic("mulHigh", (a: u64, b: u64): u64 => u64((a * b) >> 64n));
/** Number of one bits. */
export const popCount = intrinsic("popCount", (x: u64): u8 => {
  let n = 0;
  for (let rest: bigint = x; rest !== 0n; rest &= rest - 1n) n++;
  return n;
});
/** Index of the lowest one bit; 64 where there is none. */
export const lowestBit = intrinsic("lowestBit", (x: u64): u8 => {
  if (x === 0n) return 64;
  return u8(BigInt(x & -x).toString(2).length - 1);
});
/** Index of the highest one bit; 64 where there is none. */
export const highestBit = intrinsic("highestBit", (x: u64): u8 =>
  x === 0n ? 64 : u8(x.toString(2).length - 1),
);
/** `value` as a signed number of `bits` (8, 16 or 32) bits. */
export const signExtend = intrinsic(
  "signExtend",
  (value: number, bits: 8 | 16 | 32): number => (value << (32 - bits)) >> (32 - bits),
);

// ---- Faults of the program itself -----------------------------------------------------------------------------

/** Stops: the program is wrong. Kernel and platform only. */
export const trap: (message: string) => never = intrinsic("trap", (message: string): never => {
  throw new Error(`trap: ${message}`);
});
/** Stops unless the condition holds; afterwards the compiler knows that it does. Kernel and platform only. */
export const assert: (condition: boolean, message: string) => asserts condition = intrinsic(
  "assert",
  (condition: boolean, message: string) => {
    if (!condition) throw new Error(`trap: ${message}`);
  },
);
/** Marks the condition as rarely true; lays the code behind it apart. */
export const unlikely = intrinsic("unlikely", (condition: boolean): boolean => condition);
/**
 * Says how often a condition holds: `yes` times, and `no` times not. Conditions in a row that compare one value with
 * constants become a tree in which the most frequent are found first. Both weights are known at build time.
 */
export const weighed = intrinsic(
  "weighed",
  (condition: boolean, _yes: number, _no: number): boolean => condition,
);

/**
 * Whether `change`, called with `state` as its first argument, may write what `observer` reads of it, or whether `observer`
 * asks anything else but its state: where not, calling `observer` again tells nothing new. The compiler knows, once
 * it has compiled a call of `change`; in Node the answer is always yes.
 */
export const disturbs = intrinsic(
  "disturbs",
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function over the state
  <S>(_change: (state: S, ...rest: any[]) => unknown, _observer: (state: S) => void, _state: S): boolean =>
    true,
);

// ---- Memory: kernel and platform ------------------------------------------------------------------------------

/** The address of a struct or an array. */
export const addressOf = intrinsic("addressOf", (value: object): u64 => {
  const place = location(value);
  if (place === undefined) throw new TypeError("only structs and arrays have an address");
  return BigInt(place.address);
});
/** The struct or array that lies at an address. */
export const viewOf = intrinsic("viewOf", <D extends Descriptor>(descriptor: D, address: u64): ValueOf<D> =>
  viewAt(descriptor, Number(address)),
);
/** Plain loads and stores at an address, little-endian, unaligned allowed. */
export const load8 = intrinsic("load8", (address: u64): u8 => memory.view.getUint8(Number(address)));
export const load16 = intrinsic("load16", (address: u64): u16 =>
  memory.view.getUint16(Number(address), true),
);
export const load32 = intrinsic("load32", (address: u64): u32 =>
  memory.view.getUint32(Number(address), true),
);
export const load64 = intrinsic("load64", (address: u64): u64 =>
  memory.view.getBigUint64(Number(address), true),
);
export const store8 = intrinsic("store8", (address: u64, value: u8): void =>
  memory.view.setUint8(Number(address), value),
);
export const store16 = intrinsic("store16", (address: u64, value: u16): void =>
  memory.view.setUint16(Number(address), value, true),
);
export const store32 = intrinsic("store32", (address: u64, value: u32): void =>
  memory.view.setUint32(Number(address), value, true),
);
export const store64 = intrinsic("store64", (address: u64, value: u64): void =>
  memory.view.setBigUint64(Number(address), value, true),
);
/** Copies `bytes` bytes between places that do not overlap. */
export const copyBytes = intrinsic("copyBytes", (to: u64, from: u64, bytes: u64): void => {
  new Uint8Array(memory.buffer).copyWithin(Number(to), Number(from), Number(from + bytes));
});
/** Sets `bytes` bytes. */
export const fillBytes = intrinsic("fillBytes", (to: u64, value: u8, bytes: u64): void => {
  new Uint8Array(memory.buffer, Number(to), Number(bytes)).fill(value);
});
/** Volatile accesses at an address: exactly one access of exactly this width, never moved, merged or dropped. */
export const volatile = Object.freeze({
  load8: intrinsic("volatile.load8", (address: u64): u8 => load8(address)),
  load16: intrinsic("volatile.load16", (address: u64): u16 => load16(address)),
  load32: intrinsic("volatile.load32", (address: u64): u32 => load32(address)),
  load64: intrinsic("volatile.load64", (address: u64): u64 => load64(address)),
  store8: intrinsic("volatile.store8", (address: u64, value: u8): void => store8(address, value)),
  store16: intrinsic("volatile.store16", (address: u64, value: u16): void => store16(address, value)),
  store32: intrinsic("volatile.store32", (address: u64, value: u32): void => store32(address, value)),
  store64: intrinsic("volatile.store64", (address: u64, value: u64): void => store64(address, value)),
});
/** Orders all memory accesses before it before all after it. */
export const fence = intrinsic("fence", (): void => undefined);

// ---- Cells: shared between CPUs or with a device ---------------------------------------------------------------

const AtomicU32Layout = struct("AtomicU32", { value: u32 });
const AtomicU64Layout = struct("AtomicU64", { value: u64 });
type C32 = ValueOf<typeof AtomicU32Layout>;
type C64 = ValueOf<typeof AtomicU64Layout>;

/** A 32-bit word that several CPUs change. Loads acquire, stores release, the rest is sequentially consistent; `or`, `and`, `add`, `exchange` return the old value; `compareExchange` whether it exchanged. */
export const AtomicU32 = extend(AtomicU32Layout, {
  methods: {
    load: intrinsic("atomic32.load", (self: C32): u32 => self.value),
    store: intrinsic("atomic32.store", (self: C32, value: u32): void => {
      self.value = value;
    }),
    exchange: intrinsic("atomic32.exchange", (self: C32, value: u32): u32 => {
      const old = self.value;
      self.value = value;
      return old;
    }),
    or: intrinsic("atomic32.or", (self: C32, bits: u32): u32 => {
      const old = self.value;
      self.value = u32(old | bits);
      return old;
    }),
    and: intrinsic("atomic32.and", (self: C32, bits: u32): u32 => {
      const old = self.value;
      self.value = u32(old & bits);
      return old;
    }),
    add: intrinsic("atomic32.add", (self: C32, amount: u32): u32 => {
      const old = self.value;
      self.value = u32(old + amount);
      return old;
    }),
    compareExchange: intrinsic(
      "atomic32.compareExchange",
      (self: C32, expected: u32, desired: u32): boolean => {
        if (self.value !== expected) return false;
        self.value = desired;
        return true;
      },
    ),
  },
});
export type AtomicU32 = ValueOf<typeof AtomicU32>;

/** As AtomicU32, with 64 bits. */
export const AtomicU64 = extend(AtomicU64Layout, {
  methods: {
    load: intrinsic("atomic64.load", (self: C64): u64 => self.value),
    store: intrinsic("atomic64.store", (self: C64, value: u64): void => {
      self.value = value;
    }),
    exchange: intrinsic("atomic64.exchange", (self: C64, value: u64): u64 => {
      const old = self.value;
      self.value = value;
      return old;
    }),
    or: intrinsic("atomic64.or", (self: C64, bits: u64): u64 => {
      const old = self.value;
      self.value = u64(old | bits);
      return old;
    }),
    and: intrinsic("atomic64.and", (self: C64, bits: u64): u64 => {
      const old = self.value;
      self.value = u64(old & bits);
      return old;
    }),
    add: intrinsic("atomic64.add", (self: C64, amount: u64): u64 => {
      const old = self.value;
      self.value = u64(old + amount);
      return old;
    }),
    compareExchange: intrinsic(
      "atomic64.compareExchange",
      (self: C64, expected: u64, desired: u64): boolean => {
        if (self.value !== expected) return false;
        self.value = desired;
        return true;
      },
    ),
  },
});
export type AtomicU64 = ValueOf<typeof AtomicU64>;

// ---- Text -----------------------------------------------------------------------------------------------------

/** Constant bytes: where they lie and how many. */
export interface Text {
  readonly address: u64;
  readonly length: u32;
}

const texts = new Map<string, Text>();
const textObjects = new WeakSet<object>();

/** Whether a value is static text. */
export function isText(value: object): value is Text {
  return textObjects.has(value);
}

/** The UTF-8 bytes of a string that is known at build time, in read-only memory. */
export const text = intrinsic("text", (value: string): Text => {
  let known = texts.get(value);
  if (known === undefined) {
    const bytes = Array.from(unescape(encodeURIComponent(value)), (c) => c.charCodeAt(0));
    const address = allocate(bytes.length + 1, 8);
    bytes.forEach((byte, i) => memory.view.setUint8(address + i, byte));
    texts.set(value, (known = Object.freeze({ address: BigInt(address), length: bytes.length })));
    textObjects.add(known);
  }
  return known;
});

/** Descriptor types again, for those who write generic containers. */
export type { Descriptor, StructDescriptor };
