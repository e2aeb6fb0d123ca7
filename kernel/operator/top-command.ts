/** What the guests do with the machine: CPU time, exits by their kinds, memory, and how many events there were. */
import { u32, u64 } from "../../dsl/core/int.ts";
import { text } from "../../dsl/core/intrinsics.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { machine } from "../machine.ts";
import { convert, Scale, setScale } from "../timebase.ts";
import { virtualization } from "../virtualization.ts";
import { field } from "./answer.ts";
import { vcpuStateNames } from "./names.ts";
import type { OperatorParts } from "./operator.ts";
import { Step, type OperatorCommand, type Terminal } from "./command.ts";

const fields = Object.freeze({
  guest: field("guest"),
  vcpu: field("vcpu", "vCPU "),
  state: field("state"),
  ran: field("ranMs", "ran ", " ms"),
  exits: field("exits", "exits "),
  memory: field("guestMemoryMiB", "memory of guests ", " MiB"),
  events: field("events", "events "),
  tables: field("freeTablePages", "free pages for nested tables "),
});

/** Builds the command: once, or again and again after so many seconds, with what was added since. */
export function topCommand(
  { model, rings, vcpus, wakeBy }: OperatorParts,
  { answer, channel, channels }: Terminal,
): OperatorCommand {
  let counted = 0;
  const guests = Object.freeze(
    model.guests.map(({ name, vcpus }) => {
      const first = counted;
      counted += vcpus.length;
      return Object.freeze({ name, first, end: counted });
    }),
  );
  const vcpuCount = counted;
  const memory = model.guests.reduce((sum, g) => sum + (BigInt(g.memoryBytes) >> 20n), 0n);
  const kinds = Object.freeze(
    virtualization.exitKinds.map((name, kind) => Object.freeze({ kind, field: field(name, `${name} `) })),
  );
  /** Counters of a vCPU: its run time, all exits, and those of each kind. */
  const places = kinds.length + 2;
  const Top = struct("Top", {
    /** The vCPU that is shown next; as many as there are: none, before `next`. */
    vcpu: u32,
    next: u64,
    /** What was counted when it was shown last: by vCPU. */
    before: array(u64, vcpuCount * places),
    eventsBefore: u64,
  });
  /** By channel. */
  const shown = storage("top", array(Top, channels));
  const toMs = storage("topTime", Scale);
  /** What was added to a counter since it was shown last. */
  const added = (at: number, now: u64): u64 => {
    const own = shown[channel()];
    const place = Math.min(at, vcpuCount * places - 1);
    const since = u64(now - own.before[place]);
    own.before[place] = now;
    return since;
  };
  const eventCount = (): u64 => {
    let count: u64 = 0n;
    for (let cpu = 0; cpu < rings.cpuCapacity; cpu++) count = u64(count + rings.next(u32(cpu)));
    return count;
  };
  const forget = (): void => {
    const own = shown[channel()];
    for (let i = 0; i < vcpuCount * places; i++) own.before[i] = 0n;
    own.eventsBefore = 0n;
  };
  const showMachine = (): void => {
    const own = shown[channel()];
    answer.open();
    answer.decimal(fields.memory, memory);
    answer.decimal(fields.tables, BigInt(virtualization.freeTables()));
    const events = eventCount();
    answer.decimal(fields.events, u64(events - own.eventsBefore));
    own.eventsBefore = events;
    answer.close();
    own.vcpu = 0;
  };
  const showVcpu = (index: u32): void => {
    const vcpu = virtualization.vcpu(index);
    answer.open();
    for (const g of guests) {
      if (index >= g.first && index < g.end) {
        answer.text(fields.guest, text(g.name));
        answer.decimal(fields.vcpu, BigInt(index - g.first));
      }
    }
    for (const s of vcpuStateNames) if (vcpu.state === s.number) answer.text(fields.state, text(s.name));
    answer.decimal(fields.ran, convert(toMs, added(index * places, vcpus.ran(index))));
    answer.decimal(fields.exits, added(index * places + 1, vcpu.exits));
    for (const k of kinds)
      answer.decimal(k.field, added(index * places + k.kind + 2, virtualization.exitsOf(index, k.kind)));
    answer.close();
  };
  return Object.freeze({
    name: "top",
    about:
      "shows exits, events and memory since the start; with a number, every so many seconds what was added",
    permit: "observe",
    argument: "number",
    endless: true,
    step: (_guest: u32, number: u32, at: u32): u32 => {
      const own = shown[channel()];
      if (at === 0) {
        setScale(toMs, machine.ticksPerSecond(), 1000n);
        forget();
        own.next = machine.now();
        own.vcpu = vcpuCount;
      }
      const vcpu = own.vcpu;
      if (vcpu < vcpuCount) {
        showVcpu(vcpu);
        own.vcpu = u32(vcpu + 1);
        return number !== 0 || vcpu + 1 < vcpuCount ? Step.more : Step.done;
      }
      if (machine.now() < own.next) {
        wakeBy(own.next);
        return Step.later;
      }
      own.next = u64(machine.now() + u64(BigInt(number) * machine.ticksPerSecond()));
      showMachine();
      return Step.more;
    },
  });
}
