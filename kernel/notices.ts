/** Notices: the sentences that tell the operator what became of a guest, and why; a view of the event rings. */
import { text, type Text } from "../dsl/core/intrinsics.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { array } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { putBytes, putDecimal, putHex, putText } from "./console.ts";
import type { PlacedInstance } from "./board.ts";
import { StopReason } from "./domain.ts";
import { CpuAbsence } from "./boot.ts";
import {
  cpuAbsent,
  cpusRun,
  deviceUnimplemented,
  guestAsked,
  guestDumped,
  guestEnded,
  guestGivenUp,
  guestPaused,
  guestReported,
  guestRestarted,
  guestRestored,
  guestResumed,
  guestSaved,
  guestStarted,
  guestStopped,
  guestUnloadable,
  guestUnrestored,
  guestUnsaved,
  guestWaits,
  wireQueueFull,
  type EventRecord,
  type EventRings,
} from "./events.ts";
import { machine } from "./machine.ts";
import { SaveProblem } from "./save-format.ts";

/** What a reason's notice says beside its sentence: its detail, and where the guest was. */
const beside = Object.freeze({ nothing: 0, rip: 1, detail: 3 });

/** The sentences of the reasons. */
export const stopSentences = Object.freeze([
  { reason: StopReason.powerOff, text: "it powered itself off", more: beside.nothing },
  { reason: StopReason.reboot, text: "it asked for a restart", more: beside.nothing },
  { reason: StopReason.tripleFault, text: "triple fault", more: beside.rip },
  { reason: StopReason.invalidState, text: "the processor refused its state", more: beside.detail },
  {
    reason: StopReason.memoryAccess,
    text: "an access to physical memory that cannot be performed",
    more: beside.detail,
  },
  {
    reason: StopReason.emulation,
    text: "an instruction that is not performed on device memory",
    more: beside.detail,
  },
  { reason: StopReason.unexpectedExit, text: "an unexpected exit", more: beside.detail },
  { reason: StopReason.haltedForever, text: "halted with interrupts off", more: beside.rip },
  { reason: StopReason.taskSwitch, text: "a hardware task switch", more: beside.detail },
]);
/** Those of the operator's. */
const operatorSentences = Object.freeze([
  { reason: StopReason.operator, text: "the operator stopped it", more: beside.nothing },
  {
    reason: StopReason.deadline,
    text: "it did not obey its power button in time",
    more: beside.nothing,
  },
]);
/** Texts that a number chooses: all in one, and by number where each begins and how long it is. */
function textTable(texts: readonly (string | undefined)[]): {
  readonly count: number;
  readonly put: (index: u32) => void;
} {
  const all = texts.join("");
  const lengths = Object.freeze(texts.map((t) => t?.length ?? 0));
  const starts = Object.freeze(texts.map((_, i) => texts.slice(0, i).join("").length));
  const count = texts.length;
  return Object.freeze({
    count,
    put(index: u32): void {
      if (index < count) putBytes(u64(text(all).address + BigInt(starts[index])), lengths[index]);
    },
  });
}
/** What rows say of each number from 0 on that they name. */
function byNumber<R, V>(
  rows: readonly R[],
  number: (row: R) => number,
  value: (row: R) => V,
): (V | undefined)[] {
  const last = Math.max(...rows.map(number));
  return Array.from({ length: last + 1 }, (_, n) => rows.filter((row) => number(row) === n).map(value)[0]);
}
/** The sentences of what keeps a guest from being saved or restored. */
const saveProblems = textTable(
  byNumber(
    [
      { problem: SaveProblem.noMedium, text: "the partition for saves is not there" },
      { problem: SaveProblem.mediumTooSmall, text: "the partition for saves is too small" },
      { problem: SaveProblem.mediumFailed, text: "the disk reports an error" },
      { problem: SaveProblem.nothingSaved, text: "nothing is saved" },
      { problem: SaveProblem.damaged, text: "what was saved is damaged" },
      { problem: SaveProblem.otherVersion, text: "another version of Typevisor saved it" },
      { problem: SaveProblem.otherGuest, text: "another guest was saved in its place" },
      { problem: SaveProblem.otherLayout, text: "this image keeps other state than the one that saved it" },
      { problem: SaveProblem.otherProcessor, text: "this machine's processor is another" },
      { problem: SaveProblem.otherRate, text: "this machine's counter runs at another rate" },
      { problem: SaveProblem.notRunning, text: "it does not run" },
      { problem: SaveProblem.running, text: "it runs" },
    ],
    (s) => s.problem,
    (s) => s.text,
  ),
);

/** The sentences of why a CPU does not run. */
const absences = textTable(
  byNumber(
    [
      { reason: CpuAbsence.silent, text: "it does not answer" },
      { reason: CpuAbsence.different, text: "it has other features than the first one" },
      { reason: CpuAbsence.clock, text: "its counter cannot be brought in step" },
      { reason: CpuAbsence.unreachable, text: "its id is too large for the interrupt controllers" },
      { reason: CpuAbsence.noStartPage, text: "the firmware has no memory below 1 MiB to start it from" },
    ],
    (s) => s.reason,
    (s) => s.text,
  ),
);

/** Opens a notice. */
export function putPrefix(): void {
  putText(text("typevisor: "));
}

/** "typevisor: guest linux is stopped; r starts it again, p turns the machine off" */
export function noticeIdle(name: Text): void {
  putPrefix();
  putText(text("guest "));
  putText(name);
  putText(text(" is stopped; r starts it again, p turns the machine off\n"));
}

/** "typevisor: " and a sentence. */
export function notice(sentence: Text): void {
  putPrefix();
  putText(sentence);
  putText(text("\n"));
}

/** What a notice says beside its sentence. */
const part = Object.freeze({
  guest: 1,
  reason: 2,
  memory: 4,
  register: 8,
  report: 16,
  problem: 32,
  seconds: 64,
  cpus: 128,
  absence: 256,
  delay: 1024,
});

/** The events that are told: sentences that go on from "typevisor: " or a guest's name. */
const told = Object.freeze([
  { kind: guestStarted, parts: part.guest | part.memory, sentence: " started, " },
  { kind: guestRestarted, parts: part.guest | part.reason, sentence: " restarts: " },
  { kind: guestEnded, parts: part.guest | part.reason, sentence: " ended: " },
  { kind: guestStopped, parts: part.guest | part.reason, sentence: " stopped: " },
  { kind: guestUnloadable, parts: part.guest, sentence: " cannot be loaded" },
  { kind: deviceUnimplemented, parts: part.register, sentence: "a guest uses what is not there: " },
  { kind: guestReported, parts: part.guest | part.report, sentence: " reports " },
  { kind: guestWaits, parts: part.guest | part.delay, sentence: " starts again in " },
  { kind: guestGivenUp, parts: part.guest, sentence: " ended too often, and stays stopped" },
  { kind: guestDumped, parts: part.guest, sentence: " left its registers: inspect shows them" },
  { kind: guestPaused, parts: part.guest, sentence: " is paused" },
  { kind: guestResumed, parts: part.guest, sentence: " goes on" },
  { kind: guestAsked, parts: part.guest, sentence: " is asked to turn itself off" },
  { kind: guestSaved, parts: part.guest | part.memory, sentence: " is saved, " },
  { kind: guestRestored, parts: part.guest | part.seconds, sentence: " goes on where it was saved, after " },
  { kind: guestUnsaved, parts: part.guest | part.problem, sentence: " is not saved: " },
  { kind: guestUnrestored, parts: part.guest | part.problem, sentence: " is not restored: " },
  { kind: cpusRun, parts: part.cpus, sentence: ", counters agree within " },
  { kind: cpuAbsent, parts: part.absence, sentence: "a CPU is left out: " },
  { kind: wireQueueFull, parts: 0, sentence: "a change of a device's line was lost" },
]);
const kindOf = (row: (typeof told)[number]): number => row.kind.number;
const untold = 0xff;
const ofCpus = [cpusRun, cpuAbsent];
const ofSaves = [guestSaved, guestRestored, guestUnsaved, guestUnrestored];
const ofOperator = [guestPaused, guestResumed, guestAsked, guestDumped];
const ofPolicies = [guestWaits, guestGivenUp];

/** What tells the operator of events. */
export interface Notices {
  /** Whether this CPU has recorded something since the last time. */
  waits(): boolean;
  /** Tells what this CPU has recorded since the last time, in order. */
  show(): void;
  /** Whether an event is one that is told. */
  isTold(record: EventRecord): boolean;
  /** Tells one event that is told. */
  tell(record: EventRecord): void;
}

/**
 * Builds the view over the rings, for guests in the order of their indices and their devices; `saves`: they can be saved,
 * `operated`: there is an operator, `delays`: some are restarted by a policy.
 */
export function notices(
  rings: EventRings,
  guests: readonly { readonly name: string }[],
  instances: readonly PlacedInstance[],
  saves: boolean,
  operated: boolean,
  delays: boolean,
): Notices {
  const { cpuCapacity, recordsPerCpu } = rings;
  const capacity = BigInt(recordsPerCpu);
  const lastCpu = cpuCapacity - 1;
  /** By CPU: the sequence number from which on nothing has been told. */
  const seen = storage("noticesSeen", array(u64, cpuCapacity));
  const mayReport = instances.some(({ instance }) => instance.wires.some(({ kind }) => kind === "report"));
  const possible = told.filter(
    ({ kind }) =>
      (mayReport || kind !== guestReported) &&
      (saves || !ofSaves.includes(kind)) &&
      (operated || !ofOperator.includes(kind)) &&
      (delays || !ofPolicies.includes(kind)) &&
      (cpuCapacity > 1 || !ofCpus.includes(kind)),
  );
  const possibleReasons = operated ? [...stopSentences, ...operatorSentences] : stopSentences;
  const reasons = textTable(
    byNumber(
      possibleReasons,
      (s) => s.reason,
      (s) => s.text,
    ),
  );
  const besides = Object.freeze(
    byNumber(
      possibleReasons,
      (s) => s.reason,
      (s) => s.more,
    ).map((more) => more ?? beside.nothing),
  );
  const eventSentences = textTable(byNumber(possible, kindOf, (row) => row.sentence));
  const eventParts = Object.freeze(
    byNumber(possible, kindOf, (row) => row.parts).map((parts) => parts ?? untold),
  );
  const names = textTable(guests.map(({ name }) => name));
  const registers = Object.freeze(
    instances.flatMap(({ instance, guest, firstWire }) =>
      instance.wires.flatMap((wire) => {
        const names =
          wire.kind === "misuse"
            ? [wire.name]
            : wire.kind === "unimplemented"
              ? instance.device.model.reported
              : [];
        return names.map((name, ordinal) =>
          Object.freeze({
            wire: BigInt(firstWire + wire.ordinal),
            ordinal: BigInt(ordinal),
            name: `${name} of ${instance.name} (${guests[guest]?.name})`,
          }),
        );
      }),
    ),
  );

  const putRegister = (wire: u64, ordinal: u64): void => {
    for (const r of registers) if (wire === r.wire && ordinal === r.ordinal) putText(text(r.name));
  };

  const tellCpus = (parts: u32, record: EventRecord): void => {
    if ((parts & part.cpus) !== 0) {
      putDecimal(record.b);
      putText(text(" ticks"));
      if (record.c > 0n) {
        putText(text("; not used: "));
        putDecimal(record.c);
      }
    }
    if ((parts & part.absence) !== 0) {
      absences.put(u32(record.b));
      putText(text(" (id "));
      putDecimal(record.a);
      putText(text(")"));
    }
  };

  const putReason = (reason: u32, detail: u64, rip: u64): void => {
    reasons.put(reason);
    if (reason >= reasons.count) return;
    const more = besides[reason];
    if (more === beside.detail) {
      putText(text(" ("));
      putHex(detail);
      putText(text(")"));
    }
    if (more !== beside.nothing) {
      putText(text(" at rip "));
      putHex(rip);
    }
  };

  const isTold = (record: EventRecord): boolean => {
    const kind = record.kind;
    return kind < eventSentences.count && eventParts[kind] !== untold;
  };
  const tell = (record: EventRecord): void => {
    const kind = record.kind;
    if (kind >= eventSentences.count) return;
    const parts = eventParts[kind];
    // A guest that ends may have left a line unfinished.
    if ((parts & part.reason) !== 0) putText(text("\n"));
    putPrefix();
    if ((parts & part.guest) !== 0) {
      putText(text("guest "));
      names.put(u32(record.a));
    }
    if (cpuCapacity > 1 && (parts & part.cpus) !== 0) {
      putDecimal(record.a);
      putText(record.a === 1n ? text(" CPU") : text(" CPUs"));
    }
    eventSentences.put(kind);
    if (cpuCapacity > 1) tellCpus(parts, record);
    if ((parts & part.reason) !== 0) putReason(u32(record.b), record.c, record.d);
    if (mayReport && (parts & part.report) !== 0) {
      putHex(record.b);
      putText(text(": "));
      putHex(record.c);
      putText(text(", "));
      putHex(record.d);
    }
    if ((parts & part.memory) !== 0) {
      putDecimal(record.b);
      putText(text(" MiB"));
    }
    if (saves && (parts & part.problem) !== 0) saveProblems.put(u32(record.b));
    if (saves && (parts & part.seconds) !== 0) {
      putDecimal(record.b);
      putText(text(" s"));
    }
    if (delays && (parts & part.delay) !== 0) {
      putDecimal(record.b);
      putText(text(" ms"));
    }
    if ((parts & part.register) !== 0) putRegister(record.a, record.b);
    putText(text("\n"));
  };

  return Object.freeze({
    isTold,
    tell,
    waits(): boolean {
      const cpu = Math.min(machine.cpuIndex(), lastCpu);
      return seen[cpu] !== rings.next(u32(cpu));
    },
    show(): void {
      const cpu = Math.min(machine.cpuIndex(), lastCpu);
      const next = rings.next(u32(cpu));
      let at = seen[cpu];
      if (at === next) return;
      if (u64(next - at) > capacity) {
        notice(text("events were lost"));
        at = u64(next - capacity);
      }
      for (let i = 0; i < recordsPerCpu; i++) {
        if (at === next) break;
        const record = rings.read(u32(cpu), at);
        if (record !== null && isTold(record)) tell(record);
        at = u64(at + 1n);
      }
      seen[cpu] = at;
    },
  });
}
