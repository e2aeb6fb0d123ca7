/** A device's whole state by name, as plain data that survives JSON, out of its layout: the same in Node and natively. */
import type { Descriptor, StructDescriptor } from "../core/layout.ts";

/** A value of a state: 64-bit integers are strings in hexadecimal. */
export type StateValue =
  number | boolean | string | readonly StateValue[] | { readonly [name: string]: StateValue };
/** A state by the names of its registers and of what was declared beside them. */
export type StateRecord = Readonly<Record<string, StateValue>>;

/** A record that does not fit the device's state. */
export class SnapshotError extends Error {
  override name = "SnapshotError";
}

/** The time and the state of a device's snapshot, which may be anything. Throws SnapshotError where it is none of this device. */
export function partsOf(
  snapshot: unknown,
  device: string,
): { readonly timeNs: bigint; readonly state: unknown } {
  if (typeof snapshot !== "object" || snapshot === null) throw new SnapshotError("this is no snapshot");
  const { device: of, timeNs, state } = snapshot as Readonly<Record<string, unknown>>;
  if (of !== device) throw new SnapshotError(`a snapshot of ${String(of)} does not fit ${device}`);
  if (typeof timeNs !== "string" || !/^0x[0-9a-f]{1,16}$/.test(timeNs))
    throw new SnapshotError(`${String(timeNs)} is no time`);
  return { timeNs: BigInt(timeNs), state };
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A struct whose only field is `value` (a register's cell, a scalar) is seen as that value. */
const cellOf = (descriptor: Descriptor): Descriptor | undefined =>
  descriptor.kind === "struct" && descriptor.fields.length === 1 && descriptor.fields[0]!.name === "value"
    ? descriptor.fields[0]!.descriptor
    : undefined;

/** The name in the source of a field of the layout. */
const nameOf = (field: string): string => field.replace(/\$$/, "");

function read(descriptor: Descriptor, view: DataView, at: number): StateValue {
  const cell = cellOf(descriptor);
  if (cell !== undefined) return read(cell, view, at);
  switch (descriptor.kind) {
    case "bool":
      return view.getUint8(at) !== 0;
    case "int":
      switch (descriptor.bits) {
        case 8:
          return view.getUint8(at);
        case 16:
          return view.getUint16(at, true);
        case 32:
          return descriptor.signed ? view.getInt32(at, true) : view.getUint32(at, true);
        case 64:
          return `0x${view.getBigUint64(at, true).toString(16)}`;
      }
    // eslint-disable-next-line no-fallthrough -- the inner switch is exhaustive
    case "array":
      return Array.from({ length: descriptor.length }, (_, i) =>
        read(descriptor.element, view, at + i * descriptor.stride),
      );
    case "struct":
      return Object.fromEntries(
        descriptor.fields.map((f) => [nameOf(f.name), read(f.descriptor, view, at + f.offset)]),
      );
    case "ref":
      return `0x${view.getBigUint64(at, true).toString(16)}`;
  }
}

/** A state as a record. */
export function recordOf(state: StructDescriptor, bytes: Uint8Array): StateRecord {
  return read(state, viewOf(bytes), 0) as StateRecord;
}

function write(descriptor: Descriptor, view: DataView, at: number, value: unknown, path: string): void {
  const wrong = (wanted: string): SnapshotError =>
    new SnapshotError(`\`${path}\` is ${JSON.stringify(value) ?? "missing"}, where the state has ${wanted}`);
  const cell = cellOf(descriptor);
  if (cell !== undefined) return write(cell, view, at, value, path);
  switch (descriptor.kind) {
    case "bool":
      if (typeof value !== "boolean") throw wrong("true or false");
      return view.setUint8(at, Number(value));
    case "ref":
    case "int": {
      const [bits, signed] = descriptor.kind === "ref" ? [64, false] : [descriptor.bits, descriptor.signed];
      const text = bits === 64 ? /^0x[0-9a-f]{1,16}$/ : /^-?\d+$/;
      const right = typeof value === (bits === 64 ? "string" : "number") && text.test(String(value));
      if (!right) throw wrong(bits === 64 ? "64 bits in hexadecimal" : `${bits} bits`);
      const whole = BigInt(value as string | number);
      const kept = signed && bits < 64 ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
      if (kept !== whole) throw wrong(`${bits} bits`);
      for (let i = 0; i < bits / 8; i++) view.setUint8(at + i, Number((whole >> BigInt(i * 8)) & 0xffn));
      return;
    }
    case "array":
      if (!Array.isArray(value) || value.length !== descriptor.length)
        throw wrong(`${descriptor.length} elements`);
      value.forEach((element: unknown, i) =>
        write(descriptor.element, view, at + i * descriptor.stride, element, `${path}[${i}]`),
      );
      return;
    case "struct": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("several fields");
      const names = new Set(descriptor.fields.map((f) => nameOf(f.name)));
      const stranger = Object.keys(value).find((name) => !names.has(name));
      const inside = (name: string): string => (path === "" ? name : `${path}.${name}`);
      if (stranger !== undefined) throw new SnapshotError(`the state has no \`${inside(stranger)}\``);
      for (const { name, offset, descriptor: field } of descriptor.fields)
        write(
          field,
          view,
          at + offset,
          (value as Record<string, unknown>)[nameOf(name)],
          inside(nameOf(name)),
        );
    }
  }
}

/** Puts a record into a state's bytes. Throws SnapshotError, and leaves the bytes as they were, where it does not fit. */
export function putRecord(state: StructDescriptor, bytes: Uint8Array, record: unknown): void {
  const made = bytes.slice();
  write(state, viewOf(made), 0, record, "");
  bytes.set(made);
}

/** Every leaf of a record by its path: `timers[2].armed`. */
function* leaves(value: StateValue, path: string): Generator<readonly [string, string]> {
  if (Array.isArray(value))
    for (const [i, v] of value.entries()) yield* leaves(v as StateValue, `${path}[${i}]`);
  else if (typeof value === "object")
    for (const [name, v] of Object.entries(value))
      yield* leaves(v as StateValue, path === "" ? name : `${path}.${name}`);
  else yield [path, String(value)];
}

/** What differs between two records of the same device. */
export function differences(
  one: StateRecord,
  other: StateRecord,
): readonly { readonly path: string; readonly one: string; readonly other: string }[] {
  const others = new Map(leaves(other, ""));
  return [...leaves(one, "")].flatMap(([path, text]) => {
    const against = others.get(path) ?? "missing";
    return against === text ? [] : [{ path, one: text, other: against }];
  });
}
