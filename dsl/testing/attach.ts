/** A guest's and a host's hands on one device, in Node. */
import { location, make } from "../core/layout.ts";
import { memory } from "../core/memory.ts";
import type { Device } from "../device/device.ts";
import type { DeviceWindow } from "../device/device-window.ts";
import { ActionWords, fieldReader } from "./action-text.ts";
import { FakeBoard, type FakePage } from "./fake-board.ts";
import type { FakeVolume } from "./fake-volume.ts";
import { kinds, reachOf, type Numbers } from "./reach.ts";
import { partsOf, putRecord, recordOf, type StateRecord } from "./snapshot.ts";
import { Timeline } from "./timeline.ts";

/** An interrupt message that left the device. */
export interface SentMessage {
  readonly destination: number;
  readonly command: number;
}

/** A device's whole state at a moment, as plain data that survives JSON. */
export interface Snapshot {
  readonly device: string;
  /** Time of the board, in hexadecimal. */
  readonly timeNs: string;
  readonly state: StateRecord;
}

/** Where windows of configuration space lie, by their names. */
export type ConfigurationPlaces = Readonly<Record<string, number>>;
/** What the guest reported to the administrator. */
export interface SentReport {
  readonly code: number;
  readonly a: bigint;
  readonly b: bigint;
}

/** An attached device: every probe is by the state's names, `name[index]` for an element of an array. */
export class Attached<U, C = unknown> {
  readonly u: U;
  readonly board: FakeBoard;
  readonly device: Device<U, string, C>;
  /** What was done to the device, and what it did. */
  readonly timeline = new Timeline();
  readonly #first: number;
  readonly #levels = new Map<number, boolean>();
  readonly #edges = new Map<number, boolean[]>();
  readonly #bytes = new Map<number, number[]>();
  readonly #messages = new Map<number, SentMessage[]>();
  readonly #signals = new Map<number, number[]>();
  readonly #reports = new Map<number, SentReport[]>();
  readonly #pending = new Map<number, number[]>();
  readonly #unimplemented: string[] = [];
  /** Sources that have said that there is room; served when the present access is over, as the kernel does. */
  readonly #ready = new Set<number>();

  constructor(device: Device<U, string, C>, fake: FakeBoard, places: ConfigurationPlaces) {
    this.device = device;
    this.board = fake;
    this.u = make(device.state) as U;
    const count = device.wires.reduce((n, w) => n + w.count, 0);
    this.#first = fake.wires(count);
    const followed = (ordinal: number, text: string): void =>
      this.timeline.followed(fake.nowNs, `${this.#nameOf(ordinal)} ${text}`);
    fake.listen({
      first: this.#first,
      count,
      expire: (ordinal) => {
        followed(ordinal, "expires");
        this.device.expire(this.u, ordinal);
      },
      line: (ordinal, level) => {
        followed(ordinal, level ? "rises" : "falls");
        this.#levels.set(ordinal, level);
        append(this.#edges, ordinal, level);
      },
      byte: (ordinal, byte) => {
        followed(ordinal, `sends ${hex(byte)}`);
        append(this.#bytes, ordinal, byte);
      },
      ready: (ordinal) => {
        followed(ordinal, "has room");
        this.#ready.add(ordinal);
      },
      message: (ordinal, destination, command) => {
        followed(ordinal, `sends ${hex(command)} to ${hex(destination)}`);
        append(this.#messages, ordinal, { destination, command });
      },
      signal: (ordinal, value) => {
        followed(ordinal, `raises ${hex(value)}`);
        append(this.#signals, ordinal, value);
      },
      report: (ordinal, code, a, b) => {
        followed(ordinal, `reports ${hex(code)} ${hex(a)} ${hex(b)}`);
        append(this.#reports, ordinal, { code, a, b });
      },
      unimplemented: (ordinal, what) => {
        const end = device.wires.find((w) => w.kind === "misuse" && w.ordinal === ordinal);
        const name = end?.name ?? device.model.reported[what] ?? `?${what}`;
        followed(ordinal, `reports ${name}`);
        this.#unimplemented.push(name);
      },
    });
    for (const [name, base] of Object.entries(places)) {
      const { sizeBytes: size, read, write } = this.#window(name);
      fake.addFunction({
        base,
        size,
        read: (offset, width) => read(this.u, offset, width),
        write: (offset, width, value) => write(this.u, offset, width, value),
      });
    }
    fake.use();
    device.initialise(this.u, this.#first);
  }

  /** What a guest's read returns: of a register by name, unit by unit where it is wider than its bank. */
  read(register: string, index = 0): number {
    return Number(this.readBig(register, index));
  }
  /** As `read`, for registers of 64 bits. */
  readBig(register: string, index = 0): bigint {
    const { offset, bits, unitBytes, bank } = this.#find(register, index);
    if (this.#window(bank).msr !== undefined) {
      const value = this.rdmsr(bank, offset);
      if (value === undefined) throw new Error(`reading ${register} of ${this.device.name} is refused`);
      return value;
    }
    if (unitBytes === 8) return this.readAt64(bank, offset);
    let value = 0n;
    for (let at = 0; at < bits / 8; at += unitBytes) {
      value |= BigInt(this.readAt(bank, offset + at, unitBytes)) << BigInt(at * 8);
    }
    return value;
  }
  /** A guest's write of a register by name. */
  write(register: string, value: number | bigint, index = 0): void {
    const { offset, bits, unitBytes, bank } = this.#find(register, index);
    if (this.#window(bank).msr !== undefined) {
      if (this.wrmsr(bank, offset, BigInt(value))) return;
      throw new Error(`writing 0x${value.toString(16)} to ${register} of ${this.device.name} is refused`);
    }
    if (unitBytes === 8) return this.writeAt64(bank, offset, BigInt(value));
    for (let at = 0; at < bits / 8; at += unitBytes) {
      this.writeAt(
        bank,
        offset + at,
        unitBytes,
        Number(BigInt.asUintN(unitBytes * 8, BigInt(value) >> BigInt(at * 8))),
      );
    }
  }
  /** A guest's access of any width at any offset of a window. */
  readAt(window: string, offset: number, width: 1 | 2 | 4 = 1): number {
    const access = { kind: kinds.readAt, bytes: width, offset, value: 0n };
    return this.#run(this.#text(window, access), () => this.#window(window).read(this.u, offset, width));
  }
  writeAt(window: string, offset: number, width: 1 | 2 | 4, value: number): void {
    const access = { kind: kinds.writeAt, bytes: width, offset, value: BigInt(value) };
    this.#run(this.#text(window, access), () => this.#window(window).write(this.u, offset, width, value));
  }
  readAt64(window: string, offset: number): bigint {
    const access = { kind: kinds.readAt, bytes: 8, offset, value: 0n };
    return this.#run(this.#text(window, access), () => this.#window(window).read64(this.u, offset));
  }
  writeAt64(window: string, offset: number, value: bigint): void {
    const access = { kind: kinds.writeAt, bytes: 8, offset, value };
    this.#run(this.#text(window, access), () => this.#window(window).write64(this.u, offset, value));
  }
  /** RDMSR at an offset of a bank of MSRs; undefined where it gets #GP. */
  rdmsr(window: string, offset: number): bigint | undefined {
    const { ok, value } = this.#run(`rdmsr ${window} ${hex(offset)}`, () =>
      this.#msr(window).read(this.u, offset),
    );
    return ok ? value : undefined;
  }
  /** WRMSR; false where it gets #GP. */
  wrmsr(window: string, offset: number, value: bigint): boolean {
    return this.#run(`wrmsr ${window} ${hex(offset)} ${hex(value)}`, () =>
      this.#msr(window).write(this.u, offset, value),
    );
  }
  #msr(window: string): NonNullable<DeviceWindow<U>["msr"]> {
    const access = this.#window(window).msr;
    if (access === undefined) throw new Error(`${window} of ${this.device.name} is no bank of MSRs`);
    return access;
  }
  /** Makes a hypercall; the input's and the output's fields by name. */
  hypercall(
    name: string,
    input: Readonly<Record<string, number | bigint | readonly number[]>> = {},
  ): { readonly status: number; readonly output: Readonly<Record<string, unknown>> } {
    const entry = this.device.hypercalls.find((h) => h.name === name);
    if (entry === undefined) throw new Error(`${this.device.name} has no hypercall ${name}`);
    const bytes = this.#stateBytes();
    bytes.fill(0, entry.inputAt, entry.inputAt + entry.inputBytes);
    bytes.fill(0, entry.outputAt, entry.outputAt + entry.outputBytes);
    const state = this.u as Readonly<Record<string, Record<string, unknown>>>;
    for (const [field, value] of Object.entries(input)) {
      const given = state[`${name}Input`] as Record<string, unknown>;
      if (typeof value === "object") Object.assign(given[field] as object, value);
      else given[field] = value;
    }
    const status = this.#run(`hypercall ${name}`, () => entry.run(this.u));
    return { status, output: state[`${name}Output`] as Record<string, unknown> };
  }
  /** What the guest reported through an end. */
  reports(name: string): readonly SentReport[] {
    return this.#reports.get(this.#ordinal(name)) ?? [];
  }
  /** A volume of the host: what lies on it, and what is asked of it. */
  volume(name: string): FakeVolume {
    return this.board.volume(this.#first + this.#ordinal(name));
  }
  /** An overlay page: where the guest sees it, and its bytes. */
  page(name: string): FakePage {
    return this.board.page(this.#first + this.#ordinal(name));
  }
  /** What a debugger sees at an offset; changes nothing. */
  peekAt(window: string, offset: number): number | bigint {
    this.board.use();
    return this.#window(window).peek(this.u, offset);
  }

  /** Moves time on. */
  advance(ns: number | bigint): void {
    this.#run(`advance ${ns}`, () => this.board.advance(BigInt(ns)));
  }
  reset(): void {
    this.#run("reset", () => this.device.reset(this.u));
  }
  /** Goes on as from a save of the whole guest. */
  resume(): void {
    this.#run("resume", () => this.device.resume(this.u, this.#first));
  }
  /** One of the device's own entry points. */
  call<T>(act: (calls: C, u: U) => T): T {
    return this.#run(`call ${act.toString().replace(/\s+/g, " ")}`, () => act(this.device.calls, this.u));
  }
  /** Sets an input pin. */
  input(name: string, pin: number, level: boolean): void {
    const group = this.device.inputs.find((g) => g.name === name);
    if (group === undefined) throw new Error(`${this.device.name} has no inputs ${name}`);
    this.#run(`input ${name}[${pin}] ${Number(level)}`, () =>
      this.device.input(this.u, group.first + pin, level),
    );
  }
  /** The host sends bytes; what the device has no room for waits until it has. */
  send(name: string, bytes: string | readonly number[]): void {
    const list = typeof bytes === "string" ? [...Buffer.from(bytes, "utf8")] : bytes;
    const ordinal = this.#ordinal(name);
    for (const byte of list) append(this.#pending, ordinal, byte);
    this.#run(`send ${name} ${list.map(hex).join(" ")}`, () => this.#serve(ordinal));
  }
  /** Bytes that wait for room. */
  waiting(name: string): number {
    return this.#pending.get(this.#ordinal(name))?.length ?? 0;
  }

  /** The level of an output line. */
  line(name: string): boolean {
    return this.#levels.get(this.#ordinal(name)) ?? false;
  }
  /** Every change of an output line so far. */
  edges(name: string): readonly boolean[] {
    return this.#edges.get(this.#ordinal(name)) ?? [];
  }
  /** Bytes that left through a sink. */
  bytes(name: string): readonly number[] {
    return this.#bytes.get(this.#ordinal(name)) ?? [];
  }
  /** The same as text. */
  text(name: string): string {
    return Buffer.from(this.bytes(name)).toString("utf8");
  }
  messages(name: string): readonly SentMessage[] {
    return this.#messages.get(this.#ordinal(name)) ?? [];
  }
  signals(name: string): readonly number[] {
    return this.#signals.get(this.#ordinal(name)) ?? [];
  }
  /** The deadline of a timer, if it is armed. */
  deadline(name: string): bigint | undefined {
    return this.board.deadline(this.#first + this.#ordinal(name));
  }
  /** Names of registers whose unimplemented parts were reported, in order. */
  reported(): readonly string[] {
    return this.#unimplemented;
  }

  /** The whole state, by name. What waits for room, and what was recorded so far, is the test's and not in it. */
  snapshot(): Snapshot {
    return {
      device: this.device.name,
      timeNs: hex(this.board.nowNs),
      state: recordOf(this.device.state, this.#stateBytes()),
    };
  }
  /**
   * Puts a snapshot back, and the board's time with it: lines and timers are as they were. Throws SnapshotError, and
   * changes nothing, where it is none of this device.
   */
  restore(snapshot: Snapshot): void {
    const { timeNs, state } = partsOf(snapshot, this.device.name);
    putRecord(this.device.state, this.#stateBytes(), state);
    this.board.nowNs = timeNs;
    for (const { name, kind, ordinal, count, many } of this.device.wires) {
      const ends = (this.u as Readonly<Record<string, WireCell | readonly WireCell[]>>)[name];
      for (let i = 0; i < count; i++) {
        const end = (many ? (ends as readonly WireCell[])[i] : ends) as WireCell;
        // The numbers of the wires are this board's.
        end.wire = this.#first + ordinal + i;
        if (kind === "line") this.#levels.set(ordinal + i, end.level);
        if (kind === "timer") this.board.setDeadline(end.wire, end.armed ? end.deadlineNs : undefined);
      }
    }
    this.timeline.done(this.board.nowNs, "restore");
  }
  #stateBytes(): Uint8Array {
    const place = location(this.u as object);
    if (place === undefined) throw new Error("the state has no place");
    return new Uint8Array(memory.buffer, place.address, this.device.state.size);
  }

  #serve(ordinal: number): void {
    const queue = this.#pending.get(ordinal) ?? [];
    while (queue.length > 0 && this.device.room(this.u, ordinal) > 0)
      this.device.receive(this.u, ordinal, queue.shift() as number);
  }
  /** Runs one access on this guest's board, then serves the sources that became ready. */
  #run<T>(text: string, access: () => T): T {
    this.board.use();
    const line = this.timeline.length;
    this.timeline.done(this.board.nowNs, text);
    const result = access();
    if (typeof result === "number" || typeof result === "bigint") this.timeline.gave(line, hex(result));
    for (const ordinal of this.#ready) {
      this.#ready.delete(ordinal);
      this.#serve(ordinal);
    }
    return result;
  }
  /** An access in the words of a corpus: by the register's name where it is one unit of one. */
  #text(window: string, access: Omit<Numbers, "target">): string {
    const words = wordsOf(this.device as never);
    const target = words.reach.windows.findIndex((w) => w.name === window);
    const slot = words.reach.slots.findIndex(
      (s) => s.window === target && s.offset === access.offset && s.bytes === access.bytes,
    );
    const field = fieldReader(this.device as never, () => this.#stateBytes());
    if (slot < 0) return target < 0 ? window : words.format({ ...access, target }, field);
    const kind = access.kind === kinds.readAt ? kinds.read : kinds.write;
    return words.format({ ...access, kind, target: slot }, field);
  }
  #nameOf(ordinal: number): string {
    const end = this.device.wires.find((w) => ordinal >= w.ordinal && ordinal < w.ordinal + w.count);
    if (end === undefined) return `wire ${ordinal}`;
    return end.many ? `${end.name}[${ordinal - end.ordinal}]` : end.name;
  }
  #ordinal(name: string): number {
    const parts = /^(\w+)(?:\[(\d+)\])?$/.exec(name);
    const end = this.device.wires.find((w) => w.name === parts?.[1]);
    const index = Number(parts?.[2] ?? 0);
    if (end === undefined || index >= end.count) throw new Error(`${this.device.name} has no wire ${name}`);
    return end.ordinal + index;
  }
  #window(name: string): DeviceWindow<U> {
    const window = (this.device.windows as Readonly<Record<string, DeviceWindow<U> | undefined>>)[name];
    if (window === undefined) throw new Error(`${this.device.name} has no window ${name}`);
    return window;
  }
  #find(
    name: string,
    index: number,
  ): { offset: number; bits: number; bank: string; unitBytes: 1 | 2 | 4 | 8 } {
    const register = this.device.model.registers.find((r) => r.name === name);
    const bank = this.device.model.banks.find((b) => b.name === register?.bank);
    if (register === undefined || bank === undefined)
      throw new Error(`${this.device.name} has no register ${name}`);
    if (bank.space === "indirect")
      throw new Error(`${name} lies behind ${bank.index ?? ""}: use that and ${bank.data ?? ""}`);
    if (bank.space === "overlay") throw new Error(`${name} lies in an overlay: use readAt and writeAt`);
    if (index >= register.count) throw new Error(`${name} has ${register.count} elements, no ${index}`);
    const offset = register.offset + index * register.stride;
    return { offset, bits: register.bits, bank: bank.name, unitBytes: (bank.unitBits / 8) as 1 | 2 | 4 | 8 };
  }
}

/** What an end of a wire may have in a device's state. */
interface WireCell {
  wire: number;
  readonly level: boolean;
  readonly armed: boolean;
  readonly deadlineNs: bigint;
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

const knownWords = new WeakMap<object, ActionWords>();
/** The words for a device, made once. */
function wordsOf(device: Device<never>): ActionWords {
  const known = knownWords.get(device) ?? new ActionWords(device, reachOf(device, []));
  knownWords.set(device, known);
  return known;
}

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** Attaches a fresh instance of a device to a board of its own, or to one that is shared. */
export function attach<U, C>(
  device: Device<U, string, C>,
  board: FakeBoard = new FakeBoard(),
  places: ConfigurationPlaces = {},
): Attached<U, C> {
  return new Attached(device, board, places);
}
