/**
 * A program around one device, for tests of Node against native: its entry points drive the device's functions, and a
 * board made of static storage records what the device does to its surroundings.
 */
import { provide } from "../core/binding.ts";
import { u16, u32, u64, u8 } from "../core/int.ts";
import { addressOf, fillBytes, load8, store64 } from "../core/intrinsics.ts";
import { array, bool, struct, type AnyFunction } from "../core/layout.ts";
import type { EntryPoint, Program } from "../core/program.ts";
import { storage } from "../core/storage.ts";
import { board, type GuestValue } from "../device/board.ts";
import type { Device } from "../device/device.ts";
import { requestsPerVolume } from "../device/volume.ts";
import { programPort } from "./program-port.ts";
import { programChannel } from "./program-channel.ts";
import { programFlash } from "./program-flash.ts";
import { programMemory, testSectors } from "./program-memory.ts";

/** How many events the board keeps between two calls of `clear`. */
const logLength = 1024;

const Recorder = struct("Recorder", {
  now: u64,
  random: u64,
  epoch: u64,
  count: u32,
  ok: bool,
  events: array(u64, logLength),
});

/** The kinds of events, in bits [63:60]. */
export const eventKinds = [
  "arm",
  "cancel",
  "line",
  "byte",
  "ready",
  "message",
  "signal",
  "unimplemented",
  "placePage",
  "removePage",
  "writePage",
  "report",
  "frame",
  "volume",
  "shared memory",
] as const;

/** Makes the program; `places` are those of its windows of configuration space. Each call declares storage of its own: one program in a process. */
export function deviceProgram<U, Names extends string>(
  device: Device<U, Names>,
  places: Readonly<Record<string, number>> = {},
): Program {
  const state = storage("state", device.state);
  const recorder = storage("recorder", Recorder);
  const note = (kind: u64, wire: u16, a: u64, b: u64): void => {
    const at = recorder.count;
    if (at + 2 > logLength) return;
    recorder.events[at & (logLength - 1)] = u64(
      (kind << 60n) | (BigInt(wire) << 40n) | (b & 0xff_ffff_ffffn),
    );
    recorder.events[(at + 1) & (logLength - 1)] = a;
    recorder.count = u32(at + 2);
  };
  const memory = programMemory("memory");
  const ports = programPort(
    "ports",
    memory.board,
    (): u64 => recorder.now,
    (wire: u16, length: u16): void => note(12n, wire, BigInt(length), 0n),
  );
  const channel = programChannel("channel", (wire: u16, address: u32, length: u32): void =>
    note(5n, wire, BigInt(length), BigInt(address)),
  );
  const windows = device.windows as Readonly<Record<string, (typeof device.windows)[Names]>>;
  const functions = Object.entries(places).map(([name, base]) => Object.freeze({ ...windows[name]!, base }));
  provide(board, {
    now: (): u64 => recorder.now,
    epoch: (): u64 => recorder.epoch,
    armTimer: (wire: u16, deadlineNs: u64): void => note(0n, wire, deadlineNs, 0n),
    cancelTimer: (wire: u16): void => note(1n, wire, 0n, 0n),
    setLine: (wire: u16, level: boolean): void => note(2n, wire, level ? 1n : 0n, 0n),
    putByte: (wire: u16, byte: u8): void => note(3n, wire, BigInt(byte), 0n),
    sourceReady: (wire: u16): void => note(4n, wire, 0n, 0n),
    sendMessage: (wire: u16, destination: u32, command: u32): void =>
      note(5n, wire, BigInt(destination), BigInt(command)),
    raiseSignal: (wire: u16, value: u32): void => note(6n, wire, BigInt(value), 0n),
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
    random: (): GuestValue => {
      recorder.random = u64(u64(recorder.random * 6364136223846793005n) + 1442695040888963407n);
      return { ok: recorder.random >> 58n !== 0n, value: recorder.random };
    },
    volumeSectors: (_wire: u16): u64 => testSectors,
    openRequest: (_wire: u16, slot: u8): boolean => slot < requestsPerVolume,
    addToRequest: (wire: u16, slot: u8, gpa: u64, bytes: u32, writing: boolean): boolean => {
      note(13n, wire, gpa, (BigInt(bytes) << 8n) | BigInt(slot) | (writing ? 0x40n : 0n));
      return memory.isThere(gpa, bytes, writing);
    },
    submitRequest: (wire: u16, slot: u8, operation: u8, sector: u64, sectors: u32): void =>
      note(13n, wire, sector, (BigInt(sectors) << 8n) | BigInt((operation << 3) | slot) | 0x80n),
    unimplemented: (wire: u16, ordinal: u8): void => note(7n, wire, BigInt(ordinal), 0n),
    ticks: (): u64 => recorder.now,
    ticksPerSecond: (): u64 => 1_000_000_000n,
    coversMemory: (gpa: u64): boolean => (gpa & 0xfffn) === 0n && gpa < 0x1000_0000n,
    placePage: (wire: u16, gpa: u64): void => note(8n, wire, gpa, 0n),
    removePage: (wire: u16): void => note(9n, wire, 0n, 0n),
    writePage: (wire: u16, offset: u16, value: u64): void => note(10n, wire, value, BigInt(offset)),
    sharedPosition: (wire: u16): u16 => wire & 3,
    placeShared: (wire: u16, gpa: u64): void => note(14n, wire, gpa, 1n),
    removeShared: (wire: u16): void => note(14n, wire, 0n, 0n),
    ringPeer: (wire: u16, peer: u16, bell: u16): boolean => {
      note(14n, wire, BigInt(peer), (BigInt(bell) << 8n) | 2n);
      return peer < 2 && bell < 4;
    },
    hypercallInstruction: (): u32 => 0xc3d9_010f,
    report: (wire: u16, code: u32, a: u64, b: u64): void => {
      note(11n, wire, a, BigInt(code));
      note(11n, wire, b, BigInt(code));
    },
  });

  const size = device.state.size;
  const entries: EntryPoint[] = [];
  const entry = (
    symbol: string,
    fn: AnyFunction,
    params: EntryPoint["params"],
    result?: EntryPoint["result"],
  ): void => {
    entries.push({ symbol, fn, params, result });
  };
  const { initialise, reset, expire, input, room, receive } = device;
  entry("initialise", (): void => initialise(state, 1), []);
  entry("reset", (): void => reset(state), []);
  entry("expire", (ordinal: u16): void => expire(state, ordinal), [u16]);
  entry("input", (pin: u16, level: boolean): void => input(state, pin, level), [u16, bool]);
  entry("room", (ordinal: u16): u16 => room(state, ordinal), [u16], u16);
  entry("receive", (ordinal: u16, byte: u8): void => receive(state, ordinal, byte), [u16, u8]);
  entry(
    "setTime",
    (now: u64, epoch: u64): void => {
      recorder.now = now;
      recorder.epoch = epoch;
    },
    [u64, u64],
  );
  entry("eventCount", (): u32 => recorder.count, [], u32);
  entry("event", (index: u32): u64 => recorder.events[index & (logLength - 1)], [u32], u64);
  entry(
    "clear",
    (): void => {
      recorder.count = 0;
    },
    [],
  );
  // Whether the last RDMSR was answered.
  entry("wasTaken", (): boolean => recorder.ok, [], bool);
  // FNV-1a over the state's bytes.
  entry(
    "stateHash",
    (): u32 => {
      const address = addressOf(state as object);
      let hash: u32 = 0x811c9dc5;
      for (let i = 0; i < size; i += 1)
        hash = u32(Math.imul(hash ^ load8(u64(address + BigInt(i))), 0x01000193));
      return hash;
    },
    [],
    u32,
  );
  // Parameters come and go by the word, so that their bytes are those of the guest's.
  for (const { name, inputBytes, inputAt, outputBytes, outputAt, run } of device.hypercalls) {
    entry(`call_${name}`, (): u16 => run(state), [], u16);
    entry(
      `input_${name}`,
      (index: u32, value: u64): void => {
        if (index * 8 < inputBytes)
          store64(u64(addressOf(state as object) + BigInt(inputAt) + BigInt(index) * 8n), value);
      },
      [u32, u64],
    );
    entry(
      `clearOutput_${name}`,
      (): void => fillBytes(u64(addressOf(state as object) + BigInt(outputAt)), 0, BigInt(outputBytes)),
      [],
    );
  }
  entry("setMemory", memory.set, [u64, u8, u64]);
  entry("memoryWord", memory.word, [u64], u32);
  entry("memoryHash", memory.hash, [], u32);
  for (const [name, window] of Object.entries(
    device.windows as Readonly<Record<string, Device["windows"][string]>>,
  )) {
    const { read, write, read64, write64, msr } = window as (typeof device.windows)[Names];
    if (msr !== undefined) {
      entry(
        `rdmsr_${name}`,
        (offset: u32): u64 => {
          const { ok, value } = msr.read(state, offset);
          recorder.ok = ok;
          return value;
        },
        [u32],
        u64,
      );
      entry(
        `wrmsr_${name}`,
        (offset: u32, value: u64): boolean => msr.write(state, offset, value),
        [u32, u64],
        bool,
      );
      continue;
    }
    entry(`read_${name}`, (offset: u32, width: u8): u32 => read(state, offset, width), [u32, u8], u32);
    entry(`write_${name}`, (offset: u32, width: u8, value: u32): void => write(state, offset, width, value), [
      u32,
      u8,
      u32,
    ]);
    entry(`read64_${name}`, (offset: u32): u64 => read64(state, offset), [u32], u64);
    entry(`write64_${name}`, (offset: u32, value: u64): void => write64(state, offset, value), [u32, u64]);
  }
  return { name: device.name, entries };
}
