/**
 * Hypercalls: a number, what goes in and what comes out. Inputs and outputs are structs; the platform copies an input
 * out of the guest's registers or memory once, before the handler looks at it, and an output back afterwards.
 */
import type { u16 } from "../core/int.ts";
import { u64 } from "../core/int.ts";
import {
  struct,
  type AnyFunction,
  type Fields,
  type StructDescriptor,
  type StructValue,
} from "../core/layout.ts";
import { disturbs } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import type { Settle } from "./dispatch-table.ts";
import type { RowOptions } from "./leaf.ts";
import { DeclarationError, remember } from "./place.ts";

/** Most bytes of an input or an output: none of them crosses a page (TLFS §3.5). */
export const maxParameterBytes = 2048;

/** A declared hypercall with inputs `I` and outputs `O`. */
export interface Hypercall<I extends Fields = Fields, O extends Fields = Fields> {
  /** The call code, bits [15:0] of the control word. */
  readonly code: number;
  readonly input: I;
  readonly output: O;
  readonly about: string;
  readonly section: string;
}
export type HypercallRecord = Readonly<Record<string, Hypercall>>;

/** The handlers of a record of hypercalls: each returns a status, 0 for success. The output is zero before. */
export type HypercallHandlers<U, H> = {
  readonly [K in keyof H]: H[K] extends Hypercall<infer I, infer O>
    ? (u: U, input: StructValue<I>, output: StructValue<O>) => u16
    : never;
};

export interface HypercallOptions<I, O> extends RowOptions {
  /** Laid out as in C; up to 16 bytes also fit the registers of a fast call. */
  readonly input?: I;
  readonly output?: O;
}

type NoFields = Readonly<Record<never, never>>;

/** Declares a hypercall. Throws DeclarationError for a number that the control word cannot say. */
export function hypercall<const I extends Fields = NoFields, const O extends Fields = NoFields>(
  code: number,
  options: HypercallOptions<I, O> = {},
): Hypercall<I, O> {
  if (!Number.isInteger(code) || code < 0 || code > 0xffff)
    throw new DeclarationError(`a hypercall's number has 16 bits, and ${code} has not`);
  return remember(
    Object.freeze({
      code,
      input: Object.freeze({ ...options.input }) as I,
      output: Object.freeze({ ...options.output }) as O,
      about: options.about ?? "",
      section: options.section ?? "",
    }),
  );
}

/** A hypercall as the platform runs it. Its parameters lie in the device's state. */
export interface HypercallEntry<U = unknown> {
  readonly name: string;
  readonly code: number;
  /** Bytes that go in, a multiple of 8, and where they lie in the state; likewise for what comes out. */
  readonly inputBytes: number;
  readonly inputAt: number;
  readonly outputBytes: number;
  readonly outputAt: number;
  /** Runs the handler on what lies there; its status. */
  readonly run: (self: U) => u16;
}

/** What a hypercall adds to a device's state: places for its parameters. */
export interface HypercallState {
  readonly input: readonly [string, StructDescriptor];
  readonly output: readonly [string, StructDescriptor];
}

function parameters(path: string, place: string, fields: Fields): readonly [string, StructDescriptor] {
  // What has no parameters has a word that nobody looks at: a struct is never empty.
  const given: Fields = Object.keys(fields).length === 0 ? { none: u64 } : fields;
  const size = Math.ceil(struct(place, given).size / 8) * 8;
  if (size > maxParameterBytes)
    throw new DeclarationError(`${path} has ${size} bytes of parameters, and ${maxParameterBytes} fit`);
  return [place, struct(place, given, { size, align: 8 })];
}

/** The places of a hypercall's parameters in the state of its device. Throws DeclarationError where they are too large. */
export function hypercallState(device: string, name: string, call: Hypercall): HypercallState {
  return Object.freeze({
    input: parameters(`${device}.${name}`, `${name}Input`, call.input),
    output: parameters(`${device}.${name}`, `${name}Output`, call.output),
  });
}

/** A hypercall with its handler, over the state's layout. */
export function hypercallEntry(
  name: string,
  call: Hypercall,
  handler: AnyFunction,
  layout: StructDescriptor,
  settle: Settle | undefined,
): HypercallEntry {
  const field = (key: string) => layout.fields.find((f) => f.name === key)!;
  const input = field(`${name}Input`);
  const output = field(`${name}Output`);
  const inputKey = input.name;
  const outputKey = output.name;
  const handle = handler as (self: Cells, input: unknown, output: unknown) => u16;
  const plain = (self: Cells): u16 => handle(self, self[inputKey], self[outputKey]);
  const settling = (self: Cells): u16 => {
    const status = plain(self);
    if (disturbs(plain, settle!, self)) settle!(self);
    return status;
  };
  return Object.freeze({
    name,
    code: call.code,
    inputBytes: Object.keys(call.input).length === 0 ? 0 : input.descriptor.size,
    inputAt: input.offset,
    outputBytes: Object.keys(call.output).length === 0 ? 0 : output.descriptor.size,
    outputAt: output.offset,
    run: (settle === undefined ? plain : settling) as HypercallEntry["run"],
  });
}
