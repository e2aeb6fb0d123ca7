/** A board for tests: time moves only when told, and everything that leaves a device is recorded. */
import { provide } from "../core/binding.ts";
import { board, type Board } from "../device/board.ts";
import { FakeChannels } from "./fake-channel.ts";
import { FakeMemory } from "./fake-memory.ts";
import { FakePort } from "./fake-port.ts";
import { FakeVolume } from "./fake-volume.ts";

/** What listens to the wires from `first` on. */
export interface Listener {
  readonly first: number;
  readonly count: number;
  expire(ordinal: number): void;
  line(ordinal: number, level: boolean): void;
  byte(ordinal: number, byte: number): void;
  ready(ordinal: number): void;
  message(ordinal: number, destination: number, command: number): void;
  signal(ordinal: number, value: number): void;
  unimplemented(ordinal: number, what: number): void;
  report(ordinal: number, code: number, a: bigint, b: bigint): void;
}

/** An overlay page, as a test sees it. */
export interface FakePage {
  /** Where the guest sees it; undefined where it is away. */
  gpa: bigint | undefined;
  readonly bytes: DataView;
}

/** A PCI function's configuration space, where it lies among the buses. */
export interface FunctionSpace {
  readonly base: number;
  readonly size: number;
  read(offset: number, width: number): number;
  write(offset: number, width: number, value: number): void;
}

/** Time, timers and listeners. One for each test that needs a time of its own. */
export class FakeBoard {
  nowNs = 0n;
  epochNs = 0n;
  /** Time that passes with every look at the clock, as it does while a device runs on a machine. */
  lookNs = 0n;
  /** Rate of the guest's counter. */
  ticksPerSecond = 1_000_000_000n;
  /** Bytes of memory that the guest has, from 0 on. */
  memoryBytes = 0x1000_0000n;
  readonly #volumes = new Map<number, FakeVolume>();
  readonly #pages = new Map<number, FakePage>();
  /** The memory of the guest; there is none unless a test adds some. */
  readonly memory = new FakeMemory();
  /** The ends of channels. */
  readonly channels = new FakeChannels();
  /** What the machine's random numbers are; undefined where it has none. */
  random: bigint | undefined = 0x0123_4567_89ab_cdefn;
  /** The port of a device; tests have one at most. */
  readonly port = new FakePort(this.memory);
  /** Of devices that share memory: bells by peer, where the memory lies, and what was rung. */
  readonly peers: number[] = [];
  readonly shared = new Map<number, bigint>();
  readonly rung: { readonly peer: number; readonly bell: number }[] = [];
  /** The array of a device's flash, and whether the guest reads it as memory. */
  readonly flash = new Uint8Array(0x8000).fill(0xff);
  flashShown = true;
  readonly #deadlines = new Map<number, bigint>();
  readonly #listeners: Listener[] = [];
  readonly #functions: FunctionSpace[] = [];
  #nextWire = 1;

  /** Takes `count` wire numbers and returns the first. */
  wires(count: number): number {
    const first = this.#nextWire;
    this.#nextWire += count;
    return first;
  }
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }
  /** Puts a PCI function on the buses. */
  addFunction(space: FunctionSpace): void {
    this.#functions.push(space);
  }
  #functionAt(address: number): FunctionSpace | undefined {
    return this.#functions.find((f) => address >= f.base && address < f.base + f.size);
  }
  /** Makes this the board that devices run on. */
  use(): void {
    provide(board, this.#binding);
  }

  /** Moves time on by `ns`, and lets every timer expire at its own moment, in order. */
  advance(ns: bigint): void {
    const end = this.nowNs + ns;
    for (;;) {
      const due = [...this.#deadlines]
        .filter(([, at]) => at <= end)
        .sort((a, b) => Number(a[1] - b[1]) || a[0] - b[0])[0];
      if (due === undefined) break;
      const [wire, at] = due;
      this.#deadlines.delete(wire);
      if (at > this.nowNs) this.nowNs = at;
      this.#to(wire, (l, ordinal) => l.expire(ordinal));
    }
    if (end > this.nowNs) this.nowNs = end;
  }
  /** The deadline of a wire's timer, if it is armed. */
  deadline(wire: number): bigint | undefined {
    return this.#deadlines.get(wire);
  }

  /** The volume of a wire. */
  volume(wire: number): FakeVolume {
    let volume = this.#volumes.get(wire);
    if (volume === undefined) {
      volume = new FakeVolume(this.memory);
      this.#volumes.set(wire, volume);
    }
    return volume;
  }
  /** The overlay page of a wire. */
  page(wire: number): FakePage {
    let page = this.#pages.get(wire);
    if (page === undefined) {
      page = { gpa: undefined, bytes: new DataView(new ArrayBuffer(4096)) };
      this.#pages.set(wire, page);
    }
    return page;
  }

  /** Arms a wire's timer, or disarms it, as it was when a device was saved. */
  setDeadline(wire: number, deadlineNs: bigint | undefined): void {
    if (deadlineNs === undefined) this.#deadlines.delete(wire);
    else this.#deadlines.set(wire, deadlineNs);
  }

  #to(wire: number, act: (listener: Listener, ordinal: number) => void): void {
    const listener = this.#listeners.find((l) => wire >= l.first && wire < l.first + l.count);
    if (listener === undefined) throw new Error(`wire ${wire} belongs to no device`);
    act(listener, wire - listener.first);
  }

  readonly #binding: Board = {
    now: () => (this.nowNs += this.lookNs),
    epoch: () => this.epochNs,
    armTimer: (wire, deadlineNs) => void this.#deadlines.set(wire, deadlineNs),
    cancelTimer: (wire) => void this.#deadlines.delete(wire),
    setLine: (wire, level) => this.#to(wire, (l, o) => l.line(o, level)),
    putByte: (wire, byte) => this.#to(wire, (l, o) => l.byte(o, byte)),
    sourceReady: (wire) => this.#to(wire, (l, o) => l.ready(o)),
    sendMessage: (wire, destination, command) => this.#to(wire, (l, o) => l.message(o, destination, command)),
    raiseSignal: (wire, value) => this.#to(wire, (l, o) => l.signal(o, value)),
    readConfiguration: (address, width) => {
      const found = this.#functionAt(address);
      return found === undefined ? 0xffff_ffff : found.read(address - found.base, width);
    },
    writeConfiguration: (address, width, value) => {
      const found = this.#functionAt(address);
      found?.write(address - found.base, width, value);
    },
    ticks: () => (this.#binding.now() * this.ticksPerSecond) / 1_000_000_000n,
    ticksPerSecond: () => this.ticksPerSecond,
    coversMemory: (gpa) => gpa % 4096n === 0n && gpa + 4096n <= this.memoryBytes,
    placePage: (wire, gpa) => {
      this.page(wire).gpa = gpa;
    },
    removePage: (wire) => {
      this.page(wire).gpa = undefined;
    },
    writePage: (wire, offset, value) => this.page(wire).bytes.setBigUint64(offset, value, true),
    sharedPosition: () => 0,
    placeShared: (wire, gpa) => void this.shared.set(wire, gpa),
    removeShared: (wire) => void this.shared.delete(wire),
    showFlash: (_wire, there) => {
      this.flashShown = there;
    },
    flashByte: (_wire, offset) => this.flash[offset] ?? 0xff,
    programFlash: (_wire, offset, value) => {
      this.flash[offset] = value;
    },
    eraseFlash: (_wire, offset, bytes) => void this.flash.fill(0xff, offset, offset + bytes),
    ringPeer: (_wire, peer, bell) => {
      const known = bell < (this.peers[peer] ?? 0);
      if (known) this.rung.push({ peer, bell });
      return known;
    },
    hypercallInstruction: () => 0xc3d9_010f,
    report: (wire, code, a, b) => this.#to(wire, (l, o) => l.report(o, code, a, b)),
    ...this.memory.board,
    ...this.port.board,
    volumeSectors: (wire) => BigInt(this.volume(wire).bytes.length / 512),
    openRequest: (wire, slot) => this.volume(wire).open(slot),
    addToRequest: (wire, slot, gpa, bytes, writing) => this.volume(wire).add(slot, gpa, bytes, writing),
    submitRequest: (wire, slot, operation, sector, sectors) =>
      this.volume(wire).submit(slot, operation, sector, sectors),
    ...this.channels.board,
    random: () => ({ ok: this.random !== undefined, value: this.random ?? 0n }),
    unimplemented: (wire, ordinal) => this.#to(wire, (l, o) => l.unimplemented(o, ordinal)),
  };
}
