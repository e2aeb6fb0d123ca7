/**
 * Traces: what guests do to devices and what devices do, as records in a ring of each CPU, in the way of the event rings.
 * Recording never waits; what is written over before it left the machine is counted. The kernel's loop sends
 * what has gathered out through the machine's debug port. An image that declares no trace has none of this.
 */
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf, AtomicU64, fence, load64, unlikely } from "../dsl/core/intrinsics.ts";
import { array, struct } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Board } from "../dsl/device/board.ts";
import type { Device } from "../dsl/device/device.ts";
import type { Instance, InstanceWindow } from "../dsl/device/instance.ts";
import type { TraceHooks } from "../dsl/device/trace.ts";
import {
  formatVersion,
  headerMagic,
  noVcpu,
  recordMark,
  TraceKind,
  whatFields,
  whatOf,
} from "../dsl/trace/format.ts";
import type { PlacedInstance } from "./board.ts";
import { yieldHere } from "./cpu.ts";
import { machine } from "./machine.ts";
import type { Vcpu } from "./vcpu.ts";

const Record = struct("TraceRecord", {
  ticks: u64,
  what: u64,
  value: u64,
  /** The last word of the record; 0 while it is being written. */
  published: AtomicU64,
});

/** What a trace is built from. */
export interface TraceParts {
  readonly cpuCapacity: number;
  /** A power of two. */
  readonly recordsPerCpu: number;
  /** Tells the decoder that it has the right model. */
  readonly digest: bigint;
}

/** The trace of an image. */
export interface Trace {
  /** An instance that tells what is done to it, under its number in the model; its wires begin at `firstWire`. */
  instance(instance: Instance, device: number, firstWire: number): Instance;
  /** A board that tells what the instances given before do to it; they have been placed. */
  board(board: Board, placed: readonly PlacedInstance[]): Board;
  /** Makes the rings ready and sends the header; before the first event. */
  start(): void;
  /** The vCPU that this CPU runs from now on. */
  enter(vcpu: Vcpu): void;
  /** Sends out what has gathered on this CPU where it fills half a ring, and all of all CPUs where `all`; under the kernel's lock. */
  drain(all: boolean): void;
}

/** Where a traced instance's state lies, once it has been placed. */
interface Home {
  state: object;
}

/** In the last word of the record that comes first. */
const firstSequence = (recordMark << 48n) | 1n;
/** Where a wire's ordinal lies behind the number of its device. */
const ordinalShift = whatFields.subject.lsb - whatFields.device.lsb;
const nobody = BigInt(noVcpu) << BigInt(whatFields.vcpu.lsb);

/** Builds the trace. */
export function makeTrace({ cpuCapacity, recordsPerCpu, digest }: TraceParts): Trace {
  const Ring = struct(
    "TraceRing",
    {
      /** The last word of the next record. */
      next: AtomicU64,
      /** That of the first that has not been sent. */
      seen: u64,
      /** CPU and vCPU as they stand in a record. */
      who: u64,
      records: array(Record, recordsPerCpu),
    },
    { align: 64 },
  );
  // A power of two, so that a CPU's index is masked and not compared.
  const ringCount = 2 ** Math.ceil(Math.log2(cpuCapacity));
  const rings = storage("traceRings", array(Ring, ringCount), { align: 64 });
  const cpuMask = ringCount - 1;
  const mask = recordsPerCpu - 1;
  const half = recordsPerCpu / 2;
  const halfMask = BigInt(half - 1);

  const record = (what: u64, value: u64): void => {
    const ring = rings[machine.cpuIndex() & cpuMask];
    const sequence = ring.next.add(1n);
    const entry = ring.records[u32(sequence) & mask];
    entry.published.store(0n);
    fence();
    entry.ticks = machine.now();
    entry.what = u64(what | ring.who);
    entry.value = value;
    entry.published.store(sequence);
    // Half a ring has gathered: the kernel's loop is wanted.
    if (unlikely((sequence & halfMask) === 0n)) yieldHere();
  };

  const [deviceLsb, offsetLsb] = [BigInt(whatFields.device.lsb), BigInt(whatFields.offset.lsb)];
  const indexed = (what: u64, index: u8): u64 => u64(what | (BigInt(index) << BigInt(whatFields.index.lsb)));
  const hooksOf = (device: number, home: Home): TraceHooks => {
    const base = (kind: TraceKind): bigint => whatOf(kind, device, 0);
    const [read, write, change] = [base(TraceKind.read), base(TraceKind.write), base(TraceKind.change)];
    const [hypercall, status] = [base(TraceKind.hypercall), base(TraceKind.status)];
    const [call, result] = [base(TraceKind.call), base(TraceKind.result)];
    // The subject, the part and the width are known when it is compiled, and so is this.
    const place = (subject: u16, part: u8, bytes: u8): u64 =>
      u64(
        (BigInt(subject) << BigInt(whatFields.subject.lsb)) |
          (BigInt(part) << BigInt(whatFields.part.lsb)) |
          (BigInt(bytes >= 8 ? 3 : bytes >> 1) << BigInt(whatFields.width.lsb)),
      );
    return Object.freeze({
      read: (subject: u16, part: u8, index: u8, bytes: u8, value: u64): void =>
        record(indexed(u64(read | place(subject, part, bytes)), index), value),
      write: (subject: u16, part: u8, index: u8, bytes: u8, value: u64): void =>
        record(indexed(u64(write | place(subject, part, bytes)), index), value),
      change: (address: u64, value: u64): void =>
        record(u64(change | (u64(address - addressOf(home.state)) << offsetLsb)), value),
      hypercall: (at: u16, value: u64): void => record(u64(hypercall | place(at, 0, 1)), value),
      call: (at: u16, argument: u8, value: u64): void => record(u64(call | place(at, argument, 1)), value),
      result: (at: u16, value: u64): void => record(u64(result | place(at, 0, 1)), value),
      status: (at: u16, value: u64): void => record(u64(status | place(at, 0, 1)), value),
    });
  };

  const homes = new Map<Instance, Home>();

  /** By wire: its device and its ordinal, as they stand in a record's second word; all ones where it is not traced. */
  const wires: number[] = [];
  const untraced = 0xffff_ffff;
  const recordWire = (places: readonly number[], kind: bigint, wire: u16, value: u64): void => {
    const place = places[Math.min(wire, places.length - 1)];
    if (place !== untraced) record(u64(kind | (BigInt(place) << deviceLsb)), value);
  };

  const send = (word: u64): void => {
    for (let i = 0; i < 8; i++) machine.debugPut(u8((word >> BigInt(8 * i)) & 0xffn));
  };
  const sendRecord = (a: u64, b: u64, c: u64, d: u64): void => {
    send(a);
    send(b);
    send(c);
    send(d);
  };
  const lost = u64(whatOf(TraceKind.lost, 0, 0));

  const sendWaiting = (cpu: u32): void => {
    const ring = rings[cpu & cpuMask];
    const next = ring.next.load();
    let at = ring.seen;
    const waiting = u64(next - at);
    if (waiting > BigInt(recordsPerCpu)) {
      const over = u64(waiting - BigInt(recordsPerCpu));
      at = u64(at + over);
      sendRecord(machine.now(), u64(lost | ring.who), over, at);
    }
    for (let i = 0; i < recordsPerCpu; i++) {
      if (at === next) break;
      const entry = ring.records[u32(at) & mask];
      // Its CPU is writing it.
      if (entry.published.load() !== at) break;
      sendRecord(entry.ticks, entry.what, entry.value, at);
      at = u64(at + 1n);
    }
    ring.seen = at;
  };

  return Object.freeze({
    instance(instance: Instance, device: number, firstWire: number): Instance {
      while (wires.length < firstWire) wires.push(untraced);
      instance.wires.forEach((w) => (wires[firstWire + w.ordinal] = device | (w.ordinal << ordinalShift)));
      const home = {} as Home;
      const traced = instance.device.traced(hooksOf(device, home));
      const expired = whatOf(TraceKind.expire, device, 0);
      const received = whatOf(TraceKind.byteIn, device, 0);
      const [restarted, resumed, restored] = [
        whatOf(TraceKind.restart, device, 0),
        whatOf(TraceKind.resume, device, 0),
        whatOf(TraceKind.restored, device, 0),
      ];
      const { expire, receive, restart, resume } = instance.device;
      const stateBytes: u32 = traced.state.size;
      const told: Device = Object.freeze({
        ...instance.device,
        ...traced,
        restart: (self: unknown, firstWire: u16): void => {
          record(restarted, 0n);
          restart(self, firstWire);
        },
        resume: (self: unknown, firstWire: u16): void => {
          record(resumed, 0n);
          for (let at: u32 = 0; at < stateBytes; at += 8) {
            const word = load64(u64(addressOf(self as object) + BigInt(at)));
            if (word !== 0n) record(u64(restored | (BigInt(at) << offsetLsb)), word);
          }
          resume(self, firstWire);
        },
        expire: (self: unknown, ordinal: u16): void => {
          record(u64(expired | (BigInt(ordinal) << BigInt(whatFields.subject.lsb))), 0n);
          expire(self, ordinal);
        },
        receive: (self: unknown, ordinal: u16, byte: u8): void => {
          record(u64(received | (BigInt(ordinal) << BigInt(whatFields.subject.lsb))), BigInt(byte));
          receive(self, ordinal, byte);
        },
      });
      const windows = Object.entries(told.windows);
      const placed = instance.windows.map((old, i): InstanceWindow => {
        const [, window] = windows[i] ?? [];
        return Object.freeze({ ...old, ...window });
      });
      const made = Object.freeze({ ...instance, device: told, windows: Object.freeze(placed) });
      homes.set(made, home);
      return made;
    },
    board(board: Board, placed: readonly PlacedInstance[]): Board {
      for (const { instance, state } of placed) {
        const home = homes.get(instance);
        if (home !== undefined) Object.freeze(Object.assign(home, { state }));
      }
      const places = Object.freeze([...wires, untraced]);
      const kindOf = (kind: TraceKind): bigint => BigInt(kind);
      const [line, byteOut, arm, cancel, message, signal] = [
        kindOf(TraceKind.line),
        kindOf(TraceKind.byteOut),
        kindOf(TraceKind.arm),
        kindOf(TraceKind.cancel),
        kindOf(TraceKind.message),
        kindOf(TraceKind.signal),
      ];
      return Object.freeze({
        ...board,
        armTimer: (wire: u16, deadlineNs: u64): void => {
          recordWire(places, arm, wire, deadlineNs);
          board.armTimer(wire, deadlineNs);
        },
        cancelTimer: (wire: u16): void => {
          recordWire(places, cancel, wire, 0n);
          board.cancelTimer(wire);
        },
        setLine: (wire: u16, level: boolean): void => {
          recordWire(places, line, wire, level ? 1n : 0n);
          board.setLine(wire, level);
        },
        putByte: (wire: u16, byte: u8): void => {
          recordWire(places, byteOut, wire, BigInt(byte));
          board.putByte(wire, byte);
        },
        sendMessage: (wire: u16, destination: u32, command: u32): void => {
          recordWire(places, message, wire, u64((BigInt(destination) << 32n) | BigInt(command)));
          board.sendMessage(wire, destination, command);
        },
        raiseSignal: (wire: u16, value: u32): void => {
          recordWire(places, signal, wire, BigInt(value));
          board.raiseSignal(wire, value);
        },
      });
    },
    start(): void {
      for (let cpu = 0; cpu < ringCount; cpu++) {
        const ring = rings[cpu];
        ring.next.store(firstSequence);
        ring.seen = firstSequence;
        ring.who = u64(nobody | (BigInt(cpu) << BigInt(whatFields.cpu.lsb)));
      }
      sendRecord(headerMagic, machine.ticksPerSecond(), digest, u64((recordMark << 48n) | formatVersion));
    },
    enter(vcpu: Vcpu): void {
      const cpu = machine.cpuIndex() & cpuMask;
      rings[cpu].who = u64(
        u64(BigInt(cpu) << BigInt(whatFields.cpu.lsb)) |
          u64(BigInt(vcpu.index) << BigInt(whatFields.vcpu.lsb)),
      );
    },
    drain(all: boolean): void {
      if (all) for (let cpu = 0; cpu < ringCount; cpu++) sendWaiting(cpu);
      else {
        const cpu = machine.cpuIndex() & cpuMask;
        const ring = rings[cpu];
        if (u64(ring.next.load() - ring.seen) >= BigInt(half)) sendWaiting(cpu);
      }
    },
  });
}
