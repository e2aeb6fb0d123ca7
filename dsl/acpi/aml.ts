/**
 * ACPI Machine Language, encoded: a function per object of the language, each returning the bytes of one term. Which
 * terms may stand where is said by three types, so that a statement cannot stand where a named object must.
 * Everything is from the ACPI specification 6.5, §20.2 (AML grammar); the section of each rule stands beside it.
 */

/** Bytes of AML that may stand in a term list: named objects and scopes. */
export interface AmlObject {
  readonly aml: "object";
  readonly bytes: readonly number[];
}
/** Bytes of AML that give a value: constants, buffers, packages, references. */
export interface AmlData {
  readonly aml: "data";
  readonly bytes: readonly number[];
}
/** Bytes of AML that may stand in a method's body only. */
export interface AmlStatement {
  readonly aml: "statement";
  readonly bytes: readonly number[];
}

const object = (...bytes: number[]): AmlObject =>
  Object.freeze({ aml: "object", bytes: Object.freeze(bytes) });
const data = (...bytes: number[]): AmlData => Object.freeze({ aml: "data", bytes: Object.freeze(bytes) });
const statement = (...bytes: number[]): AmlStatement =>
  Object.freeze({ aml: "statement", bytes: Object.freeze(bytes) });

/** `value` in `size` bytes, little-endian. Throws RangeError where it does not fit. */
export function littleEndian(value: number | bigint, size: 1 | 2 | 4 | 8): number[] {
  let rest = BigInt(value);
  if (rest < 0n || rest >> BigInt(size * 8) !== 0n)
    throw new RangeError(`${value} does not fit ${size} bytes`);
  const bytes: number[] = [];
  for (let i = 0; i < size; i++, rest >>= 8n) bytes.push(Number(rest & 0xffn));
  return bytes;
}

/** The bytes of a text of ASCII characters. */
export function ascii(text: string): number[] {
  return Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (character.length !== 1 || code === 0 || code > 0x7f)
      throw new RangeError(`"${text}" is no ASCII text`);
    return code;
  });
}

// §20.2.4: one byte holds a length up to 63, else a nibble and one to three bytes do; it counts itself.
function withLength(content: readonly number[]): number[] {
  if (content.length + 1 < 0x40) return [content.length + 1, ...content];
  for (const more of [1, 2, 3]) {
    const length = content.length + 1 + more;
    if (length >= 1 << (4 + 8 * more)) continue;
    const bytes = [(more << 6) | (length & 0xf)];
    for (let i = 0; i < more; i++) bytes.push((length >> (4 + 8 * i)) & 0xff);
    return [...bytes, ...content];
  }
  throw new RangeError(`an AML package of ${content.length} bytes is too long`);
}

const segmentPattern = /^[A-Z_][A-Z0-9_]{0,3}$/;

/** A name of up to four characters, filled up with underscores (§20.2.2). Throws RangeError for any other text. */
export function nameSegment(name: string): number[] {
  if (!segmentPattern.test(name)) throw new RangeError(`"${name}" is no ACPI name`);
  return ascii(name.padEnd(4, "_"));
}

/** A path such as `\_SB.PCI0` or `^COM1` (§20.2.2). */
function namePath(path: string): number[] {
  const [, prefix, rest] = /^(\\|\^*)(.*)$/.exec(path)!;
  const segments = rest === "" ? [] : rest.split(".").map(nameSegment);
  const count = segments.length;
  const lead = count === 0 ? [0] : count === 1 ? [] : count === 2 ? [0x2e] : [0x2f, count];
  return [...ascii(prefix!), ...lead, ...segments.flat()];
}

const contents = (terms: readonly { readonly bytes: readonly number[] }[]): number[] =>
  terms.flatMap((term) => term.bytes);

// ---- Data (§20.2.3) -------------------------------------------------------------------------------------------

/** An integer, in the shortest encoding. */
export function integer(value: number | bigint): AmlData {
  const n = BigInt(value);
  if (n === 0n) return data(0x00);
  if (n === 1n) return data(0x01);
  if (n <= 0xffn) return data(0x0a, ...littleEndian(n, 1));
  if (n <= 0xffffn) return data(0x0b, ...littleEndian(n, 2));
  if (n <= 0xffff_ffffn) return data(0x0c, ...littleEndian(n, 4));
  return data(0x0e, ...littleEndian(n, 8));
}

/** A text of ASCII characters. */
export function text(value: string): AmlData {
  return data(0x0d, ...ascii(value), 0);
}

/** An EISA identifier such as `PNP0501`: a packed integer (§19.3.4). */
export function eisaId(id: string): AmlData {
  if (!/^[A-Z]{3}[0-9A-F]{4}$/.test(id)) throw new RangeError(`"${id}" is no EISA identifier`);
  const [a, b, c] = ascii(id.slice(0, 3)).map((code) => code - 0x40) as [number, number, number];
  const product = Number.parseInt(id.slice(3), 16);
  const vendor = (a << 10) | (b << 5) | c;
  // Both halves are in big-endian order.
  const swap = (n: number): number => (n >> 8) | ((n & 0xff) << 8);
  return integer(swap(vendor) + swap(product) * 0x1_0000);
}

/** The value of `_HID`: an EISA identifier packed, any other (`ACPI0007`) as text. */
export function hardwareId(id: string): AmlData {
  return /^[A-Z]{3}[0-9A-F]{4}$/.test(id) ? eisaId(id) : text(id);
}

/** A buffer of bytes. */
export function buffer(bytes: readonly number[]): AmlData {
  return data(0x11, ...withLength([...integer(bytes.length).bytes, ...bytes]));
}

/** A package: an ordered list of up to 255 values. */
export function pack(elements: readonly AmlData[]): AmlData {
  return data(0x12, ...withLength([...littleEndian(elements.length, 1), ...contents(elements)]));
}

/** A reference to a named object. */
export function reference(path: string): AmlData {
  return data(...namePath(path));
}

/** A method's argument, 0 to 6 (§20.2.6.1). */
export function argument(index: 0 | 1 | 2 | 3 | 4 | 5 | 6): AmlData {
  return data(0x68 + index);
}

// ---- Named objects (§20.2.5) ----------------------------------------------------------------------------------

/** Opens a scope that exists, such as `\_SB`. */
export function scope(path: string, terms: readonly AmlObject[]): AmlObject {
  return object(0x10, ...withLength([...namePath(path), ...contents(terms)]));
}

/** A device. */
export function device(name: string, terms: readonly AmlObject[]): AmlObject {
  return object(0x5b, 0x82, ...withLength([...nameSegment(name), ...contents(terms)]));
}

/** A named value. */
export function named(path: string, value: AmlData): AmlObject {
  return object(0x08, ...namePath(path), ...value.bytes);
}

/** A method with `argumentCount` arguments; a serialised one is never run twice at the same time. */
export function method(
  path: string,
  options: { readonly argumentCount: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7; readonly serialized?: boolean },
  body: readonly (AmlStatement | AmlObject)[],
): AmlObject {
  const flags = options.argumentCount | (options.serialized === true ? 8 : 0);
  return object(0x14, ...withLength([...namePath(path), flags, ...contents(body)]));
}

/** Address spaces of an operation region (§19.6.100). */
export type RegionSpace = "memory" | "io" | "pci-config";
const regionSpaces: Readonly<Record<RegionSpace, number>> = { memory: 0, io: 1, "pci-config": 2 };

/** A range of addresses that fields are laid over. */
export function operationRegion(
  name: string,
  space: RegionSpace,
  offset: number,
  sizeBytes: number,
): AmlObject {
  return object(
    0x5b,
    0x80,
    ...nameSegment(name),
    regionSpaces[space],
    ...integer(offset).bytes,
    ...integer(sizeBytes).bytes,
  );
}

/** A field of `bits` bits; without a name, bits that are skipped. */
export interface FieldElement {
  readonly name?: string;
  readonly bits: number;
}

const accessWidths = { any: 0, byte: 1, word: 2, dword: 3, qword: 4 } as const;

/** Names the bits of a region; unnamed bits keep their value when others are written (§19.6.48). */
export function fields(
  region: string,
  access: keyof typeof accessWidths,
  elements: readonly FieldElement[],
): AmlObject {
  const list = elements.flatMap(({ name, bits }) => {
    // A field's length is encoded as a package's, without counting itself.
    const length = fieldLength(bits);
    return name === undefined ? [0x00, ...length] : [...nameSegment(name), ...length];
  });
  return object(0x5b, 0x81, ...withLength([...nameSegment(region), accessWidths[access], ...list]));
}

function fieldLength(bits: number): number[] {
  if (!Number.isInteger(bits) || bits <= 0 || bits >= 1 << 12)
    throw new RangeError(`a field of ${bits} bits`);
  return bits < 0x40 ? [bits] : [0x40 | (bits & 0xf), bits >> 4];
}

// ---- Statements and operators (§20.2.5.3, §20.2.5.4) ----------------------------------------------------------

/** Ends a method with a value. */
export function giveBack(value: AmlData): AmlStatement {
  return statement(0xa4, ...value.bytes);
}

/** Stores a value in a named object. */
export function store(value: AmlData, target: string): AmlStatement {
  return statement(0x70, ...value.bytes, ...namePath(target));
}

/** Runs the statements where the value is not zero. */
export function when(condition: AmlData, body: readonly AmlStatement[]): AmlStatement {
  return statement(0xa0, ...withLength([...condition.bytes, ...contents(body)]));
}

/** Whether two values are equal. */
export function equal(a: AmlData, b: AmlData): AmlData {
  return data(0x93, ...a.bytes, ...b.bytes);
}
