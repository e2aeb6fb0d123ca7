/** What a declaration must obey. Every refusal names all declarations that take part. */
import type { Descriptor } from "../core/layout.ts";
import { checkAperture } from "./aperture.ts";
import type { AnyBank, BankEntry } from "./bank.ts";
import type { AnyBehaviour } from "./behaviour.ts";
import { fieldMask } from "./cell.ts";
import { endOf, sizeOf, stepOf } from "./model.ts";
import { DeclarationError } from "./place.ts";
import { descriptorOf, inputPins, wireKindOf, type StateRecord } from "./state.ts";

type Banks = Readonly<Record<string, AnyBank>>;
type State = StateRecord;

/** Checks a shape: names, fields, overlaps, holes, indirections. Throws DeclarationError. */
export function checkShape(device: string, banks: Banks, state: State): void {
  const names = new Map<string, object>();
  for (const [bankName, bank] of Object.entries(banks)) {
    for (const entry of bank.entries) {
      const other = names.get(entry.name);
      if (other !== undefined) {
        throw new DeclarationError(
          `${device}: the name ${entry.name} is used for two registers`,
          entry.register,
          other,
        );
      }
      names.set(entry.name, entry.register);
      checkRegister(`${device}.${entry.name}`, bank, entry);
    }
    checkOverlaps(device, bank);
    if (bank.options.dense) checkDense(`${device}.${bankName}`, bank);
    checkSize(`${device}.${bankName}`, bank);
    if (bank.indirection !== undefined) checkIndirection(`${device}.${bankName}`, bank, banks);
    checkOverlay(`${device}.${bankName}`, bankName, bank, banks);
    checkMovable(`${device}.${bankName}`, bank, banks);
    checkAperture(`${device}.${bankName}`, bank, Object.values(banks));
  }
  for (const name of Object.keys(state)) {
    const register = names.get(name);
    if (register !== undefined)
      throw new DeclarationError(`${device}: ${name} is both a register and state`, register);
    if (name === "unimplemented")
      throw new DeclarationError(`${device}: the state name unimplemented is taken`);
  }
}

function checkRegister(path: string, bank: AnyBank, entry: BankEntry): void {
  const { register } = entry;
  const width = register.width ?? bank.unit;
  if (width.bits % bank.unit.bits !== 0) {
    throw new DeclarationError(
      `register ${path} has ${width.bits} bits, its bank's unit ${bank.unit.bits}`,
      register,
      bank,
    );
  }
  if (register.offset % stepOf(bank) !== 0) {
    throw new DeclarationError(
      `register ${path} at offset ${register.offset} is not aligned to its bank's unit of ${stepOf(bank)} bytes`,
      register,
      bank,
    );
  }
  if (
    register.many &&
    entry.selection === undefined &&
    register.stride < (width.bits / bank.unit.bits) * stepOf(bank)
  ) {
    throw new DeclarationError(
      `register ${path} repeats every ${register.stride}, and overlaps itself`,
      register,
    );
  }
  if (register.reset >= 1n << BigInt(width.bits) || register.reset < 0n) {
    throw new DeclarationError(
      `register ${path}: the reset value 0x${register.reset.toString(16)} does not fit ${width.bits} bits`,
      register,
    );
  }
  const by = entry.when ?? entry.selection;
  if (by !== undefined) {
    const selector = bank.entries.find((e) => e.name === by.register);
    if ((selector?.register.width ?? bank.unit).bits === 64) {
      throw new DeclarationError(
        `register ${path} is selected by a register of 64 bits`,
        register,
        selector?.register ?? bank,
      );
    }
  }
  const taken: { readonly name: string; readonly mask: bigint; readonly field: object }[] = [];
  for (const [name, field] of Object.entries(register.fields)) {
    if (field.msb >= width.bits) {
      throw new DeclarationError(
        `field ${path}.${name} [${field.msb}:${field.lsb}] is outside its register of ${width.bits} bits`,
        field,
        register,
      );
    }
    if (name === "value") {
      throw new DeclarationError(`${path}.value is the whole register: call the field otherwise`, field);
    }
    const mask = fieldMask(field);
    const other = taken.find((t) => (t.mask & mask) !== 0n);
    if (other !== undefined) {
      throw new DeclarationError(
        `field ${path}.${name} [${field.msb}:${field.lsb}] overlaps ${other.name}`,
        field,
        other.field,
      );
    }
    if (field.reads >= 1n << BigInt(field.msb - field.lsb + 1)) {
      throw new DeclarationError(
        `field ${path}.${name} [${field.msb}:${field.lsb}] cannot read as ${field.reads}`,
        field,
      );
    }
    if (register.access === "ro" && (field.kind.startsWith("writeOne") || field.kind === "selfClearing")) {
      throw new DeclarationError(
        `field ${path}.${name} is ${field.kind}, but no guest can write its register`,
        field,
        register,
      );
    }
    if (register.access === "wo" && field.kind === "readToClear") {
      throw new DeclarationError(
        `field ${path}.${name} is ${field.kind}, but no guest can read its register`,
        field,
        register,
      );
    }
    taken.push({ name, mask, field });
  }
}

/** Whether two registers can be seen at the same time by the same kind of access. */
function meet(a: BankEntry, b: BankEntry): boolean {
  if (a.register.access !== b.register.access && a.register.access !== "rw" && b.register.access !== "rw")
    return false;
  const [p, q] = [a.when, b.when];
  return !(
    p !== undefined &&
    q !== undefined &&
    p.register === q.register &&
    p.field === q.field &&
    p.value !== q.value
  );
}

function* unitsOf(entry: BankEntry, bank: AnyBank): Generator<number> {
  const { register } = entry;
  const units = (register.width ?? bank.unit).bits / bank.unit.bits;
  const places = entry.selection === undefined ? register.count : 1;
  for (let i = 0; i < places; i++) {
    for (let u = 0; u < units; u++) yield register.offset + i * register.stride + u * stepOf(bank);
  }
}

function checkOverlaps(device: string, bank: AnyBank): void {
  const seen = new Map<number, BankEntry[]>();
  for (const entry of bank.entries) {
    for (const offset of unitsOf(entry, bank)) {
      const here = seen.get(offset) ?? [];
      const other = here.find((e) => e !== entry && meet(e, entry));
      if (other !== undefined) {
        throw new DeclarationError(
          `${device}: register ${entry.name} overlaps ${other.name} at offset ${offset}`,
          entry.register,
          other.register,
        );
      }
      seen.set(offset, [...here, entry]);
    }
  }
}

function checkDense(path: string, bank: AnyBank): void {
  const covered = new Set(bank.entries.flatMap((e) => [...unitsOf(e, bank)]));
  for (let offset = 0; offset < sizeOf(bank); offset += stepOf(bank)) {
    if (covered.has(offset)) continue;
    const before = bank.entries.filter((e) => e.register.offset < offset).at(-1);
    throw new DeclarationError(
      `${path} is declared dense and has no register at offset ${offset}`,
      bank,
      ...(before ? [before.register] : []),
    );
  }
}

function checkSize(path: string, bank: AnyBank): void {
  for (const { name, register } of bank.entries) {
    if (endOf(register, bank) > sizeOf(bank)) {
      throw new DeclarationError(
        `register ${name} ends at ${endOf(register, bank)}, outside ${path} of ${sizeOf(bank)}`,
        register,
        bank,
      );
    }
  }
}

function checkIndirection(path: string, bank: AnyBank, banks: Banks): void {
  const { index, data } = bank.indirection ?? { index: "", data: "" };
  const [registerName, fieldName] = index.split(".") as [string, string | undefined];
  const all = Object.values(banks).flatMap((b) => b.entries.map((entry) => ({ bank: b, entry })));
  const selector = all.find((e) => e.entry.name === registerName);
  const through = all.find((e) => e.entry.name === data);
  if (
    selector === undefined ||
    (fieldName !== undefined && selector.entry.register.fields[fieldName] === undefined)
  ) {
    throw new DeclarationError(`${path}: its index ${index} is no field of this device`, bank);
  }
  if (through === undefined)
    throw new DeclarationError(`${path}: its data register ${data} is no register of this device`, bank);
  if (through.bank.unit.bits !== bank.unit.bits) {
    throw new DeclarationError(
      `${path} has units of ${bank.unit.bits} bits, its data register ${data} ${through.bank.unit.bits}`,
      bank,
      through.entry.register,
    );
  }
  if (through.bank.indirection !== undefined)
    throw new DeclarationError(`${path} lies behind another indirect bank`, bank, through.bank);
}

/** An overlay belongs to one bank of 32-bit units, and such a bank names an overlay. */
function checkOverlay(path: string, name: string, bank: AnyBank, banks: Banks): void {
  const bytesOf = (b: AnyBank): string | undefined =>
    typeof b.options.narrow === "object" ? b.options.narrow.bytes : undefined;
  if (bank.overlay) {
    const users = Object.values(banks).filter((b) => bytesOf(b) === name);
    if (users.length !== 1)
      throw new DeclarationError(`${path} is an overlay, and ${users.length} banks name it`, bank, ...users);
    const [user] = users as [AnyBank];
    if (sizeOf(bank) > sizeOf(user)) {
      throw new DeclarationError(
        `${path} ends at ${sizeOf(bank)}, outside the window of ${sizeOf(user)} that it overlays`,
        bank,
        user,
      );
    }
  }
  const bytes = bytesOf(bank);
  if (bytes === undefined) return;
  const overlay = banks[bytes];
  if (!overlay?.overlay) throw new DeclarationError(`${path}: ${bytes} is no overlay of this device`, bank);
  if (bank.unit.bits !== 32)
    throw new DeclarationError(
      `${path} has an overlay, and units of ${bank.unit.bits} bits instead of 32`,
      bank,
      overlay,
    );
}

/** A window that moves is one of memory, and the registers that say where are there, once each. */
function checkMovable(path: string, bank: AnyBank, banks: Banks): void {
  const { movable } = bank.options;
  if (movable === undefined) return;
  if (bank.options.space !== "mmio")
    throw new DeclarationError(`${path} is movable, and only windows of memory are`, bank);
  const [switchedBy = "", flag = ""] = movable.enabled.split(".");
  for (const [name, field, single] of [
    [movable.register, movable.field, false],
    [switchedBy, flag, true],
  ] as const) {
    const register = Object.values(banks)
      .flatMap((b) => b.entries)
      .find((e) => e.name === name)?.register;
    const declared = register?.fields[field];
    if (declared !== undefined && register?.many === false && (!single || declared.flag)) continue;
    throw new DeclarationError(`${path}: ${name}.${field} does not say where it lies`, bank);
  }
}

/** Checks a behaviour against its shape. Throws DeclarationError. */
export function checkBehaviour(device: string, banks: Banks, state: State, behaviour: AnyBehaviour): void {
  const entries = new Map(Object.values(banks).flatMap((b) => b.entries.map((e) => [e.name, e] as const)));
  const dataRegisters = new Map(
    Object.values(banks).flatMap(({ indirection, options: { aperture } }) => [
      ...(indirection === undefined ? [] : [[indirection.data, "an indirect bank"] as const]),
      ...(aperture === undefined ? [] : [[aperture.data, "an aperture"] as const]),
    ]),
  );
  for (const kind of ["peek", "read", "write", "written"] as const) {
    for (const [name, handler] of Object.entries(behaviour[kind] ?? {})) {
      const entry = entries.get(name);
      if (entry === undefined)
        throw new DeclarationError(
          `${device}: ${kind}.${name} handles a register that is not there`,
          behaviour,
        );
      const { register } = entry;
      if ((kind === "write" || kind === "written") && register.access === "ro") {
        throw new DeclarationError(
          `${device}: ${kind}.${name} handles writes to a read-only register`,
          behaviour,
          register,
        );
      }
      if (kind === "read" && register.access === "wo") {
        throw new DeclarationError(
          `${device}: read.${name} handles reads of a write-only register`,
          behaviour,
          register,
        );
      }
      if (register.unimplemented)
        throw new DeclarationError(
          `${device}: ${kind}.${name} handles an unimplemented register`,
          behaviour,
          register,
        );
      const reached = dataRegisters.get(name);
      if (reached !== undefined)
        throw new DeclarationError(
          `${device}: ${kind}.${name} handles the data register of ${reached}`,
          behaviour,
          register,
        );
      if (typeof handler === "function") continue;
      for (const field of Object.keys(handler)) {
        const declared = register.fields[field];
        if (declared === undefined)
          throw new DeclarationError(
            `${device}: peek.${name}.${field} computes a field that is not there`,
            behaviour,
            register,
          );
        if (declared.kind === "constant" || declared.kind === "reserved") {
          throw new DeclarationError(
            `${device}: peek.${name}.${field} computes a ${declared.kind} field`,
            behaviour,
            declared,
          );
        }
      }
    }
  }
  for (const name of Object.keys(behaviour.write ?? {})) {
    if (behaviour.written?.[name] !== undefined) {
      throw new DeclarationError(
        `${device}: write.${name} takes the place of storing, so written.${name} would never run`,
        behaviour,
      );
    }
  }
  checkOutside(device, state, behaviour);
}

function checkOutside(device: string, state: State, behaviour: AnyBehaviour): void {
  const of = (name: string): Descriptor | undefined => {
    const declared = state[name];
    return declared === undefined ? undefined : descriptorOf(declared);
  };
  const wanted = [
    ["expire", (d: Descriptor) => wireKindOf(d) === "timer", "timer"],
    ["room", (d: Descriptor) => wireKindOf(d) === "source", "source"],
    ["receive", (d: Descriptor) => wireKindOf(d) === "source", "source"],
    ["input", (d: Descriptor) => inputPins(d) !== undefined, "group of inputs"],
  ] as const;
  for (const [kind, fits, what] of wanted) {
    const handlers = behaviour[kind] ?? {};
    for (const name of Object.keys(handlers)) {
      const descriptor = of(name);
      if (descriptor === undefined || !fits(descriptor))
        throw new DeclarationError(`${device}: ${kind}.${name} handles no ${what} of this device`, behaviour);
    }
    for (const name of Object.keys(state)) {
      const descriptor = of(name);
      if (descriptor !== undefined && fits(descriptor) && handlers[name] === undefined) {
        throw new DeclarationError(`${device}: the ${what} ${name} needs ${kind}.${name}`, behaviour);
      }
    }
  }
}
