/**
 * The vocabulary of a device's state beside its registers: queues, and the ends of wires. Each is a struct whose
 * methods are compiled with the device; those that reach the outside hold a wire number.
 */
import { u16, u32, type IntType, type u64, type u8 } from "../core/int.ts";
import {
  array,
  bool,
  extend,
  struct,
  type Descriptor,
  type FixedArray,
  type StructDescriptor,
  type ValueOf,
} from "../core/layout.ts";
import { u64 as u64Type } from "../core/int.ts";
import { board } from "./board.ts";
import { channelEnd } from "./channel.ts";
import { DeclarationError } from "./place.ts";
import { port } from "./port.ts";
import { flashArray } from "./flash.ts";
import { sharedMemory } from "./shared-memory.ts";
import { Volume } from "./volume.ts";

// ---- Queues ---------------------------------------------------------------------------------------------------

/** A bounded queue. Popping an empty one gives 0; pushing to a full one is refused. */
export interface Fifo<T> {
  /** Elements inside. */
  readonly count: u16;
  readonly capacity: u16;
  readonly empty: boolean;
  readonly full: boolean;
  /** Takes the oldest; 0 where there is none. */
  pop(): T;
  /** The oldest, left where it is; 0 where there is none. */
  peek(): T;
  /** Appends; false, and nothing happens, where it is full. */
  push(value: T): boolean;
  clear(): void;
}
interface FifoFields<T> {
  readonly data: FixedArray<T>;
  head: u16;
  count: u16;
}
const fifos = new Map<string, StructDescriptor>();

function byteMethods(capacity: u16) {
  const mask: u16 = capacity - 1;
  return {
    pop: (self: FifoFields<u8>): u8 => {
      const count = self.count;
      if (count === 0) return 0;
      const head = self.head & mask;
      self.head = (head + 1) & mask;
      self.count = u16(count - 1);
      return self.data[head];
    },
    peek: (self: FifoFields<u8>): u8 => (self.count === 0 ? 0 : self.data[self.head & mask]),
    push: (self: FifoFields<u8>, value: u8): boolean => {
      const count = self.count;
      if (count >= capacity) return false;
      self.data[(self.head + count) & mask] = value;
      self.count = u16(count + 1);
      return true;
    },
  };
}
function wordMethods(capacity: u16) {
  const mask: u16 = capacity - 1;
  return {
    pop: (self: FifoFields<u16>): u16 => {
      const count = self.count;
      if (count === 0) return 0;
      const head = self.head & mask;
      self.head = (head + 1) & mask;
      self.count = u16(count - 1);
      return self.data[head];
    },
    peek: (self: FifoFields<u16>): u16 => (self.count === 0 ? 0 : self.data[self.head & mask]),
    push: (self: FifoFields<u16>, value: u16): boolean => {
      const count = self.count;
      if (count >= capacity) return false;
      self.data[(self.head + count) & mask] = value;
      self.count = u16(count + 1);
      return true;
    },
  };
}
function doubleWordMethods(capacity: u16) {
  const mask: u16 = capacity - 1;
  return {
    pop: (self: FifoFields<u32>): u32 => {
      const count = self.count;
      if (count === 0) return 0;
      const head = self.head & mask;
      self.head = (head + 1) & mask;
      self.count = u16(count - 1);
      return self.data[head];
    },
    peek: (self: FifoFields<u32>): u32 => (self.count === 0 ? 0 : self.data[self.head & mask]),
    push: (self: FifoFields<u32>, value: u32): boolean => {
      const count = self.count;
      if (count >= capacity) return false;
      self.data[(self.head + count) & mask] = value;
      self.count = u16(count + 1);
      return true;
    },
  };
}

/** A queue of `capacity` elements (a power of two up to 4096) of 8, 16 or 32 bits. */
export function fifo<T>(element: IntType<T>, capacity: number): StructDescriptor<Fifo<T>> {
  if (!Number.isInteger(capacity) || capacity < 2 || capacity > 4096 || (capacity & (capacity - 1)) !== 0) {
    throw new DeclarationError(`a fifo's capacity is a power of two from 2 to 4096, not ${capacity}`);
  }
  if (element.bits === 64) throw new DeclarationError("a fifo's elements have 8, 16 or 32 bits");
  const name = `Fifo_${element.name}_${capacity}`;
  const known = fifos.get(name);
  if (known !== undefined) return known as StructDescriptor<Fifo<T>>;
  const methods = element.bits === 8 ? byteMethods : element.bits === 16 ? wordMethods : doubleWordMethods;
  const made = extend(struct(name, { head: u16, count: u16, data: array(element, capacity) }), {
    methods: {
      ...methods(capacity),
      clear: (self: FifoFields<number>): void => {
        self.head = 0;
        self.count = 0;
      },
    },
    properties: {
      empty: { get: (self: FifoFields<number>): boolean => self.count === 0 },
      full: { get: (self: FifoFields<number>): boolean => self.count >= capacity },
      capacity: { get: (_self: FifoFields<number>): u16 => capacity },
    },
  }) as unknown as StructDescriptor<Fifo<T>>;
  fifos.set(name, made as StructDescriptor);
  return made;
}

// ---- Ends of wires --------------------------------------------------------------------------------------------

const LineLayout = struct("Line", { wire: u16, level: bool });
const Line = extend(LineLayout, {
  methods: {
    set: (self: ValueOf<typeof LineLayout>, level: boolean): void => {
      if (self.level === level) return;
      self.level = level;
      board.setLine(self.wire, level);
    },
  },
});
/** An output line: `set(level)`, `level`. The board hears of changes only. */
export type Line = ValueOf<typeof Line>;
/** Declares an output line, low after a reset. */
export function line(): typeof Line {
  return Line;
}

const TimerLayout = struct("Timer", { deadlineNs: u64Type, wire: u16, armed: bool });
const Timer = extend(TimerLayout, {
  methods: {
    arm: (self: ValueOf<typeof TimerLayout>, deadlineNs: u64): void => {
      self.deadlineNs = deadlineNs;
      self.armed = true;
      board.armTimer(self.wire, deadlineNs);
    },
    cancel: (self: ValueOf<typeof TimerLayout>): void => {
      if (!self.armed) return;
      self.armed = false;
      board.cancelTimer(self.wire);
    },
  },
});
/** A timer: `arm(deadlineNs)` in the board's time, `cancel()`, `armed`, `deadlineNs`. Its `expire` handler runs once for each `arm`. */
export type Timer = ValueOf<typeof Timer>;
/** Declares a timer. */
export function timer(): typeof Timer {
  return Timer;
}

const SinkLayout = struct("Sink", { wire: u16 });
const Sink = extend(SinkLayout, {
  methods: {
    put: (self: ValueOf<typeof SinkLayout>, byte: u8): void => board.putByte(self.wire, byte),
  },
});
/** Bytes out to the host side. */
export type Sink = ValueOf<typeof Sink>;
/** Declares an output for bytes. */
export function sink(): typeof Sink {
  return Sink;
}

const SourceLayout = struct("Source", { wire: u16 });
const Source = extend(SourceLayout, {
  methods: {
    ready: (self: ValueOf<typeof SourceLayout>): void => board.sourceReady(self.wire),
  },
});
/** Bytes in from the host side, which asks the `room` handler first; `ready()` says that there is room again. */
export type Source = ValueOf<typeof Source>;
/** Declares an input for bytes. */
export function source(): typeof Source {
  return Source;
}

const MessagesLayout = struct("Messages", { wire: u16 });
const Messages = extend(MessagesLayout, {
  methods: {
    send: (self: ValueOf<typeof MessagesLayout>, destination: u32, command: u32): void =>
      board.sendMessage(self.wire, destination, command),
  },
});
/** Interrupt messages out, in ICR layout. */
export type Messages = ValueOf<typeof Messages>;
/** Declares an output for interrupt messages. */
export function messages(): typeof Messages {
  return Messages;
}

const SignalLayout = struct("Signal", { wire: u16 });
const Signal = extend(SignalLayout, {
  methods: {
    raise: (self: ValueOf<typeof SignalLayout>, value: u32): void => board.raiseSignal(self.wire, value),
  },
});
/** Events out: reset, power-off, NMI, end of interrupt. */
export type Signal = ValueOf<typeof Signal>;
/** Declares an output for events that have no level. */
export function signal(): typeof Signal {
  return Signal;
}

const PageLayout = struct("OverlayPage", { gpa: u64Type, wire: u16, placed: bool });
const Page = extend(PageLayout, {
  methods: {
    place: (self: ValueOf<typeof PageLayout>, gpa: u64): void => {
      self.gpa = gpa;
      self.placed = true;
      board.placePage(self.wire, gpa);
    },
    remove: (self: ValueOf<typeof PageLayout>): void => {
      self.placed = false;
      board.removePage(self.wire);
    },
    write: (self: ValueOf<typeof PageLayout>, offset: u16, value: u64): void =>
      board.writePage(self.wire, offset & 0xff8, value),
  },
});
/**
 * A page of 4 KiB that the guest lays over its own memory: `place(gpa)`, `remove()`, `placed`, `gpa`, and
 * `write(offset, value)` for 8 bytes of it. Away and zero after power-on, away after a reset.
 */
export type Page = ValueOf<typeof Page>;
/** Declares an overlay page. */
export function page(): typeof Page {
  return Page;
}

const ReportLayout = struct("Report", { wire: u16 });
const Report = extend(ReportLayout, {
  methods: {
    tell: (self: ValueOf<typeof ReportLayout>, code: u32, a: u64, b: u64): void =>
      board.report(self.wire, code, a, b),
  },
});
/** What a guest reports to the administrator: `tell(code, a, b)`. */
export type Report = ValueOf<typeof Report>;
/** Declares an end for reports. */
export function report(): typeof Report {
  return Report;
}

// ---- Input lines ----------------------------------------------------------------------------------------------

interface InputFields {
  levels: u32;
}
/** Input lines with their present levels, bit n for pin n. */
export interface Inputs {
  /** Bit n is the level of pin n. */
  readonly levels: u32;
  readonly pins: u8;
  level(pin: u8): boolean;
}
const inputKinds = new Map<number, StructDescriptor<Inputs>>();

/** Declares `pins` (1 to 32) input lines; the `input` handler hears of every change. */
export function inputs(pins: number): StructDescriptor<Inputs> {
  if (!Number.isInteger(pins) || pins < 1 || pins > 32) {
    throw new DeclarationError(`a group of inputs has 1 to 32 pins, not ${pins}`);
  }
  let made = inputKinds.get(pins);
  if (made === undefined) {
    made = extend(struct(`Inputs_${pins}`, { levels: u32 }), {
      methods: {
        level: (self: InputFields, pin: u8): boolean => (self.levels & (1 << (pin & 31))) !== 0,
        /** Sets one pin; whether that was a change. */
        change: (self: InputFields, pin: u8, level: boolean): boolean => {
          const before = self.levels;
          const mask = u32(1 << (pin & 31));
          self.levels = level ? u32(before | mask) : u32(before & ~mask);
          return self.levels !== before;
        },
      },
      properties: { pins: { get: (_self: InputFields): u8 => pins } },
    }) as unknown as StructDescriptor<Inputs>;
    inputKinds.set(pins, made);
  }
  return made;
}

// ---- What is not implemented ----------------------------------------------------------------------------------

const UnimplementedLayout = struct("Unimplemented", { count: u32, seen: u32, wire: u16 });
/** Counts uses of what the device declares as unimplemented, and reports each kind once. */
export const Unimplemented = extend(UnimplementedLayout, {
  methods: {
    note: (self: ValueOf<typeof UnimplementedLayout>, ordinal: u8): void => {
      const count = self.count;
      if (count < 0xffff_ffff) self.count = u32(count + 1);
      const mask = u32(1 << (ordinal & 31));
      const seen = self.seen;
      if ((seen & mask) !== 0) return;
      self.seen = u32(seen | mask);
      board.unimplemented(self.wire, ordinal);
    },
  },
});

// ---- What a guest does wrong ----------------------------------------------------------------------------------

const MisuseLayout = struct("Misuse", { wire: u16, count: u32 });
const Misuse = extend(MisuseLayout, {
  methods: {
    note: (self: ValueOf<typeof MisuseLayout>): void => {
      const count = self.count;
      if (count < 0xffff_ffff) self.count = u32(count + 1);
      if (count === 0) board.unimplemented(self.wire, 0);
    },
  },
});
/** Something that a guest does and should not: every `note()` is counted in `count`, the first tells the operator. */
export type Misuse = ValueOf<typeof Misuse>;
/** Declares such misuse; its name says what the guest took to be there. */
export function misuse(): typeof Misuse {
  return Misuse;
}

// ---- Declarations ---------------------------------------------------------------------------------------------

/** State that belongs to a running session: not saved, and zero after a restore. */
export interface Session<D extends Descriptor = Descriptor> {
  readonly kind: "session";
  readonly descriptor: D;
}
/** Marks state that save and restore leave out. */
export function session<D extends Descriptor>(descriptor: D): Session<D> {
  return Object.freeze({ kind: "session", descriptor });
}

/** State that a reset leaves: what a battery keeps. */
export interface Retained<D extends Descriptor = Descriptor> {
  readonly kind: "retained";
  readonly descriptor: D;
}
/** Marks state that only `initialise` clears. */
export function retained<D extends Descriptor>(descriptor: D): Retained<D> {
  return Object.freeze({ kind: "retained", descriptor });
}

/** One piece of declared state. */
export type Declared = Descriptor | Session | Retained;
/** What a device's state may be declared with. Integers, booleans and arrays of them are 0 after a reset. */
export type StateRecord = Readonly<Record<string, Declared>>;
/** The descriptors alone. */
export type Descriptors<S> = {
  readonly [K in keyof S]: S[K] extends Session<infer D> | Retained<infer D> ? D : S[K];
};
/** The descriptor of a piece of state. */
export function descriptorOf(declared: Declared): Descriptor {
  return declared.kind === "session" || declared.kind === "retained" ? declared.descriptor : declared;
}

/** What a piece of state is to the outside. */
export type WireKind =
  | "line"
  | "timer"
  | "sink"
  | "source"
  | "messages"
  | "signal"
  | "page"
  | "report"
  | "volume"
  | "misuse"
  | "port"
  | "shared"
  | "flash"
  | "channel"
  | "unimplemented";
const wireKinds = new Map<unknown, WireKind>([
  [Line, "line"],
  [Timer, "timer"],
  [Sink, "sink"],
  [Source, "source"],
  [Messages, "messages"],
  [Signal, "signal"],
  [Page, "page"],
  [Report, "report"],
  [Volume, "volume"],
  [Unimplemented, "unimplemented"],
  [Misuse, "misuse"],
  [port(), "port"],
  [sharedMemory(), "shared"],
  [flashArray(), "flash"],
  [channelEnd(), "channel"],
]);
/** The kind of wire that a descriptor (or an array of them) ends, if any. */
export function wireKindOf(descriptor: Descriptor): WireKind | undefined {
  return wireKinds.get(descriptor.kind === "array" ? descriptor.element : descriptor);
}
/** How many pins a group of inputs has; undefined for anything else. */
export function inputPins(descriptor: Descriptor): number | undefined {
  for (const [pins, known] of inputKinds) if (known === descriptor) return pins;
  return undefined;
}
/** Whether a descriptor is a fifo. */
export function isFifo(descriptor: Descriptor): boolean {
  return descriptor.kind === "struct" && fifos.get(descriptor.name) === descriptor;
}
