/**
 * Devices. A declaration has two phases: a shape (banks of registers, state) and a behaviour that is typed by it. Out
 * of both come ordinary functions over one state struct, made by templates that loop over the frozen declaration; the
 * compiler unrolls the loops. The same functions run in Node.
 */
import { u32, u64, u8, type u16 } from "../core/int.ts";
import { apertureHandlers } from "./aperture.ts";
import type { AnyBank } from "./bank.ts";
import type { AnyBehaviour, Behaviour, Calls, DeviceState, RegistersOf } from "./behaviour.ts";
import { cellOf, type Cells } from "./cell.ts";
import {
  array,
  extend,
  struct,
  type AnyFunction,
  type Descriptor,
  type StructDescriptor,
} from "../core/layout.ts";
import { checkTableBehaviour, checkTables, type Tables } from "./check-tables.ts";
import { checkBehaviour, checkShape } from "./check.ts";
import { accessOf, windowsOf, type DeviceWindow } from "./device-window.ts";
import { unitAccess, type UnitAccess } from "./dispatch.ts";
import { asking, expiring, inputting, receiving, type InputGroup } from "./events.ts";
import { hypercallEntry, hypercallState, type HypercallEntry, type HypercallRecord } from "./hypercall.ts";
import type { Leaf, LeafRecord } from "./leaf.ts";
import { rearming, resetting, wireEnds, wiring, type WireEnd } from "./lifecycle.ts";
import { holeOf, modelOf, stepOf, type DeviceModel, type DeviceNotes } from "./model.ts";
import { msrAccess, type MsrAccess } from "./msr.ts";
import { DeclarationError, remember } from "./place.ts";
import { masksOf, planOf, type Handlers, type Plan } from "./plan.ts";
import { tracedCall, tracedHypercall, tracedState, type DeviceTrace, type TraceHooks } from "./trace.ts";
import { isScalar, scalarCell, scalarPlace, scalarProperty } from "./scalar.ts";
import { descriptorOf, inputPins, Unimplemented, type StateRecord } from "./state.ts";
import type { Placed } from "./unit.ts";

/** Bytes of a device's state. */
export interface Span {
  readonly offset: number;
  readonly bytes: bigint;
}

/** A device: its state's layout, and functions over it. `U` is the type of its state. */
export interface Device<U = unknown, Names extends string = string, C = unknown> {
  readonly name: string;
  readonly model: DeviceModel;
  readonly state: StructDescriptor<U>;
  /** By bank; indirect banks have none. */
  readonly windows: Readonly<Record<Names, DeviceWindow<U>>>;
  /** Ends of wires in the state; a wire's number is the first plus its ordinal. */
  readonly wires: readonly WireEnd[];
  readonly inputs: readonly InputGroup[];
  /** What of the state a reset does not retain. */
  readonly forgets: readonly Span[];
  /** Gives what a reset retains its first value. The state must be zero before. */
  readonly powerUp: (self: U) => void;
  /** A guest's start: numbers the wires from `firstWire`, and resets. What `forgets` names must be zero before. */
  readonly restart: (self: U, firstWire: u16) => void;
  /** Power-on: `powerUp` and `restart`. The state must be zero before. */
  readonly initialise: (self: U, firstWire: u16) => void;
  /**
   * Goes on with a state that was saved, on this board or another: numbers the wires, forgets what belonged to the
   * session, arms the timers again, and lets the device know. The state must be the saved one.
   */
  readonly resume: (self: U, firstWire: u16) => void;
  /** Reset: as power-on, without what the device retains. */
  readonly reset: (self: U) => void;
  /** The timer with that wire ordinal has reached its deadline. Does nothing where it is not armed. */
  readonly expire: (self: U, ordinal: u16) => void;
  /** An input pin's level; nothing happens where it is not a change. */
  readonly input: (self: U, pin: u16, level: boolean) => void;
  /** How many bytes the source with that wire ordinal takes now. */
  readonly room: (self: U, ordinal: u16) => u16;
  /** Gives a byte to the source with that wire ordinal. */
  readonly receive: (self: U, ordinal: u16, byte: u8) => void;
  readonly leaves: readonly Leaf[];
  readonly hypercalls: readonly HypercallEntry<U>[];
  /** The device's own entry points. */
  readonly calls: C;
  /** The same device, telling what is done to it. Build time. */
  readonly traced: (hooks: TraceHooks) => Traced<U, Names>;
}

/** What of a device is other where it is traced. */
export type Traced<U = unknown, Names extends string = string> = Pick<
  Device<U, Names>,
  "state" | "windows" | "hypercalls" | "calls"
>;

/** A declared shape, without behaviour. */
export interface Shape<R, S extends StateRecord, Names extends string, H extends HypercallRecord> {
  readonly name: string;
  /** Phantom: the type of the state. */
  readonly type?: DeviceState<R, S>;
  /** Gives the shape its behaviour. Throws DeclarationError where they do not fit. */
  implement<C extends Calls<DeviceState<R, S>>>(
    behaviour: Behaviour<R, S, H> & {
      readonly calls?: C;
      readonly queries?: readonly NoInfer<keyof C & string>[];
    },
  ): Device<DeviceState<R, S>, Names, C>;
}
/** The type of the state of a shape or a device. */
export type StateOf<T> = T extends { readonly type?: infer U }
  ? Exclude<U, undefined>
  : T extends Device<infer U>
    ? U
    : never;

type AnyBanks = Readonly<Record<string, AnyBank>>;
type WindowNames<B> = { [K in keyof B]: B[K] extends { readonly direct: true } ? K : never }[keyof B] &
  string;

/** Declares a device's shape; what it says of itself is for the register reference. Throws DeclarationError where it contradicts itself. */
export function device<
  const B extends AnyBanks,
  const S extends StateRecord = Readonly<Record<never, never>>,
  const H extends HypercallRecord = Readonly<Record<never, never>>,
>(
  name: string,
  declaration: DeviceNotes & {
    readonly banks: B;
    readonly state?: S;
    readonly leaves?: LeafRecord;
    readonly hypercalls?: H;
  },
): Shape<RegistersOf<B>, S, WindowNames<B>, H> {
  const state: StateRecord = declaration.state ?? {};
  const { leaves = {}, hypercalls = {} } = declaration;
  const tables: Tables = { leaves, hypercalls };
  checkShape(name, declaration.banks, state);
  checkTables(name, declaration.banks, tables);
  return remember(
    Object.freeze({
      name,
      implement: (behaviour: AnyBehaviour) => expand(name, declaration, state, tables, remember(behaviour)),
    }),
  ) as unknown as Shape<RegistersOf<B>, S, WindowNames<B>, H>;
}

function nothing(_self: Cells): void {
  // A device without a settle or a reset of its own.
}

function handlersOf(name: string, bank: AnyBank, behaviour: AnyBehaviour): Handlers {
  const peek = behaviour.peek?.[name];
  const fields = bank.entries.find((e) => e.name === name)?.register.fields ?? {};
  const computed = typeof peek === "object" ? Object.entries(peek) : [];
  const list = (flag: boolean) =>
    computed.flatMap(([fieldName, get]) => {
      const field = fields[fieldName];
      if (field === undefined || field.flag !== flag) return [];
      return [Object.freeze({ get, lsb: field.lsb, size: BigInt(field.msb - field.lsb + 1) })];
    });
  return Object.freeze({
    peek: typeof peek === "function" ? peek : undefined,
    flags: Object.freeze(list(true)),
    numbers: Object.freeze(list(false)),
    read: behaviour.read?.[name],
    write: behaviour.write?.[name],
    written: behaviour.written?.[name],
    accepts: behaviour.accepts?.[name],
    settlesReads: false,
  });
}

/** The names of what is counted when used: unimplemented registers, and registers with such fields. */
function reportedNames(banks: AnyBanks): string[] {
  const names = Object.values(banks).flatMap((bank) =>
    bank.entries
      .filter(
        (e) =>
          e.register.unimplemented ||
          masksOf(e.register, (e.register.width ?? bank.unit).bits).reported !== 0n,
      )
      .map((e) => e.name),
  );
  if (names.length > 32)
    throw new DeclarationError(`a device reports at most 32 registers, not ${names.length}`);
  return names;
}

/** What a data register of an indirect bank does. */
function through(bank: AnyBank, unit: UnitAccess<u32>, banks: AnyBanks): Handlers {
  const [key, fieldName] = (bank.indirection?.index ?? "").split(".") as [string, string | undefined];
  const register = Object.values(banks)
    .flatMap((b) => b.entries)
    .find((e) => e.name === key)?.register;
  const field = fieldName === undefined ? undefined : register?.fields[fieldName];
  const lsb: u8 = field?.lsb ?? 0;
  const ones: u32 = field === undefined ? 0xffff_ffff : 2 ** (field.msb - field.lsb + 1) - 1;
  const { read, write, peek } = unit;
  const index = (self: Cells): u32 => u32((self[key].value >>> lsb) & ones);
  return Object.freeze({
    peek: (self: Cells): u32 => peek(self, index(self)),
    flags: [],
    numbers: [],
    read: (self: Cells): u32 => read(self, index(self)),
    write: (self: Cells, value: u32): void => write(self, index(self), value),
    written: undefined,
    accepts: undefined,
    settlesReads: true,
  });
}

/** What reaches the registers of each bank; with `trace`, what also tells of it. */
function accessTo(
  banks: AnyBanks,
  reported: readonly string[],
  behaviour: AnyBehaviour,
  trace: DeviceTrace | undefined,
): {
  readonly plans: readonly Plan[];
  readonly units: ReadonlyMap<AnyBank, UnitAccess<u32> | UnitAccess<u64>>;
  readonly msrs: ReadonlyMap<AnyBank, MsrAccess>;
} {
  const plans: Plan[] = [];
  const units = new Map<AnyBank, UnitAccess<u32> | UnitAccess<u64>>();
  const msrs = new Map<AnyBank, MsrAccess>();
  const dataHandlers = new Map<string, Handlers>();
  // A data register is made out of what lies behind it.
  const order = (b: AnyBank): number =>
    b.indirection !== undefined ? 0 : b.options.aperture === undefined ? 1 : 2;
  const behindFirst = Object.values(banks).sort((a, b) => order(a) - order(b));
  for (const bank of behindFirst) {
    const { aperture } = bank.options;
    if (aperture !== undefined) {
      const access = (b: AnyBank) => accessOf(b, units.get(b)!, banks, units);
      dataHandlers.set(aperture.data, apertureHandlers(aperture, Object.values(banks), access));
    }
    const placed = bank.entries.map((entry): Placed => {
      const handlers = dataHandlers.get(entry.name) ?? handlersOf(entry.name, bank, behaviour);
      const ordinal = reported.indexOf(entry.name);
      const plan = planOf(entry.name, entry.register, bank.unit, handlers, ordinal < 0 ? undefined : ordinal);
      plans.push(plan);
      const by = entry.when ?? entry.selection;
      const selector = bank.entries.find((e) => e.name === by?.register);
      return Object.freeze({
        plan,
        offset: entry.register.offset,
        when: entry.when,
        selection: entry.selection,
        selector: selector?.register.fields[by?.field ?? ""],
      });
    });
    const hole = holeOf(bank);
    const grid = { unitBits: bank.unit.bits, step: stepOf(bank), hole };
    const { indirection } = bank;
    // Behind a data register the write of that register settles.
    const settles = {
      read: behaviour.settle,
      write: indirection === undefined ? behaviour.settle : undefined,
    };
    const unit =
      grid.unitBits === 64
        ? unitAccess<u64>(placed, grid, hole, settles, trace)
        : unitAccess<u32>(placed, grid, u32(hole), settles, trace);
    units.set(bank, unit);
    if (bank.options.space === "msr") msrs.set(bank, msrAccess(placed, behaviour.settle, trace));
    if (indirection !== undefined) {
      dataHandlers.set(indirection.data, through(bank, unit as UnitAccess<u32>, banks));
    }
  }
  return { plans, units, msrs };
}

function expand(
  name: string,
  declaration: DeviceNotes & { readonly banks: AnyBanks },
  state: StateRecord,
  tables: Tables,
  behaviour: AnyBehaviour,
): Device {
  const { banks } = declaration;
  checkBehaviour(name, banks, state, behaviour);
  checkTableBehaviour(name, banks, tables.hypercalls, behaviour);
  const reported = reportedNames(banks);
  const settle = behaviour.settle ?? nothing;
  const { plans, units, msrs } = accessTo(banks, reported, behaviour, undefined);

  const own: (readonly [string, Descriptor])[] = Object.entries(state).map(([key, declared]) => [
    key,
    descriptorOf(declared),
  ]);
  if (reported.length > 0) own.push(["unimplemented", Unimplemented]);
  const calls = Object.entries(tables.hypercalls);
  const parameters = calls.flatMap(([key, call]) => {
    const { input, output } = hypercallState(name, key, call);
    return [input, output];
  });
  const cells = plans.map((plan): readonly [string, Descriptor] => {
    const cell = cellOf(name, plan.name, plan.register, plan.width);
    return [plan.name, plan.register.many ? array(cell, plan.register.count) : cell];
  });
  const fields = own.map(([key, descriptor]): readonly [string, Descriptor] =>
    isScalar(descriptor) ? [scalarPlace(key), scalarCell(name, key, descriptor)] : [key, descriptor],
  );
  const properties = Object.fromEntries(
    own.filter(([, d]) => isScalar(d)).map(([key, d]) => [key, scalarProperty(key, d)] as const),
  );
  const layout = extend(struct(name, Object.fromEntries([...cells, ...fields, ...parameters])), {
    properties,
  }) as unknown as StructDescriptor;

  const ends = wireEnds(own);
  let pins = 0;
  const inputs: InputGroup[] = [];
  for (const [key, descriptor] of own) {
    const count = inputPins(descriptor);
    if (count === undefined) continue;
    inputs.push(Object.freeze({ name: key, first: pins, pins: count }));
    pins += count;
  }
  const number = wiring(ends);
  const kept = (key: string): boolean => state[key]?.kind === "retained";
  const clearRetained = resetting(
    plans.filter((p) => p.register.retained),
    own.filter(([key]) => kept(key)),
  );
  const clear = resetting(
    plans.filter((p) => !p.register.retained),
    own.filter(([key]) => !kept(key)),
  );
  const forget = resetting(
    [],
    own.filter(([key]) => state[key]?.kind === "session"),
  );
  const rearm = rearming(ends);
  const retained = new Set([
    ...plans.filter((p) => p.register.retained).map((p) => p.name),
    ...own.filter(([key]) => kept(key)).map(([key, d]) => (isScalar(d) ? scalarPlace(key) : key)),
  ]);
  const afterwards = behaviour.reset ?? nothing;
  const { resumed } = behaviour;
  const restart = (self: Cells, firstWire: u16): void => {
    number(self, firstWire);
    clear(self);
    afterwards(self);
    settle(self);
  };
  const model = modelOf(name, declaration, Object.entries(state), reported, behaviour, tables, layout);
  const expire = expiring(ends, behaviour.expire ?? {}, settle);
  const input = inputting(inputs, behaviour.input ?? {}, settle);
  const receive = receiving(ends, behaviour.receive ?? {}, settle);
  const hypercalls = Object.freeze(
    calls.map(([key, call]) =>
      hypercallEntry(key, call, behaviour.hypercall?.[key] as AnyFunction, layout, behaviour.settle),
    ),
  );
  return Object.freeze({
    name,
    model,
    state: layout,
    windows: Object.freeze(windowsOf(banks, units, msrs)),
    wires: ends,
    inputs: Object.freeze(inputs),
    forgets: spansWithout(layout, retained),
    powerUp: clearRetained,
    restart,
    initialise: (self: Cells, firstWire: u16): void => {
      clearRetained(self);
      restart(self, firstWire);
    },
    resume: (self: Cells, firstWire: u16): void => {
      number(self, firstWire);
      forget(self);
      rearm(self);
      if (resumed !== undefined) {
        resumed(self);
        settle(self);
      }
    },
    reset: (self: Cells): void => {
      clear(self);
      afterwards(self);
      settle(self);
    },
    expire,
    input,
    room: asking(ends, behaviour.room ?? {}),
    receive,
    leaves: Object.freeze(Object.values(tables.leaves)),
    hypercalls,
    calls: Object.freeze({ ...behaviour.calls }),
    traced: (hooks: TraceHooks): Traced<Cells> => {
      const registers = new Map(model.registers.map((register, place) => [register.name, place]));
      const access = accessTo(banks, reported, behaviour, { hooks, registers });
      return Object.freeze({
        state: tracedState(layout as StructDescriptor<Cells>, hooks),
        windows: Object.freeze(windowsOf(banks, access.units, access.msrs)),
        hypercalls: Object.freeze(
          hypercalls.map((entry, place) => tracedHypercall(entry, place, hooks)),
        ) as unknown as readonly HypercallEntry<Cells>[],
        calls: Object.freeze({
          ...behaviour.calls,
          ...Object.fromEntries(
            model.calls.map((call, place) => [
              call.name,
              tracedCall(behaviour.calls![call.name]!, place, hooks),
            ]),
          ),
        }),
      });
    },
  }) as unknown as Device;
}

/** The parts of a struct that lie between some of its fields. */
function spansWithout(layout: StructDescriptor, names: ReadonlySet<string>): readonly Span[] {
  const spans: Span[] = [];
  let start: number | undefined;
  for (const { name, offset } of [...layout.fields].sort((a, b) => a.offset - b.offset)) {
    if (!names.has(name)) start ??= offset;
    else if (start !== undefined) {
      spans.push({ offset: start, bytes: BigInt(offset - start) });
      start = undefined;
    }
  }
  if (start !== undefined) spans.push({ offset: start, bytes: BigInt(layout.size - start) });
  return Object.freeze(spans.map((span) => Object.freeze(span)));
}
