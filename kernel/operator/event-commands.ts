/** The event log: the last events of all CPUs in the order of their time, and those that come. */
import { u32, u64 } from "../../dsl/core/int.ts";
import { text } from "../../dsl/core/intrinsics.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { declaredEvents, type EventRecord } from "../events.ts";
import { machine } from "../machine.ts";
import { convert, Scale, setScale } from "../timebase.ts";
import { field } from "./answer.ts";
import type { OperatorParts } from "./operator.ts";
import { Step, type OperatorCommand, type Terminal } from "./command.ts";

const fields = Object.freeze({
  at: field("atMs", "", " ms"),
  cpu: field("cpu", "CPU "),
  event: field("event"),
  guest: field("guest"),
});
/** Events that are shown where no number is given. */
const usual = 20;

/** Builds the commands. */
export function eventCommands(
  { model, rings }: OperatorParts,
  { answer, channel, channels }: Terminal,
): readonly OperatorCommand[] {
  const { cpuCapacity, recordsPerCpu } = rings;
  const guests = Object.freeze(
    model.guests.map(({ index, name }) => Object.freeze({ index: BigInt(index), name })),
  );
  const kinds = Object.freeze(
    declaredEvents().map(({ number, name, values }) =>
      Object.freeze({
        ...{ number, name, ofGuest: values[0] === "domain" },
        values: Object.freeze(
          values.flatMap((value, at) =>
            value === undefined || value === "domain"
              ? []
              : [Object.freeze({ at, field: field(value, `${value} `) })],
          ),
        ),
      }),
    ),
  );
  /** By channel: the sequence numbers of the next event to show, by CPU. */
  const logs = storage("eventLogs", array(struct("EventLog", { next: array(u64, cpuCapacity) }), channels));
  const toMs = storage("eventTime", Scale);
  const valueOf = (record: EventRecord, at: number): u64 =>
    at === 0 ? record.a : at === 1 ? record.b : at === 2 ? record.c : record.d;
  const show = (record: EventRecord): void => {
    answer.open();
    answer.decimal(fields.at, convert(toMs, record.ticks));
    if (cpuCapacity > 1) answer.decimal(fields.cpu, BigInt(record.cpu));
    for (const k of kinds) {
      if (record.kind === k.number) {
        answer.text(fields.event, text(k.name));
        if (k.ofGuest)
          for (const g of guests) if (record.a === g.index) answer.text(fields.guest, text(g.name));
        for (const v of k.values) answer.hex(v.field, valueOf(record, v.at));
      }
    }
    answer.close();
  };
  /** The CPU whose next event is the oldest that is not shown; `cpuCapacity` where there is none. */
  const oldest = (): u32 => {
    const { next } = logs[channel()];
    let found: u32 = cpuCapacity;
    let ticks: u64 = 0n;
    for (let i = 0; i < cpuCapacity; i++) {
      const cpu = u32(i);
      const record = next[cpu] === rings.next(cpu) ? null : rings.read(cpu, next[cpu]);
      if (record !== null) {
        if (found === cpuCapacity || record.ticks < ticks) {
          found = cpu;
          ticks = record.ticks;
        }
      }
    }
    return found;
  };
  /** Shows, or passes over, what is next; false where nothing is. */
  const step = (shows: boolean): boolean => {
    const cpu = oldest();
    if (cpu >= cpuCapacity) return false;
    const { next } = logs[channel()];
    const record = rings.read(cpu, next[cpu]);
    if (record !== null && shows) show(record);
    next[cpu] = u64(next[cpu] + 1n);
    return true;
  };
  const rewind = (): u32 => {
    setScale(toMs, machine.ticksPerSecond(), 1000n);
    let count: u32 = 0;
    for (let i = 0; i < cpuCapacity; i++) {
      const next = rings.next(u32(i));
      // The oldest may be overwritten meanwhile.
      const kept = BigInt(recordsPerCpu - 1);
      const first = next > kept ? u64(next - kept) : 0n;
      logs[channel()].next[i] = first;
      count = u32(count + u32(u64(next - first)));
    }
    return count;
  };
  return Object.freeze([
    {
      name: "events",
      about: `shows the last ${usual} events, or as many as the number says`,
      permit: "observe",
      argument: "number",
      step: (_guest: u32, number: u32, at: u32): u32 => {
        const wanted = Math.min(number === 0 ? usual : number, recordsPerCpu);
        if (at === 0) {
          const there = rewind();
          const passed = Math.max(there - wanted, 0);
          for (let i = 0; i < passed; i++) step(false);
        }
        return step(true) && at + 1 < wanted ? Step.more : Step.done;
      },
    },
    {
      name: "follow",
      about: "shows events as they come, until a key is pressed",
      permit: "observe",
      argument: null,
      endless: true,
      step: (_guest: u32, _number: u32, at: u32): u32 => {
        if (at === 0) {
          const there = rewind();
          for (let i = 0; i < there; i++) step(false);
          return Step.more;
        }
        return step(true) ? Step.more : Step.later;
      },
    },
  ]);
}
