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
import type { OperatorCommand, Terminal } from "./sessions.ts";

const fields = Object.freeze({
  guest: field("guest"),
  vcpu: field("vcpu", "vCPU "),
  state: field("state"),
  ran: field("ranMs", "ran ", " ms"),
  exits: field("exits", "exits "),
  memory: field("guestMemoryMiB", "memory of guests ", " MiB"),
  events: field("events", "events "),
  seconds: field("sinceSeconds", "since ", " s"),
});

/** Builds the command: once, or again and again after so many seconds, with what was added since. */
export function topCommand(
  { model, domains, rings, vcpus, wakeBy }: OperatorParts,
  { answer }: Terminal,
): OperatorCommand {
  const guests = Object.freeze(
    model.guests.map(({ index, name, vcpus }) => Object.freeze({ index, name, count: vcpus.length })),
  );
  const vcpuCount = model.guests.reduce((sum, g) => sum + g.vcpus.length, 0);
  const memory = model.guests.reduce((sum, g) => sum + (BigInt(g.memoryBytes) >> 20n), 0n);
  const kinds = Object.freeze(
    virtualization.exitKinds.map((name, kind) => Object.freeze({ kind, field: field(name, `${name} `) })),
  );
  /** Counters of a vCPU: its run time, all exits, and those of each kind. */
  const places = kinds.length + 2;
  const own = storage(
    "top",
    struct("Top", {
      seconds: u32,
      next: u64,
      /** What was counted when it was shown last: by vCPU. */
      before: array(u64, vcpuCount * places),
      toMs: Scale,
      eventsBefore: u64,
    }),
  );
  /** What was added to a counter since it was shown last. */
  const added = (at: number, now: u64): u64 => {
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
    for (let i = 0; i < vcpuCount * places; i++) own.before[i] = 0n;
    own.eventsBefore = 0n;
  };
  const show = (): void => {
    answer.open();
    answer.decimal(fields.memory, memory);
    const events = eventCount();
    answer.decimal(fields.events, u64(events - own.eventsBefore));
    own.eventsBefore = events;
    answer.close();
    for (const g of guests) {
      const first = domains[g.index].firstVcpu;
      for (let i = 0; i < g.count; i++) {
        const index = Math.min(first + i, vcpuCount - 1);
        const vcpu = virtualization.vcpu(u32(index));
        answer.open();
        answer.text(fields.guest, text(g.name));
        answer.decimal(fields.vcpu, BigInt(i));
        for (const s of vcpuStateNames) if (vcpu.state === s.number) answer.text(fields.state, text(s.name));
        answer.decimal(fields.ran, convert(own.toMs, added(index * places, vcpus.ran(u32(index)))));
        answer.decimal(fields.exits, added(index * places + 1, vcpu.exits));
        for (const k of kinds)
          answer.decimal(
            k.field,
            added(index * places + k.kind + 2, virtualization.exitsOf(u32(index), k.kind)),
          );
        answer.close();
      }
    }
  };
  const arm = (): void => {
    own.next = u64(machine.now() + u64(BigInt(own.seconds) * machine.ticksPerSecond()));
  };
  return Object.freeze({
    name: "top",
    about:
      "shows exits, events and memory since the start; with a number, every so many seconds what was added",
    permit: "observe",
    argument: "number",
    run: (_guest: u32, number: u32): void => {
      own.seconds = number;
      setScale(own.toMs, machine.ticksPerSecond(), 1000n);
      forget();
      show();
      arm();
    },
    again: (): void => {
      if (machine.now() >= own.next) {
        show();
        arm();
      }
      wakeBy(own.next);
    },
  });
}
