/**
 * Events: per-CPU rings of typed records with sequence numbers. A record is claimed with one atomic addition and
 * published by its sequence number, so a handler of any interrupt, the non-maskable one included, may write while
 * another is half written; nothing waits. The console, the notices and the traces are views.
 */
import { array, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { AtomicU64, fence } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import { machine } from "./machine.ts";

/** One record: what happened, when, and up to four values that the event's declaration names. */
export const EventRecord = struct("EventRecord", {
  /** Sequence number plus 1; 0 while the record is being written. */
  published: AtomicU64,
  ticks: u64,
  kind: u32,
  cpu: u32,
  a: u64,
  b: u64,
  c: u64,
  d: u64,
});
export type EventRecord = ValueOf<typeof EventRecord>;

/** A declared event: its number and the names of its values. */
export interface EventKindDeclaration {
  readonly number: number;
  readonly name: string;
  readonly values: readonly [string?, string?, string?, string?];
}

const declared: EventKindDeclaration[] = [];

/** Declares an event. Build time. */
export function eventKind(name: string, ...values: readonly string[]): EventKindDeclaration {
  if (values.length > 4)
    throw new RangeError(`event ${name} has ${values.length} values; there is room for four`);
  const made = Object.freeze({
    number: declared.length + 1,
    name,
    values: values as EventKindDeclaration["values"],
  });
  declared.push(made);
  return made;
}

/** Every event declared so far, for the host-side decoder. */
export function declaredEvents(): readonly EventKindDeclaration[] {
  return declared;
}

/** A guest runs for the first time, or because the operator asked. Memory in MiB. */
export const guestStarted = eventKind("guest-started", "domain", "memory");
/** It was stopped and runs again from its start; a reason's detail is explained with `StopReason`. */
export const guestRestarted = eventKind("guest-restarted", "domain", "reason", "detail", "rip");
/** It ended itself. */
export const guestEnded = eventKind("guest-ended", "domain", "reason", "detail", "rip");
/** It was stopped and stays so. */
export const guestStopped = eventKind("guest-stopped", "domain", "reason", "detail", "rip");
/** Its payloads cannot be loaded (again). */
export const guestUnloadable = eventKind("guest-unloadable", "domain", "problem");
/** A guest used what a device declares as unimplemented, for the first time; the ordinal is the model's. */
export const deviceUnimplemented = eventKind("device-unimplemented", "wire", "ordinal");
/** A guest reports through an interface that it was given; what the code and the values mean is the interface's. */
export const guestReported = eventKind("guest-reported", "domain", "code", "a", "b");
/** A change was dropped: more were under way than the board has room for. */
export const wireQueueFull = eventKind("wire-queue-full", "wire");

/** The operator paused it. */
export const guestPaused = eventKind("guest-paused", "domain");
/** It goes on after a pause. */
export const guestResumed = eventKind("guest-resumed", "domain");
/** It starts again after a while: milliseconds. */
export const guestWaits = eventKind("guest-waits", "domain", "milliseconds");
/** It ended too often: how many times in a row. */
export const guestGivenUp = eventKind("guest-given-up", "domain", "ends");
/** The registers of its vCPU were kept, and so many return addresses of its stack. */
export const guestDumped = eventKind("guest-dumped", "domain", "vcpu", "frames", "rip");
/** Its power button was pressed. */
export const guestAsked = eventKind("guest-asked-to-stop", "domain");
/** It was saved, and stays stopped; MiB of its memory that held anything. */
export const guestSaved = eventKind("guest-saved", "domain", "memory");
/** It goes on from where it was saved; how long it was away. */
export const guestRestored = eventKind("guest-restored", "domain", "seconds");
/** It cannot be saved and runs on, or its save cannot be used: a `SaveProblem`. */
export const guestUnsaved = eventKind("guest-unsaved", "domain", "problem");
export const guestUnrestored = eventKind("guest-unrestored", "domain", "problem");

/** The machine's CPUs run: how many, how far their counters may be apart in ticks, how many the image has no room for. */
export const cpusRun = eventKind("cpus-run", "count", "ticks", "unused");
/** A CPU does not run: a `CpuAbsence`. */
export const cpuAbsent = eventKind("cpu-absent", "id", "reason");

/** The rings of an image. */
export interface EventRings {
  readonly cpuCapacity: number;
  readonly recordsPerCpu: number;
  /** Appends a record to this CPU's ring, over the oldest where it is full. */
  record(kind: EventKindDeclaration, a: u64, b: u64, c: u64, d: u64): void;
  /** Sequence number that a CPU's next record will have. */
  next(cpu: u32): u64;
  /** The record with a sequence number, or null where it is gone or not yet there. */
  read(cpu: u32, sequence: u64): EventRecord | null;
}

/** Builds rings of `recordsPerCpu` (a power of two) for `cpuCapacity` CPUs. */
export function eventRings(cpuCapacity: number, recordsPerCpu: number): EventRings {
  const Ring = struct(
    "EventRing",
    { next: AtomicU64, records: array(EventRecord, recordsPerCpu) },
    { align: 64 },
  );
  const rings = storage("eventRings", array(Ring, cpuCapacity), { align: 64 });
  const mask = recordsPerCpu - 1;
  const lastCpu = cpuCapacity - 1;
  return {
    cpuCapacity,
    recordsPerCpu,
    record(kind: EventKindDeclaration, a: u64, b: u64, c: u64, d: u64): void {
      const cpu = Math.min(machine.cpuIndex(), lastCpu);
      const ring = rings[cpu];
      const sequence = ring.next.add(1n);
      const record = ring.records[u32(sequence) & mask];
      record.published.store(0n);
      fence();
      record.ticks = machine.now();
      record.kind = kind.number;
      record.cpu = u32(cpu);
      record.a = a;
      record.b = b;
      record.c = c;
      record.d = d;
      record.published.store(u64(sequence + 1n));
    },
    next(cpu: u32): u64 {
      return rings[Math.min(cpu, lastCpu)].next.load();
    },
    read(cpu: u32, sequence: u64): EventRecord | null {
      const record = rings[Math.min(cpu, lastCpu)].records[u32(sequence) & mask];
      return record.published.load() === u64(sequence + 1n) ? record : null;
    },
  };
}
