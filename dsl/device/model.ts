/**
 * The frozen model of a device: plain data that every generator reads (documentation, trace decoder, fuzz harness,
 * report). Numbers wider than 32 bits are strings in hexadecimal, so that it survives JSON.
 */
import { struct, type Descriptor, type Fields, type StructDescriptor } from "../core/layout.ts";
import type { AnyBank, Condition, Selection, Space } from "./bank.ts";
import type { AnyBehaviour } from "./behaviour.ts";
import type { Field, FieldKind } from "./field.ts";
import type { Tables } from "./check-tables.ts";
import { leafRegisters, type Leaf, type LeafRegisterName } from "./leaf.ts";
import { resetOf } from "./plan.ts";
import type { Access, Register } from "./register.ts";
import { stateLayout, type StateLayout } from "./state-layout.ts";
import { descriptorOf, inputPins, isFifo, wireKindOf, type Declared, type WireKind } from "./state.ts";

export interface FieldModel {
  readonly name: string;
  readonly msb: number;
  readonly lsb: number;
  readonly kind: FieldKind;
  /** What constant and reserved bits read as. */
  readonly reads: string;
  /** What a wrong write to reserved bits does. */
  readonly wrongWrite: Field["wrongWrite"];
  readonly about: string;
}

/** What the device's code does with a register, by the groups of its behaviour. */
export type HandlerKind = "peek" | "read" | "write" | "written";
export interface RegisterModel {
  readonly name: string;
  readonly bank: string;
  readonly offset: number;
  readonly bits: number;
  readonly access: Access;
  readonly count: number;
  readonly stride: number;
  readonly reset: string;
  readonly retained: boolean;
  readonly unimplemented: boolean;
  readonly when: Condition | null;
  /** The field that picks one of `count` at one offset. */
  readonly select: Selection | null;
  readonly fields: readonly FieldModel[];
  readonly about: string;
  /** Where its manual describes it. */
  readonly section: string;
  /** How often a guest uses it beside the others. */
  readonly weight: number;
  readonly handlers: readonly HandlerKind[];
  /** The register of the vCPU's local APIC that it is another way to. */
  readonly apic: number | null;
}
export interface BankModel {
  readonly name: string;
  readonly space: Space | "indirect" | "overlay";
  /** The bank of bytes that narrow accesses reach. */
  readonly bytes: string | null;
  readonly unitBits: number;
  readonly sizeBytes: number;
  readonly narrow: "merge" | "ignore" | "overlay";
  readonly wide: "split" | "ignore";
  readonly hole: string;
  readonly index: string | null;
  readonly data: string | null;
  /** Its accesses go on to PCI configuration space. */
  readonly passes: boolean;
  /** It has no registers: the device answers by the offset. */
  readonly answers: boolean;
  /** The register that places the window, where the guest does. */
  readonly placedBy: string | null;
  /** The data register through which movable windows are reached too. */
  readonly aperture: string | null;
}
export interface StateModel {
  readonly name: string;
  readonly type: string;
  readonly saved: boolean;
  /** A reset leaves it. */
  readonly retained: boolean;
  readonly wire: WireKind | null;
  readonly inputPins: number;
  readonly fifo: boolean;
}
/** What a device says of itself, beside its registers and state. */
export interface DeviceNotes {
  /** What the hardware is called: `16550A UART`. */
  readonly title?: string;
  /** What a guest has in it, and what it lacks, in a few sentences. */
  readonly about?: string;
  /** The manuals that it follows; the sections of registers are theirs, or name one. */
  readonly manuals?: readonly string[];
}
/** A field of a CPUID leaf's register, and what it reads as. */
export interface LeafFieldModel {
  readonly name: string;
  readonly register: LeafRegisterName;
  readonly msb: number;
  readonly lsb: number;
  readonly reads: string;
}
export interface LeafModel {
  readonly name: string;
  readonly number: string;
  readonly values: Readonly<Record<LeafRegisterName, string>>;
  readonly fields: readonly LeafFieldModel[];
  readonly about: string;
  readonly section: string;
}
/** A field of a hypercall's input or output, at its byte offset. */
export interface ParameterModel {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
}
export interface HypercallModel {
  readonly name: string;
  readonly code: string;
  readonly input: readonly ParameterModel[];
  readonly output: readonly ParameterModel[];
  readonly about: string;
  readonly section: string;
}
/** An entry point of the device's own that a trace tells of. */
export interface CallModel {
  readonly name: string;
  /** How many it takes. */
  readonly arguments: number;
}
/** A device as data. */
export interface DeviceModel extends Required<DeviceNotes> {
  readonly name: string;
  readonly banks: readonly BankModel[];
  readonly registers: readonly RegisterModel[];
  readonly state: readonly StateModel[];
  readonly leaves: readonly LeafModel[];
  readonly hypercalls: readonly HypercallModel[];
  readonly calls: readonly CallModel[];
  /** What is declared as unimplemented or reported; the index is the ordinal. */
  readonly reported: readonly string[];
  /** Where everything lies in the state. */
  readonly layout: StateLayout;
  readonly stateBytes: number;
}

/** Formats a number as the models do. */
export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** What a hole of a bank reads as. */
export function holeOf(bank: AnyBank): bigint {
  const ones = (1n << BigInt(bank.unit.bits)) - 1n;
  const space = bank.options.space ?? "port";
  return BigInt(bank.options.hole ?? (bank.indirection === undefined && space === "port" ? ones : 0)) & ones;
}

/** Offsets from one unit to the next: bytes in a window, numbers of MSRs, index values behind an index register. */
export function stepOf(bank: AnyBank): number {
  return bank.indirection === undefined && bank.options.space !== "msr" ? bank.unit.bits / 8 : 1;
}

/** The first offset behind a register, all its elements included. */
export function endOf(register: Register, bank: AnyBank): number {
  const units = (register.width ?? bank.unit).bits / bank.unit.bits;
  const last = register.offset + (register.count - 1) * register.stride;
  return last + units * stepOf(bank);
}

/** The size of a bank in offsets. */
export function sizeOf(bank: AnyBank): number {
  return bank.options.size ?? bank.entries.reduce((end, e) => Math.max(end, endOf(e.register, bank)), 0);
}

const handlerKinds: readonly HandlerKind[] = ["peek", "read", "write", "written"];

function registerModel(
  bankName: string,
  bank: AnyBank,
  entry: AnyBank["entries"][number],
  behaviour: AnyBehaviour,
): RegisterModel {
  const { register } = entry;
  return {
    name: entry.name,
    bank: bankName,
    offset: register.offset,
    bits: (register.width ?? bank.unit).bits,
    access: register.access,
    count: register.count,
    stride: register.stride,
    reset: hex(resetOf(register)),
    retained: register.retained,
    unimplemented: register.unimplemented,
    when: entry.when === undefined ? null : { ...entry.when },
    select: entry.selection === undefined ? null : { ...entry.selection },
    fields: Object.entries(register.fields).map(([name, f]) => ({
      name,
      msb: f.msb,
      lsb: f.lsb,
      kind: f.kind,
      reads: hex(f.reads),
      wrongWrite: f.wrongWrite,
      about: f.about,
    })),
    about: register.about,
    section: register.section,
    weight: register.weight,
    handlers: handlerKinds.filter((kind) => behaviour[kind]?.[entry.name] !== undefined),
    apic: register.apic ?? null,
  };
}

function describe(descriptor: Descriptor): string {
  switch (descriptor.kind) {
    case "int":
    case "struct":
      return descriptor.name;
    case "array":
      return `${describe(descriptor.element)}[${descriptor.length}]`;
    default:
      return descriptor.kind;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

function spaceOf(bank: AnyBank): BankModel["space"] {
  if (bank.indirection !== undefined) return "indirect";
  return bank.overlay ? "overlay" : (bank.options.space ?? "port");
}

function leafModel(name: string, leaf: Leaf): LeafModel {
  const values = Object.fromEntries(leafRegisters.map((r) => [r, hex(BigInt(leaf.values[r]))]));
  return {
    name,
    number: hex(BigInt(leaf.number)),
    values: values as LeafModel["values"],
    fields: leafRegisters.flatMap((register) =>
      Object.entries(leaf.registers[register]).map(([fieldName, { msb, lsb, reads }]) => ({
        name: fieldName,
        register,
        msb,
        lsb,
        reads: hex(reads),
      })),
    ),
    about: leaf.about,
    section: leaf.section,
  };
}

function parametersOf(fields: Fields): readonly ParameterModel[] {
  return struct("parameters", fields).fields.map(({ name, offset, descriptor }) => ({
    name,
    type: describe(descriptor),
    offset,
  }));
}

/** Builds the model. */
export function modelOf(
  name: string,
  declaration: DeviceNotes & { readonly banks: Readonly<Record<string, AnyBank>> },
  state: readonly (readonly [string, Declared])[],
  reported: readonly string[],
  behaviour: AnyBehaviour,
  tables: Tables,
  layout: StructDescriptor,
): DeviceModel {
  const { banks } = declaration;
  return deepFreeze({
    name,
    title: declaration.title ?? name,
    about: declaration.about ?? "",
    manuals: [...(declaration.manuals ?? [])],
    banks: Object.entries(banks).map(([bankName, bank]) => ({
      name: bankName,
      space: spaceOf(bank),
      unitBits: bank.unit.bits,
      sizeBytes: sizeOf(bank),
      narrow:
        typeof bank.options.narrow === "object" ? ("overlay" as const) : (bank.options.narrow ?? "merge"),
      bytes: typeof bank.options.narrow === "object" ? bank.options.narrow.bytes : null,
      wide: bank.options.wide ?? "split",
      hole: hex(holeOf(bank)),
      index: bank.indirection?.index ?? null,
      data: bank.indirection?.data ?? null,
      passes: bank.passage !== undefined,
      answers: bank.answers !== undefined,
      placedBy: bank.options.movable?.register ?? null,
      aperture: bank.options.aperture?.data ?? null,
    })),
    registers: Object.entries(banks).flatMap(([bankName, bank]) =>
      bank.entries.map((e) => registerModel(bankName, bank, e, behaviour)),
    ),
    state: state.map(([stateName, declared]) => {
      const descriptor = descriptorOf(declared);
      return {
        name: stateName,
        type: describe(descriptor),
        saved: declared.kind !== "session",
        retained: declared.kind === "retained",
        wire: wireKindOf(descriptor) ?? null,
        inputPins: inputPins(descriptor) ?? 0,
        fifo: isFifo(descriptor),
      };
    }),
    leaves: Object.entries(tables.leaves).map(([leafName, leaf]) => leafModel(leafName, leaf)),
    hypercalls: Object.entries(tables.hypercalls).map(([callName, call]) => ({
      name: callName,
      code: hex(BigInt(call.code)),
      input: parametersOf(call.input),
      output: parametersOf(call.output),
      about: call.about,
      section: call.section,
    })),
    calls: Object.entries(behaviour.calls ?? {})
      .filter(([name]) => behaviour.queries?.includes(name) !== true)
      .map(([name, fn]) => ({ name, arguments: fn.length - 1 })),
    reported: [...reported],
    layout: stateLayout(layout),
    stateBytes: layout.size,
  });
}
