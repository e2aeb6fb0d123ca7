/**
 * A program around one device that takes actions as numbers and does them: what fuzzing and the tests of Node against
 * native run on both sides. A board of static storage keeps the time, the timers, and a record of what the device does
 * to its surroundings.
 */
import { provide } from "../core/binding.ts";
import { i32, i64, u16, u32, u64, u8 } from "../core/int.ts";
import { addressOf, fillBytes, load16, load32, load64, load8, store64, trap } from "../core/intrinsics.ts";
import { array, bool, struct, type AnyFunction } from "../core/layout.ts";
import type { EntryPoint, Program } from "../core/program.ts";
import { storage } from "../core/storage.ts";
import { board, type GuestValue } from "../device/board.ts";
import type { Device } from "../device/device.ts";
import { requestsPerVolume } from "../device/volume.ts";
import { programPort } from "./program-port.ts";
import { programChannel } from "./program-channel.ts";
import { programFlash } from "./program-flash.ts";
import { programMemory, ramGpa, testSectors } from "./program-memory.ts";
import { actionMaker, reachOf, type CallScalar, type CallSignature, type Reach } from "./reach.ts";

/** Bytes of an action in a fuzzer's input: kind, bytes, target (u16), offset (u32), value (u64), little-endian. */
export const recordBytes = 16;
/** Actions of one input at most. */
export const mostActions = 256;
/** Turns of loops that the answer to one access, one byte or one expired timer takes at most. */
export const mostTurns = 65_536;
/** Timers that one advance of time lets expire, before it ends early. */
const mostExpirations = 64;
/** Times that timers may expire while no time passes. */
const mostAtOnce = 1024;

/** Bytes of memory that the guest has, from 0 on: as on `FakeBoard`. */
const guestMemoryBytes = 0x1000_0000n;
/** Configuration space of a PCI function; each device of a harness stands alone in its slot (PCI Express 5.0 §7.2.2). */
const functionBytes = 4096;

/** How many words of events the board keeps of one action. */
const logLength = 1024;
/** Kinds of events, in bits [63:60] of an event's first word; wire in [55:40], a second value in [39:0]. */
export const eventKinds = Object.freeze([
  "arm",
  "cancel",
  "line",
  "byte",
  "ready",
  "message",
  "signal",
  "unimplemented",
  "place page",
  "remove page",
  "write page",
  "report",
  "refuse",
  "frame",
  "volume",
  "shared memory",
] as const);

/** The storage that linkers and tests know by name. */
export const stateSymbol = "harness.state";
export const memorySymbol = "harness.memory";
/** Holds how many turns of loops are left; the compiler's instrumentation counts it down. */
export const meterSymbol = "harness.meter";
const Meter = struct("Meter", { left: u32 });

/** A device's harness. */
export interface Harness {
  readonly program: Program;
  /** The device's state. */
  readonly state: object;
  /** The guest's memory, where the device uses it. */
  readonly memory: object | undefined;
  readonly reach: Reach;
}

type Convert = (raw: u64) => u64;
const converters: Readonly<Record<CallScalar, Convert>> = Object.freeze({
  u8: (raw: u64): u8 => u8(raw),
  u16: (raw: u64): u16 => u16(raw),
  u32: (raw: u64): u32 => u32(raw),
  i32: (raw: u64): i32 => i32(raw),
  u64: (raw: u64): u64 => raw,
  i64: (raw: u64): i64 => i64(raw),
  bool: (raw: u64): boolean => (raw & 1n) !== 0n,
} as unknown as Record<CallScalar, Convert>);

type Call<R> = (state: object, offset: u32, value: u64) => R;
type Entry = (state: object, ...args: u64[]) => unknown;

/** A device's own entry point with an action's numbers as arguments: the offset, the value, its high half. */
function spread(entry: Entry, params: readonly CallScalar[]): Call<unknown> {
  const [a, b, c] = params.map((type) => converters[type]) as [Convert, Convert, Convert];
  switch (params.length) {
    case 0:
      return (state: object, _offset: u32, _value: u64) => entry(state);
    case 1:
      return (state: object, _offset: u32, value: u64) => entry(state, a(value));
    case 2:
      return (state: object, offset: u32, value: u64) => entry(state, a(BigInt(offset)), b(value));
    default:
      return (state: object, offset: u32, value: u64) =>
        entry(state, a(BigInt(offset)), b(value), c(u64(value >> 32n)));
  }
}

/** The same, with its result as 64 bits; what is no scalar is left to the comparison of the states. */
function caller(entry: Entry, { params, result }: CallSignature): Call<u64> {
  const call = spread(entry, params);
  if (result === undefined) {
    return (state: object, offset: u32, value: u64): u64 => {
      call(state, offset, value);
      return 0n;
    };
  }
  if (result === "bool") {
    const holds = call as Call<boolean>;
    return (state: object, offset: u32, value: u64): u64 => (holds(state, offset, value) ? 1n : 0n);
  }
  if (result === "u64" || result === "i64") {
    const wide = call as Call<u64>;
    return (state: object, offset: u32, value: u64): u64 => u64(wide(state, offset, value));
  }
  const narrow = call as Call<u32>;
  return (state: object, offset: u32, value: u64): u64 => u64(BigInt(narrow(state, offset, value)));
}

/** Makes a device's harness. It declares storage and provides the board: one at a time in a realm. */
export function harnessOf<U>(device: Device<U>, calls: readonly CallSignature[] = []): Harness {
  const reach = reachOf(device as never, calls);
  const wireCount = Math.max(
    1,
    device.wires.reduce((n, w) => n + w.count, 0),
  );
  const Board = struct("Board", {
    now: u64,
    count: u32,
    /** A timer was armed through a wire that no timer has: the device's state is not what it was. */
    stray: bool,
    deadlines: array(u64, wireCount),
    armed: array(bool, wireCount),
    events: array(u64, logLength),
  });
  const state = storage(stateSymbol, device.state);
  const memory = programMemory(memorySymbol);
  const meter = storage(meterSymbol, Meter);
  const own = storage("harness.board", Board);
  const note = (kind: u64, wire: u16, a: u64, b: u64): void => {
    const at = own.count;
    if (at + 2 > logLength) return;
    own.events[at & (logLength - 1)] = u64((kind << 60n) | (BigInt(wire) << 40n) | (b & 0xff_ffff_ffffn));
    own.events[(at + 1) & (logLength - 1)] = a;
    own.count = u32(at + 2);
  };
  const hasPorts = device.wires.some((w) => w.kind === "port");
  const ports = programPort(
    "harness.ports",
    memory.board,
    (): u64 => own.now,
    (wire: u16, length: u16): void => note(13n, wire, BigInt(length), 0n),
  );
  const hasChannels = device.wires.some((w) => w.kind === "channel");
  const channel = programChannel("harness.channel", (wire: u16, address: u32, length: u32): void =>
    note(5n, wire, BigInt(length), BigInt(address)),
  );
  const functions = Object.freeze(
    Object.values(device.windows)
      .filter((w) => w.space === "configuration")
      .map(({ sizeBytes, read, write }, i) =>
        Object.freeze({ base: i * functionBytes * 8, sizeBytes, read, write }),
      ),
  );
  provide(board, {
    now: (): u64 => own.now,
    epoch: (): u64 => 0n,
    armTimer: (wire: u16, deadlineNs: u64): void => {
      note(0n, wire, deadlineNs, 0n);
      const at = u32(wire - 1);
      if (at < wireCount) {
        own.deadlines[at] = deadlineNs;
        own.armed[at] = true;
      } else own.stray = true;
    },
    cancelTimer: (wire: u16): void => {
      note(1n, wire, 0n, 0n);
      const at = u32(wire - 1);
      if (at < wireCount) own.armed[at] = false;
      else own.stray = true;
    },
    setLine: (wire: u16, level: boolean): void => note(2n, wire, level ? 1n : 0n, 0n),
    putByte: (wire: u16, byte: u8): void => note(3n, wire, BigInt(byte), 0n),
    sourceReady: (wire: u16): void => note(4n, wire, 0n, 0n),
    sendMessage: (wire: u16, destination: u32, command: u32): void =>
      note(5n, wire, BigInt(destination), BigInt(command)),
    raiseSignal: (wire: u16, value: u32): void => note(6n, wire, BigInt(value), 0n),
    volumeSectors: (_wire: u16): u64 => testSectors,
    openRequest: (_wire: u16, slot: u8): boolean => slot < requestsPerVolume,
    addToRequest: (wire: u16, slot: u8, gpa: u64, bytes: u32, writing: boolean): boolean => {
      note(14n, wire, gpa, (BigInt(bytes) << 8n) | BigInt(slot) | (writing ? 0x40n : 0n));
      return memory.isThere(gpa, bytes, writing);
    },
    submitRequest: (wire: u16, slot: u8, operation: u8, sector: u64, sectors: u32): void =>
      note(14n, wire, sector, (BigInt(sectors) << 8n) | BigInt((operation << 3) | slot) | 0x80n),
    unimplemented: (wire: u16, ordinal: u8): void => note(7n, wire, BigInt(ordinal), 0n),
    // The functions of the device itself are the only ones on the buses.
    readConfiguration: (address: u32, width: u8): u32 => {
      for (const f of functions) {
        const offset = u32(address - f.base);
        if (offset < f.sizeBytes) return f.read(state, offset, width);
      }
      return 0xffff_ffff;
    },
    writeConfiguration: (address: u32, width: u8, value: u32): void => {
      for (const f of functions) {
        const offset = u32(address - f.base);
        if (offset < f.sizeBytes) f.write(state, offset, width, value);
      }
    },
    ...memory.board,
    ...ports.board,
    ...channel.board,
    ...programFlash(memory.bytes, (wire: u16, a: u64, b: u64): void => note(8n, wire, a, b)),
    // What it gives depends on what was recorded, so that it is the same on both sides, and now and then there is none.
    random: (): GuestValue => ({ ok: (own.count & 14) !== 14, value: u64(own.now * 6364136223846793005n) }),
    ticks: (): u64 => own.now,
    ticksPerSecond: (): u64 => 1_000_000_000n,
    coversMemory: (gpa: u64): boolean => (gpa & 0xfffn) === 0n && gpa < guestMemoryBytes,
    placePage: (wire: u16, gpa: u64): void => note(8n, wire, gpa, 0n),
    removePage: (wire: u16): void => note(9n, wire, 0n, 0n),
    writePage: (wire: u16, offset: u16, value: u64): void => note(10n, wire, value, BigInt(offset)),
    sharedPosition: (wire: u16): u16 => wire & 3,
    placeShared: (wire: u16, gpa: u64): void => note(15n, wire, gpa, 1n),
    removeShared: (wire: u16): void => note(15n, wire, 0n, 0n),
    ringPeer: (wire: u16, peer: u16, bell: u16): boolean => {
      note(15n, wire, BigInt(peer), (BigInt(bell) << 8n) | 2n);
      return peer < 2 && bell < 4;
    },
    hypercallInstruction: (): u32 => 0xc3d9_010f,
    report: (wire: u16, code: u32, a: u64, b: u64): void => {
      note(11n, wire, a, BigInt(code));
      note(11n, wire, b, BigInt(code));
    },
  });

  const { initialise, reset, resume, expire, input, room, receive } = device;
  const windows = Object.freeze(
    Object.values(device.windows).map((w, number) => {
      const { read, write, read64, write64, msr } = w as (typeof device.windows)[string];
      return Object.freeze({ number, read, write, read64, write64, msr, wide: w.space === "mmio" });
    }),
  );
  const entryPoints = device.calls as unknown as Readonly<Record<string, Entry>>;
  const ownCalls = Object.freeze(
    reach.calls.map((signature, number) =>
      Object.freeze({ number, call: caller(entryPoints[signature.name]!, signature) }),
    ),
  );
  const slotWindows = Object.freeze([...reach.slots.map((s) => s.window), 0]);
  const slotOffsets = Object.freeze([...reach.slots.map((s) => s.offset), 0]);
  const sources = Object.freeze([...reach.sources, 0]);
  const lastSlot = slotOffsets.length - 1;
  const lastSource = sources.length - 1;
  const hasSources = lastSource > 0;

  const read = (window: u16, offset: u32, bytes: u8): u64 => {
    for (const w of windows) {
      if (window === w.number) {
        if (w.msr !== undefined) {
          const { ok, value } = w.msr.read(state, offset);
          if (!ok) note(12n, 0, 0n, 0n);
          return value;
        }
        if (w.wide && bytes === 8) return w.read64(state, offset);
        return u64(BigInt(w.read(state, offset, bytes)));
      }
    }
    return 0n;
  };
  const write = (window: u16, offset: u32, bytes: u8, value: u64): void => {
    for (const w of windows) {
      if (window === w.number) {
        if (w.msr !== undefined) {
          if (!w.msr.write(state, offset, value)) note(12n, 0, 0n, 0n);
        } else if (w.wide && bytes === 8) w.write64(state, offset, value);
        else w.write(state, offset, bytes, u32(value));
        return;
      }
    }
  };
  const advance = (ns: u64): void => {
    const end = u64(own.now + ns);
    let still = 0;
    for (let expired = 0; expired < 1_000_000; expired++) {
      let first: u32 = wireCount;
      let deadline: u64 = end;
      for (let i = 0; i < wireCount; i++) {
        const at = own.deadlines[i]!;
        if (own.armed[i] && (at < deadline || (first === wireCount && at === deadline))) {
          first = i;
          deadline = at;
        }
      }
      if (first >= wireCount) break;
      if (deadline > own.now) {
        if (expired >= mostExpirations) return;
        own.now = deadline;
        still = 0;
      }
      still = u32(still + 1);
      if (still > mostAtOnce) trap(`timers expire again and again while no time passes`);
      own.armed[first] = false;
      meter.left = mostTurns;
      expire(state, u16(first));
    }
    own.now = end;
  };
  const hypercalls = Object.freeze(device.hypercalls.map((h, number) => Object.freeze({ ...h, number })));
  // A word of an input, as the platform copies it out of the guest's registers or memory.
  const give = (
    h: { readonly inputBytes: number; readonly inputAt: number },
    word: u32,
    value: u64,
  ): void => {
    if (word * 8 < h.inputBytes)
      store64(u64(addressOf(state as object) + BigInt(h.inputAt) + BigInt(word) * 8n), value);
  };
  const usesMemory = reach.memory;
  const perform = (kind: u8, bytes: u8, target: u16, offset: u32, value: u64): u64 => {
    own.count = 0;
    meter.left = mostTurns;
    switch (kind) {
      case 0: {
        const slot = Math.min(target, lastSlot);
        return read(slotWindows[slot]!, slotOffsets[slot]!, bytes);
      }
      case 1: {
        const slot = Math.min(target, lastSlot);
        write(slotWindows[slot]!, slotOffsets[slot]!, bytes, value);
        return 0n;
      }
      case 2:
        return read(target, offset, bytes);
      case 3:
        write(target, offset, bytes, value);
        return 0n;
      case 4:
        advance(value);
        return own.now;
      case 5:
        input(state, target, (value & 1n) !== 0n);
        return 0n;
      case 6: {
        if (!hasSources) return 0n;
        const ordinal = sources[Math.min(target, lastSource)]!;
        const free = room(state, ordinal);
        if (free > 0) receive(state, ordinal, u8(value));
        return BigInt(free);
      }
      case 7:
        reset(state);
        return 0n;
      case 8:
        for (const c of ownCalls) if (target === c.number) return c.call(state as object, offset, value);
        return 0n;
      case 9:
        for (const h of hypercalls) if (target === h.number) give(h, offset, value);
        return 0n;
      case 10:
        for (const h of hypercalls) {
          if (target === h.number) {
            give(h, 0, value);
            fillBytes(u64(addressOf(state as object) + BigInt(h.outputAt)), 0, BigInt(h.outputBytes));
            return u64(BigInt(h.run(state)));
          }
        }
        return 0n;
      case 11:
        if (usesMemory) memory.set(u64(ramGpa + BigInt(offset)), bytes, value);
        return 0n;
      case 12:
        resume(state, 1);
        return 0n;
      default:
        return 0n;
    }
  };

  const act = (kind: u8, bytes: u8, target: u16, offset: u32, value: u64): u64 => {
    const result = perform(kind, bytes, target, offset, value);
    if (own.stray) trap("a timer was armed through the wire of no timer");
    return result;
  };

  const stateBytes = device.state.size;
  const start = (): void => {
    meter.left = mostTurns;
    fillBytes(addressOf(state as object), 0, BigInt(stateBytes));
    if (usesMemory) memory.clear();
    if (hasPorts) ports.clear();
    if (hasChannels) channel.clear();
    for (let i = 0; i < wireCount; i++) own.armed[i] = false;
    own.now = 0n;
    own.count = 0;
    own.stray = false;
    initialise(state, 1);
  };
  const actionOf = actionMaker(reach);
  const fuzz = (data: u64, size: u64): i32 => {
    start();
    const most = BigInt(recordBytes * mostActions);
    const end = size < most ? size : most;
    for (let at: u64 = 0n; at + BigInt(recordBytes) <= end; at = u64(at + BigInt(recordBytes))) {
      const record = u64(data + at);
      const action = actionOf(
        load8(record),
        load8(u64(record + 1n)),
        load16(u64(record + 2n)),
        load32(u64(record + 4n)),
        load64(u64(record + 8n)),
      );
      act(action.kind, action.bytes, action.target, action.offset, action.value);
    }
    return 0;
  };
  const entry = (
    symbol: string,
    fn: AnyFunction,
    params: EntryPoint["params"] = [],
    result?: EntryPoint["result"],
  ): EntryPoint => ({ symbol, fn, params, result });
  return {
    program: {
      name: device.name,
      entries: [
        entry("start", start),
        entry("act", act, [u8, u8, u16, u32, u64], u64),
        entry("eventCount", (): u32 => own.count, [], u32),
        entry("event", (index: u32): u64 => own.events[index & (logLength - 1)]!, [u32], u64),
        entry("now", (): u64 => own.now, [], u64),
        entry(
          "setNow",
          (now: u64): void => {
            own.now = now;
          },
          [u64],
        ),
        entry(
          "setTimer",
          (ordinal: u32, armed: boolean, deadlineNs: u64): void => {
            if (ordinal >= wireCount) return;
            own.armed[ordinal] = armed;
            own.deadlines[ordinal] = deadlineNs;
          },
          [u32, bool, u64],
        ),
        entry("LLVMFuzzerTestOneInput", fuzz, [u64, u64], i32),
      ],
    },
    state: state as object,
    memory: usesMemory ? memory.bytes : undefined,
    reach,
  };
}
