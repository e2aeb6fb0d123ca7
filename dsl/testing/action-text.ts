/**
 * Actions as text, one a line, in the words of the device: `write lcr 0x83`, `advance 1000`. What a corpus keeps, so
 * that it can be read, and still means the same when a register has moved.
 */
import type { Device } from "../device/device.ts";
import type { RegisterModel } from "../device/model.ts";
import { advanceBits, kinds, unitsOf, windowOf, type Numbers, type Reach } from "./reach.ts";

/** A line that is no action of the device. */
export class ActionError extends Error {
  override name = "ActionError";
}

/** A register's unit by which a slot is spoken of. */
export interface Place {
  readonly register: RegisterModel;
  readonly element: number;
  /** Bytes into the element, where a register is wider than its bank's unit. */
  readonly byte: number;
}

/** A field's value in a device's state. */
type FieldReader = (register: string, field: string) => number;

/** The words for what can be done to one device. */
export class ActionWords {
  readonly device: Device<never>;
  readonly reach: Reach;
  readonly #places: readonly (readonly Place[])[];

  constructor(device: Device<never>, reach: Reach) {
    this.device = device;
    this.reach = reach;
    const places: Place[][] = reach.slots.map(() => []);
    for (const register of device.model.registers) {
      const window = reach.windows.findIndex((w) => w.name === windowOf(device.model, register.bank)?.name);
      for (const { element, byte, offset, bytes } of unitsOf(device.model, register)) {
        const slot = reach.slots.findIndex(
          (s) => s.window === window && s.offset === offset && s.bytes === bytes,
        );
        places[slot]?.push({ register, element, byte });
      }
    }
    this.#places = places;
  }

  /** The register that an access to a slot reaches in a state, as far as the guards and the direction say. */
  place(slot: number, writes: boolean, field: FieldReader): Place {
    const all = this.#places[slot]!;
    const takes = ({ register: { access, when } }: Place): boolean =>
      access !== (writes ? "ro" : "wo") && (when === null || field(when.register, when.field) === when.value);
    return all.find(takes) ?? all[0]!;
  }

  /** An action as text; `field` tells which of the registers that share an offset is meant. */
  format(action: Numbers, field: FieldReader): string {
    const { kind, bytes, target, offset, value } = action;
    const hex = `0x${value.toString(16)}`;
    switch (kind) {
      case kinds.read:
        return `read ${placeText(this.place(target, false, field))}`;
      case kinds.write:
        return `write ${placeText(this.place(target, true, field))} ${hex}`;
      case kinds.readAt:
        return `readAt ${this.reach.windows[target]!.name} 0x${offset.toString(16)} ${bytes}`;
      case kinds.writeAt:
        return `writeAt ${this.reach.windows[target]!.name} 0x${offset.toString(16)} ${bytes} ${hex}`;
      case kinds.advance:
        return `advance ${value}`;
      case kinds.input: {
        const group = this.device.inputs.find((g) => target >= g.first && target < g.first + g.pins)!;
        return `input ${group.name}[${target - group.first}] ${value}`;
      }
      case kinds.send:
        return `send ${this.sourceName(target)} ${hex}`;
      case kinds.reset:
        return "reset";
      case kinds.resume:
        return "resume";
      case kinds.parameter:
        return `parameter ${this.reach.hypercalls[target]!.name} ${offset} ${hex}`;
      case kinds.memory:
        return `memory 0x${offset.toString(16)} ${bytes} ${hex}`;
      case kinds.hypercall:
        return `hypercall ${this.reach.hypercalls[target]!.name} ${hex}`;
      default:
        return `call ${this.reach.calls[target]!.name} 0x${offset.toString(16)} ${hex}`;
    }
  }

  /** The name of a source, `name[index]` for one of an array. */
  sourceName(target: number): string {
    const ordinal = this.reach.sources[target]!;
    const wire = this.device.wires.find((w) => ordinal >= w.ordinal && ordinal < w.ordinal + w.count)!;
    return wire.many ? `${wire.name}[${ordinal - wire.ordinal}]` : wire.name;
  }

  /** The action of a line. Throws ActionError, in words that stand alone. */
  parse(line: string): Numbers {
    const [verb, ...words] = line.trim().split(/\s+/);
    const kind = kinds[verb as keyof typeof kinds] as number | undefined;
    if (verb === undefined || kind === undefined || !Object.hasOwn(kinds, verb))
      throw new ActionError(`\`${verb ?? ""}\` is no action: there are ${Object.keys(kinds).join(", ")}`);
    const wanted = wordCounts[verb as keyof typeof kinds];
    if (words.length !== wanted.length)
      throw new ActionError(
        `\`${verb}\` is followed by ${wanted.join(", ") || "nothing"}: \`${line.trim()}\``,
      );
    const action = { kind, bytes: 0, target: 0, offset: 0, value: 0n };
    switch (kind) {
      case kinds.read:
      case kinds.write: {
        const { target, bytes } = this.#slot(words[0]!);
        return { ...action, target, bytes, value: kind === kinds.write ? number(words[1]!, bytes * 8) : 0n };
      }
      case kinds.readAt:
      case kinds.writeAt: {
        const target = this.#window(words[0]!);
        const bytes = widthOf(words[2]!);
        const value = kind === kinds.writeAt ? number(words[3]!, bytes * 8) : 0n;
        return { ...action, target, bytes, offset: Number(number(words[1]!, 32)), value };
      }
      case kinds.advance:
        return { ...action, bytes: advanceBits, value: number(words[0]!, advanceBits) };
      case kinds.input: {
        const { name, index } = indexed(words[0]!);
        const group = this.device.inputs.find((g) => g.name === name);
        if (group === undefined || index >= group.pins)
          throw new ActionError(`${this.device.name} has no input \`${words[0]!}\``);
        return { ...action, target: group.first + index, value: number(words[1]!, 1) };
      }
      case kinds.send: {
        const target = this.reach.sources.findIndex((_, i) => this.sourceName(i) === words[0]);
        if (target < 0) throw new ActionError(`${this.device.name} has no source \`${words[0]!}\``);
        return { ...action, target, value: number(words[1]!, 8) };
      }
      case kinds.call: {
        const target = this.reach.calls.findIndex((c) => c.name === words[0]);
        if (target < 0) throw new ActionError(`${this.device.name} has no entry point \`${words[0]!}\``);
        return { ...action, target, offset: Number(number(words[1]!, 32)), value: number(words[2]!, 64) };
      }
      case kinds.parameter: {
        const target = this.#hypercall(words[0]!);
        const offset = Number(number(words[1]!, 32));
        const count = this.reach.hypercalls[target]!.words;
        if (offset >= Math.max(1, count))
          throw new ActionError(`${words[0]!} takes ${count} words, and has no word ${offset}`);
        return { ...action, target, offset, value: number(words[2]!, 64) };
      }
      case kinds.memory: {
        if (!this.reach.memory) throw new ActionError(`${this.device.name} does not use the guest's memory`);
        const [offset, bytes] = [Number(number(words[0]!, 15)), widthOf(words[1]!)];
        return { ...action, bytes, offset, value: number(words[2]!, bytes * 8) };
      }
      case kinds.hypercall:
        return { ...action, target: this.#hypercall(words[0]!), value: number(words[1]!, 64) };
      default:
        return action;
    }
  }

  #hypercall(name: string): number {
    const target = this.reach.hypercalls.findIndex((h) => h.name === name);
    if (target < 0) throw new ActionError(`${this.device.name} has no hypercall \`${name}\``);
    return target;
  }

  #window(name: string): number {
    const target = this.reach.windows.findIndex((w) => w.name === name);
    if (target < 0) throw new ActionError(`${this.device.name} has no window \`${name}\``);
    return target;
  }

  #slot(text: string): { target: number; bytes: number } {
    const target = this.#places.findIndex((places) => places.some((p) => placeText(p) === text));
    if (target < 0)
      throw new ActionError(`${this.device.name} has no register \`${text}\` that an access reaches`);
    return { target, bytes: this.reach.slots[target]!.bytes };
  }
}

const wordCounts: Readonly<Record<keyof typeof kinds, readonly string[]>> = {
  read: ["a register"],
  write: ["a register", "a value"],
  readAt: ["a window", "an offset", "a width in bytes"],
  writeAt: ["a window", "an offset", "a width in bytes", "a value"],
  advance: ["nanoseconds"],
  input: ["a pin", "a level"],
  send: ["a source", "a byte"],
  reset: [],
  resume: [],
  call: ["an entry point", "an offset", "a value"],
  parameter: ["a hypercall", "a word of its input", "a value"],
  memory: ["an offset in the guest's memory", "a width in bytes", "a value"],
  hypercall: ["a hypercall", "the first word of its input"],
};

function placeText({ register: { name, count }, element, byte }: Place): string {
  return `${name}${count > 1 ? `[${element}]` : ""}${byte > 0 ? `+${byte}` : ""}`;
}

function widthOf(text: string): number {
  const bytes = Number(number(text, 8));
  if (![1, 2, 4, 8].includes(bytes)) throw new ActionError(`an access has 1, 2, 4 or 8 bytes, not ${bytes}`);
  return bytes;
}

function indexed(text: string): { name: string; index: number } {
  const parts = /^(\w+)\[(\d+)\]$/.exec(text);
  return parts === null ? { name: text, index: 0 } : { name: parts[1]!, index: Number(parts[2]) };
}

function number(text: string, bits: number): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new ActionError(`\`${text}\` is no number`);
  const value = BigInt(text);
  if (value >= 1n << BigInt(bits)) throw new ActionError(`${text} does not fit ${bits} bits`);
  return value;
}

/** Reads fields of a device's state, in Node's memory or in a copy of it. */
export function fieldReader(device: Device<never>, state: () => Uint8Array): FieldReader {
  return (register, field) => {
    const cell = device.state.fields.find((f) => f.name === register);
    const model = device.model.registers
      .find((r) => r.name === register)
      ?.fields.find((f) => f.name === field);
    if (cell === undefined || model === undefined) return 0;
    const bytes = state().subarray(cell.offset, cell.offset + cell.descriptor.size);
    const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return Number(BigInt.asUintN(model.msb - model.lsb + 1, whole >> BigInt(model.lsb)));
  };
}
