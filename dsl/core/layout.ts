/**
 * Fixed layouts: structs, arrays, references and cells. A descriptor is a value, made at build time; its TypeScript
 * type follows from it (`type Vcpu = ValueOf<typeof Vcpu>`). A struct or an array is always a reference, as objects
 * are in JavaScript: `const v = vcpus[i]` copies nothing.
 */
import { allocate, memory } from "./memory.ts";
import type { IntDescriptor, StoreObserver } from "./int.ts";

/** A boolean: one byte, 0 or 1. */
export interface BoolDescriptor {
  readonly kind: "bool";
  readonly size: 1;
  readonly align: 1;
  readonly observer?: StoreObserver;
  readonly type?: boolean;
}
export const bool: BoolDescriptor = Object.freeze({ kind: "bool", size: 1, align: 1 });

/** `length` elements side by side. Element access is bounds-checked, or proved. */
export interface FixedArray<T> {
  readonly length: number;
  [index: number]: T;
  [Symbol.iterator](): Iterator<T>;
}
export interface ArrayDescriptor<T = unknown> {
  readonly kind: "array";
  readonly element: Descriptor;
  readonly length: number;
  readonly stride: number;
  readonly size: number;
  readonly align: number;
  readonly type?: T;
}

/** An 8-byte reference to a struct, or null. */
export interface RefDescriptor<T = unknown> {
  readonly kind: "ref";
  readonly target: () => StructDescriptor;
  readonly size: 8;
  readonly align: 8;
  readonly type?: T;
}

export interface StructField {
  readonly name: string;
  readonly offset: number;
  readonly descriptor: Descriptor;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a method of any struct
export type AnyFunction = (...args: any[]) => any;
/** A computed property: functions of the struct, called where the property is read or written. */
export interface Property {
  readonly get?: AnyFunction;
  readonly set?: AnyFunction;
}
export interface StructDescriptor<T = unknown> {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: readonly StructField[];
  readonly methods: Readonly<Record<string, AnyFunction>>;
  readonly properties: Readonly<Record<string, Property>>;
  readonly size: number;
  readonly align: number;
  readonly type?: T;
}

export type Descriptor =
  IntDescriptor<unknown> | BoolDescriptor | ArrayDescriptor | RefDescriptor | StructDescriptor;

/** The TypeScript type that a descriptor stands for. */
export type ValueOf<D> = D extends { readonly type?: infer T } ? Exclude<T, undefined> : never;

/** Places a field at a byte offset: `at(0x70, u64)`. Fields without one follow with natural alignment. */
export interface Placed<D extends Descriptor = Descriptor> {
  readonly kind: "placed";
  readonly offset: number;
  readonly descriptor: D;
}
export function at<D extends Descriptor>(offset: number, descriptor: D): Placed<D> {
  return Object.freeze({ kind: "placed", offset, descriptor });
}

export type Fields = Readonly<Record<string, Descriptor | Placed>>;
type FieldValue<F> = F extends Placed<infer D> ? ValueOf<D> : ValueOf<F>;
type ScalarNames<F> = {
  [K in keyof F]: F[K] extends
    { kind: "struct" | "array" } | Placed<{ kind: "struct" | "array" } & Descriptor>
    ? never
    : K;
}[keyof F];
/** Scalars can be assigned; nested structs and arrays cannot, only their contents. */
export type StructValue<F> = { -readonly [K in ScalarNames<F>]: FieldValue<F[K]> } & {
  readonly [K in Exclude<keyof F, ScalarNames<F>>]: FieldValue<F[K]>;
};
type Methods = Readonly<Record<string, AnyFunction>>;
type MethodValues<M> = {
  readonly [K in keyof M]: M[K] extends (self: never, ...args: infer A) => infer R
    ? (...args: A) => R
    : never;
};
type PropertyValues<P> = {
  -readonly [K in keyof P]: P[K] extends { get: (self: never) => infer R } ? R : never;
};

export interface StructOptions {
  /** Total size in bytes; larger than the fields leave it. */
  readonly size?: number;
  /** Alignment in bytes; larger than the fields'. */
  readonly align?: number;
  /** No padding; accesses may be unaligned. */
  readonly packed?: boolean;
}

/**
 * Declares a struct. Overlapping fields, and fields beyond `size`, throw at build time.
 *
 * ```ts
 * export const Gate = struct("Gate", { offsetLow: u16, selector: u16, options: at(4, u16) }, { size: 16 });
 * export type Gate = ValueOf<typeof Gate>;
 * ```
 */
export function struct<const F extends Fields>(
  name: string,
  fields: F,
  options: StructOptions = {},
): StructDescriptor<StructValue<F>> {
  const placed: StructField[] = [];
  let end = 0;
  let align = options.align ?? 1;
  for (const [fieldName, field] of Object.entries(fields)) {
    const descriptor = field.kind === "placed" ? field.descriptor : field;
    const fieldAlign = options.packed ? 1 : descriptor.align;
    const offset = field.kind === "placed" ? field.offset : Math.ceil(end / fieldAlign) * fieldAlign;
    for (const other of placed) {
      if (offset < other.offset + other.descriptor.size && other.offset < offset + descriptor.size) {
        throw new RangeError(`struct ${name}: field ${fieldName} overlaps ${other.name} at offset ${offset}`);
      }
    }
    if (offset % fieldAlign !== 0)
      throw new RangeError(
        `struct ${name}: field ${fieldName} at offset ${offset} is not aligned to ${fieldAlign}`,
      );
    placed.push(Object.freeze({ name: fieldName, offset, descriptor }));
    end = Math.max(end, offset + descriptor.size);
    align = Math.max(align, fieldAlign);
  }
  const size = options.size ?? Math.ceil(end / align) * align;
  if (size < end)
    throw new RangeError(`struct ${name}: ${size} bytes do not hold its fields, which end at ${end}`);
  return Object.freeze({
    kind: "struct",
    name,
    fields: Object.freeze(placed),
    methods: {},
    properties: {},
    size,
    align,
  });
}

/** Byte offset of a field of a struct. Build time only. */
export function offsetOf(descriptor: StructDescriptor, name: string): number {
  const field = descriptor.fields.find((f) => f.name === name);
  if (field === undefined) throw new RangeError(`struct ${descriptor.name} has no field ${name}`);
  return field.offset;
}

/**
 * Adds methods and computed properties to a struct: functions whose first parameter is the struct itself. They are
 * called as `value.method(…)` and compiled like any function.
 */
export function extend<
  T,
  const M extends Methods = Readonly<Record<never, AnyFunction>>,
  const P extends Readonly<Record<string, Property>> = Readonly<Record<never, Property>>,
>(
  base: StructDescriptor<T>,
  additions: { readonly methods?: M; readonly properties?: P },
): StructDescriptor<T & MethodValues<M> & PropertyValues<P>> {
  const methods = { ...base.methods, ...additions.methods };
  const properties = { ...base.properties, ...additions.properties };
  for (const name of [...Object.keys(methods), ...Object.keys(properties)]) {
    if (base.fields.some((f) => f.name === name))
      throw new RangeError(`struct ${base.name}: ${name} is a field already`);
  }
  return Object.freeze({
    ...base,
    methods: Object.freeze(methods),
    properties: Object.freeze(properties),
  }) as never;
}

/** Declares an array of `length` elements. */
export function array<D extends Descriptor>(
  element: D,
  length: number,
): ArrayDescriptor<FixedArray<ValueOf<D>>> {
  if (!Number.isInteger(length) || length < 0)
    throw new RangeError(`an array's length is a whole number, not ${length}`);
  const stride = Math.ceil(element.size / element.align) * element.align;
  return Object.freeze({
    kind: "array",
    element,
    length,
    stride,
    size: stride * length,
    align: element.align,
  });
}

/** Declares a reference to a struct, which may be null. Recursive structs pass a function. */
export function ref<T>(target: StructDescriptor<T> | (() => StructDescriptor<T>)): RefDescriptor<T | null> {
  return Object.freeze({
    kind: "ref",
    target: (typeof target === "function" ? target : () => target) as () => StructDescriptor,
    size: 8,
    align: 8,
  });
}

// ---- Values in Node -------------------------------------------------------------------------------------------

interface Located {
  readonly [locationOf]: { readonly descriptor: Descriptor; readonly address: number };
}
const locationOf = Symbol("location");
const arrayLocations = new WeakMap<object, { descriptor: Descriptor; address: number }>();
const prototypes = new WeakMap<StructDescriptor, object>();
const views = new WeakMap<Descriptor, Map<number, object>>();

/** Where a struct or array lies in Node's memory, and of which type it is; undefined for anything else. */
export function location(
  value: unknown,
): { readonly descriptor: Descriptor; readonly address: number } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return arrayLocations.get(value) ?? (value as Partial<Located>)[locationOf];
}

function load(descriptor: Descriptor, address: number): unknown {
  const view = memory.view;
  switch (descriptor.kind) {
    case "int":
      switch (descriptor.bits) {
        case 8:
          return view.getUint8(address);
        case 16:
          return view.getUint16(address, true);
        case 32:
          return descriptor.signed ? view.getInt32(address, true) : view.getUint32(address, true);
        case 64:
          return descriptor.signed ? view.getBigInt64(address, true) : view.getBigUint64(address, true);
      }
    // eslint-disable-next-line no-fallthrough -- the inner switch is exhaustive
    case "bool":
      return view.getUint8(address) !== 0;
    case "ref": {
      const target = Number(view.getBigUint64(address, true));
      return target === 0 ? null : viewAt(descriptor.target(), target);
    }
    default:
      return viewAt(descriptor, address);
  }
}

function store(descriptor: Descriptor, address: number, value: unknown, place: string): void {
  const observer = descriptor.kind === "int" || descriptor.kind === "bool" ? descriptor.observer : undefined;
  if (observer === undefined) return put(descriptor, address, value, place);
  const before = load(descriptor, address);
  put(descriptor, address, value, place);
  if (load(descriptor, address) !== before)
    observer(
      BigInt(address),
      BigInt.asUintN(8 * descriptor.size, BigInt(value as number | bigint | boolean)),
    );
}

function put(descriptor: Descriptor, address: number, value: unknown, place: string): void {
  const view = memory.view;
  switch (descriptor.kind) {
    case "int": {
      if (descriptor.bits === 64 ? typeof value !== "bigint" : !Number.isInteger(value))
        throw new TypeError(`${place}: ${String(value)} is no ${descriptor.name}`);
      const stored = descriptor.signed
        ? BigInt.asIntN(descriptor.bits, BigInt(value as number))
        : BigInt.asUintN(descriptor.bits, BigInt(value as number));
      if (stored !== BigInt(value as number))
        throw new RangeError(`${place}: ${String(value)} does not fit ${descriptor.name}`);
      switch (descriptor.bits) {
        case 8:
          return view.setUint8(address, value as number);
        case 16:
          return view.setUint16(address, value as number, true);
        case 32:
          return view.setInt32(address, value as number, true);
        case 64:
          return view.setBigUint64(address, stored, true);
      }
    }
    // eslint-disable-next-line no-fallthrough -- the inner switch is exhaustive
    case "bool":
      return view.setUint8(address, value === true ? 1 : 0);
    case "ref":
      return view.setBigUint64(address, value === null ? 0n : BigInt(location(value)!.address), true);
    default:
      throw new TypeError(`${place} is a ${descriptor.kind} and cannot be assigned`);
  }
}

function prototypeOf(descriptor: StructDescriptor): object {
  const known = prototypes.get(descriptor);
  if (known !== undefined) return known;
  const prototype = {};
  for (const { name, offset, descriptor: type } of descriptor.fields) {
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: Located) {
        return load(type, this[locationOf].address + offset);
      },
      set(this: Located, value: unknown) {
        store(type, this[locationOf].address + offset, value, `${descriptor.name}.${name}`);
      },
    });
  }
  for (const [name, method] of Object.entries(descriptor.methods)) {
    Object.defineProperty(prototype, name, {
      value(this: unknown, ...args: unknown[]): unknown {
        return method(this, ...args);
      },
    });
  }
  for (const [name, { get, set }] of Object.entries(descriptor.properties)) {
    Object.defineProperty(prototype, name, {
      ...(get && {
        get(this: unknown): unknown {
          return get(this);
        },
      }),
      ...(set && {
        set(this: unknown, value: unknown) {
          set(this, value);
        },
      }),
    });
  }
  prototypes.set(descriptor, prototype);
  return prototype;
}

function makeArray(descriptor: ArrayDescriptor, address: number): object {
  const { element, length, stride } = descriptor;
  const check = (key: string): number => {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= length)
      throw new RangeError(`index ${key} is outside an array of ${length}`);
    return address + index * stride;
  };
  const isIndex = (key: string | symbol): key is `${number}` => typeof key === "string" && /^-?\d/.test(key);
  const proxy: object = new Proxy(
    {},
    {
      get(_, key) {
        if (isIndex(key)) return load(element, check(key));
        if (key === "length") return length;
        if (key === Symbol.iterator)
          return function* () {
            for (let i = 0; i < length; i++) yield load(element, address + i * stride);
          };
        return undefined;
      },
      set(_, key, value) {
        if (!isIndex(key)) return false;
        store(element, check(key), value, `element ${key}`);
        return true;
      },
    },
  );
  arrayLocations.set(proxy, { descriptor, address });
  return proxy;
}

/** The struct or array of a descriptor at an address of Node's memory. The same place gives the same object. */
export function viewAt<D extends Descriptor>(descriptor: D, address: number): ValueOf<D> {
  let known = views.get(descriptor);
  if (known === undefined) views.set(descriptor, (known = new Map()));
  let value = known.get(address);
  if (value === undefined) {
    if (descriptor.kind === "struct")
      value = Object.create(prototypeOf(descriptor), {
        [locationOf]: { value: Object.freeze({ descriptor, address }) },
      }) as object;
    else if (descriptor.kind === "array") value = makeArray(descriptor, address);
    else throw new TypeError(`a ${descriptor.kind} has no view`);
    known.set(address, value);
  }
  return value as ValueOf<D>;
}

/** A fresh zeroed struct or array in Node's memory: for tests, and under `storage`. */
export function make<D extends Descriptor>(descriptor: D): ValueOf<D> {
  return viewAt(descriptor, allocate(descriptor.size, Math.max(descriptor.align, 8)));
}
