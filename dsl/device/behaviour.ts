/** The types of a device's behaviour, derived from its shape: which handlers there may be, and what each is given. */
import type { u16, u8 } from "../core/int.ts";
import type { AnyFunction, FixedArray, StructValue } from "../core/layout.ts";
import type { CellValues, FieldValues } from "./cell.ts";
import type { HypercallHandlers, HypercallRecord } from "./hypercall.ts";
import type { Access, Register } from "./register.ts";
import type { Descriptors, Inputs, line, Source, source, StateRecord, Timer, timer } from "./state.ts";

type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void
  ? I
  : never;
/** The registers of a record of banks, by name. */
export type RegistersOf<B> = UnionToIntersection<
  B[keyof B] extends infer One
    ? One extends { readonly registers?: infer R }
      ? Exclude<R, undefined>
      : never
    : never
>;

/** The type of a device's state: its registers' cells and what it declares besides. */
export type DeviceState<R, S> = CellValues<R> & StructValue<Descriptors<S>>;

type AccessOf<R> = R extends Register<infer A> ? A : never;
type ValueOfRegister<R> = R extends Register<infer _A, infer _F, infer T> ? T : never;
type IsMany<R> = R extends Register<infer _A, infer _F, infer _T, infer M> ? M : never;
type NamesWith<R, A extends Access> = { [K in keyof R]: AccessOf<R[K]> extends A ? K : never }[keyof R];

type FieldPeeks<U, R, Index extends unknown[]> =
  R extends Register<infer _A, infer F>
    ? { readonly [K in keyof FieldValues<F>]?: (u: U, ...index: Index) => FieldValues<F>[K] }
    : never;
type Peek<U, R> =
  IsMany<R> extends true
    ? ((u: U, index: u8) => ValueOfRegister<R>) | FieldPeeks<U, R, [index: u8]>
    : ((u: U) => ValueOfRegister<R>) | FieldPeeks<U, R, []>;
type Read<U, R> =
  IsMany<R> extends true
    ? (u: U, index: u8, peeked: ValueOfRegister<R>) => ValueOfRegister<R>
    : (u: U, peeked: ValueOfRegister<R>) => ValueOfRegister<R>;
type Write<U, R> =
  IsMany<R> extends true
    ? (u: U, index: u8, value: ValueOfRegister<R>) => void
    : (u: U, value: ValueOfRegister<R>) => void;
type Written<U, R> =
  IsMany<R> extends true
    ? (u: U, index: u8, value: ValueOfRegister<R>, old: ValueOfRegister<R>) => void
    : (u: U, value: ValueOfRegister<R>, old: ValueOfRegister<R>) => void;

type Accepts<U, R> =
  IsMany<R> extends true
    ? (u: U, index: u8, value: ValueOfRegister<R>) => boolean
    : (u: U, value: ValueOfRegister<R>) => boolean;

type NamesOf<S, D> = { [K in keyof S]: S[K] extends D ? K : never }[keyof S];
type TimerNames<S> = NamesOf<Descriptors<S>, ReturnType<typeof timer>>;
type SourceNames<S> = NamesOf<Descriptors<S>, ReturnType<typeof source>>;
type LineNames<S> = NamesOf<Descriptors<S>, ReturnType<typeof line>>;
type ArrayNames<S, End> = {
  [K in keyof S]: Descriptors<S>[K] extends { readonly kind: "array"; readonly type?: infer T }
    ? Exclude<T, undefined> extends FixedArray<End>
      ? K
      : never
    : never;
}[keyof S];
type InputNames<S> = {
  [K in keyof S]: Descriptors<S>[K] extends { readonly type?: infer T }
    ? Inputs extends T
      ? K
      : never
    : never;
}[keyof S];
export type { LineNames };

/** A handler group: required as soon as the shape has something to handle. */
type Group<Name extends string, H> = [keyof H] extends [never]
  ? Readonly<Partial<Record<Name, never>>>
  : Readonly<Record<Name, H>>;

type Expire<U, S> = Readonly<Record<TimerNames<S>, (u: U) => void>> &
  Readonly<Record<ArrayNames<S, Timer>, (u: U, index: u8) => void>>;
type Input<U, S> = Readonly<Record<InputNames<S>, (u: U, pin: u8, level: boolean) => void>>;
type Room<U, S> = Readonly<Record<SourceNames<S>, (u: U) => u16>> &
  Readonly<Record<ArrayNames<S, Source>, (u: U, index: u8) => u16>>;
type Receive<U, S> = Readonly<Record<SourceNames<S>, (u: U, byte: u8) => void>> &
  Readonly<Record<ArrayNames<S, Source>, (u: U, index: u8, byte: u8) => void>>;

/**
 * A device's behaviour.
 *
 * - `peek` computes what a register reads as, as a whole or field by field (what is not named comes from the cell).
 *   It must change nothing: guest, debugger and snapshot see the same.
 * - `read` is what a guest's read does; its result is what the guest gets. It may take the peeked value.
 * - `write` takes the place of storing what a guest writes; `written` runs after it has been stored.
 * - `accepts` says of an MSR's write whether it is taken; where not, nothing is changed and the guest gets #GP. It must
 *   change nothing.
 * - `settle` runs after every write, every read of what a read may change, expired timer, input change and received
 *   byte; wide accesses that are split settle after each part.
 * - `reset` runs after every register has its reset value and every fifo is empty.
 * - `resumed` runs when the device goes on from a save: what it had under way with others is no more. `settle` follows.
 * - `expire`, `input`, `room`, `receive` belong to timers, input lines and sources, and must be there if those are.
 * - `hypercall` answers hypercalls, and must be there if those are: a status, 0 for success.
 * - `calls` are the device's own entry points: an interrupt acknowledge cycle, an end of interrupt. They take up to three integers.
 * - `queries` names those that the kernel asks by itself, and that change nothing: a trace does not tell of them.
 */
export type Behaviour<
  R,
  S extends StateRecord,
  H extends HypercallRecord = Readonly<Record<never, never>>,
  U = DeviceState<R, S>,
> = {
  readonly peek?: { readonly [K in keyof R]?: Peek<U, R[K]> };
  readonly read?: { readonly [K in NamesWith<R, "ro" | "rw">]?: Read<U, R[K]> };
  readonly write?: { readonly [K in NamesWith<R, "wo" | "rw">]?: Write<U, R[K]> };
  readonly written?: { readonly [K in NamesWith<R, "wo" | "rw">]?: Written<U, R[K]> };
  readonly accepts?: { readonly [K in NamesWith<R, "wo" | "rw">]?: Accepts<U, R[K]> };
  readonly settle?: (u: U) => void;
  readonly reset?: (u: U) => void;
  readonly resumed?: (u: U) => void;
} & Group<"expire", Expire<U, S>> &
  Group<"input", Input<U, S>> &
  Group<"room", Room<U, S>> &
  Group<"receive", Receive<U, S>> &
  Group<"hypercall", HypercallHandlers<U, H>>;

/** The device's own entry points; each takes the state first. */
export type Calls<U> = Readonly<Record<string, (u: U, a: never, b: never, c: never) => unknown>>;

/** A behaviour as the checks and the expansion see it. */
export interface AnyBehaviour {
  readonly peek?: Readonly<Record<string, AnyFunction | Readonly<Record<string, AnyFunction>>>>;
  readonly read?: Readonly<Record<string, AnyFunction>>;
  readonly write?: Readonly<Record<string, AnyFunction>>;
  readonly written?: Readonly<Record<string, AnyFunction>>;
  readonly accepts?: Readonly<Record<string, AnyFunction>>;
  readonly settle?: AnyFunction;
  readonly reset?: AnyFunction;
  readonly resumed?: AnyFunction;
  readonly expire?: Readonly<Record<string, AnyFunction>>;
  readonly input?: Readonly<Record<string, AnyFunction>>;
  readonly room?: Readonly<Record<string, AnyFunction>>;
  readonly receive?: Readonly<Record<string, AnyFunction>>;
  readonly hypercall?: Readonly<Record<string, AnyFunction>>;
  readonly calls?: Readonly<Record<string, AnyFunction>>;
  readonly queries?: readonly string[];
}
