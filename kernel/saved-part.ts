/**
 * Pieces of a guest's state that a save keeps as they lie in memory, and what tells one layout from another: a line of
 * text for every scalar, with its name, its type and its place.
 */
import { location, type Descriptor, type StructField } from "../dsl/core/layout.ts";

/** A piece of a live struct or array. */
export interface SavedPart {
  readonly name: string;
  readonly value: object;
  /** Where it begins in `value`, and how long it is, in bytes. */
  readonly offset: bigint;
  readonly bytes: bigint;
  /** `uart0.lcr u8 at 12`, one for each scalar or array of scalars. */
  readonly layout: readonly string[];
}

/** The name in the source of a field of the layout. */
const nameOf = (field: string): string => field.replace(/\$$/, "");
const inside = (path: string, name: string): string => `${path}.${nameOf(name)}`;

function* linesOf(path: string, descriptor: Descriptor, at: number): Generator<string> {
  switch (descriptor.kind) {
    case "int":
      yield `${path} ${descriptor.name} at ${at}`;
      return;
    case "bool":
      yield `${path} bool at ${at}`;
      return;
    case "ref":
      throw new RangeError(`${path} is a reference, which means nothing in another run`);
    case "array": {
      const { element, length, stride } = descriptor;
      if (element.kind === "int" || element.kind === "bool")
        yield `${path} ${length} ${element.kind === "int" ? element.name : "bool"} at ${at}`;
      else {
        yield `${path} ${length} of ${stride} bytes at ${at}`;
        yield* linesOf(`${path}[]`, element, 0);
      }
      return;
    }
    case "struct": {
      // What holds one value is that value.
      const [only] = descriptor.fields;
      if (descriptor.fields.length === 1 && only!.name === "value")
        yield* linesOf(path, only!.descriptor, at + only!.offset);
      else yield* linesOfFields(path, descriptor.fields, at);
    }
  }
}
function* linesOfFields(path: string, fields: readonly StructField[], at: number): Generator<string> {
  for (const { name, offset, descriptor } of fields)
    yield* linesOf(inside(path, name), descriptor, at + offset);
}

/** Fields of a struct, by name: from the first named to before the second. */
export interface FieldRange {
  readonly from?: string;
  readonly before?: string;
}

/** A whole struct or array as a part, or a range of a struct's fields. Build time. Throws RangeError for a reference. */
export function savedPart(name: string, value: object, range: FieldRange = {}): SavedPart {
  const place = location(value);
  if (place === undefined) throw new TypeError(`${name}: only structs and arrays can be saved`);
  const { descriptor } = place;
  if (descriptor.kind !== "struct" || (range.from === undefined && range.before === undefined)) {
    const layout = Object.freeze([...linesOf(name, descriptor, 0)]);
    return Object.freeze({ name, value, offset: 0n, bytes: BigInt(descriptor.size), layout });
  }
  const at = (field: string | undefined, otherwise: number): number => {
    if (field === undefined) return otherwise;
    const found = descriptor.fields.find((f) => f.name === field);
    if (found === undefined) throw new RangeError(`struct ${descriptor.name} has no field ${field}`);
    return found.offset;
  };
  const [first, end] = [at(range.from, 0), at(range.before, descriptor.size)];
  const fields = descriptor.fields.filter((f) => f.offset >= first && f.offset < end);
  const layout = Object.freeze([...linesOfFields(name, fields, -first)]);
  return Object.freeze({ name, value, offset: BigInt(first), bytes: BigInt(end - first), layout });
}
