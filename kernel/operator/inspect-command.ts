/** The operator's look at one guest: its vCPUs, and what it left when it crashed last. */
import { u32 } from "../../dsl/core/int.ts";
import { text } from "../../dsl/core/intrinsics.ts";
import { mostFrames, type CrashDump, type CrashDumps } from "../crash-dump.ts";
import { isCurrent } from "../cpu.ts";
import type { Domain } from "../domain.ts";
import { processors } from "../processors.ts";
import { virtualization } from "../virtualization.ts";
import { field } from "./answer.ts";
import { isEnded, reasonNames, tellState, vcpuStateNames } from "./names.ts";
import type { OperatorParts } from "./operator.ts";
import { Step, type OperatorCommand, type Terminal } from "./command.ts";

const fields = Object.freeze({
  guest: field("guest"),
  state: field("state"),
  reason: field("reason", "ended last: "),
  restarts: field("restarts", "restarts "),
  inRow: field("endsInRow", "ends in a row "),
  vcpu: field("vcpu", "vCPU "),
  cpu: field("cpu", "on CPU "),
  exits: field("exits", "exits "),
  uncleared: field("unclearedKiB", "memory to be cleared ", " KiB"),
  crashed: field("crashedVcpu", "crashed on vCPU "),
  frame: field("returnsTo", "returns to "),
});

/** Builds the command. */
export function inspectCommand(
  { model, domains }: OperatorParts,
  { dumps }: CrashDumps,
  { answer }: Terminal,
): OperatorCommand {
  const guests = Object.freeze(model.guests.map(({ index, name }) => Object.freeze({ index, name })));
  const total = model.guests.reduce((sum, g) => sum + g.vcpus.length, 0);
  const registers = Object.freeze(
    virtualization.registerNames.map((name, at) =>
      Object.freeze({ at, wraps: at % 4 === 3, field: field(name, `${name} `) }),
    ),
  );
  const tellGuest = (domain: Domain): void => {
    answer.open();
    for (const g of guests) if (domain.index === g.index) answer.text(fields.guest, text(g.name));
    tellState(answer, fields.state, domain);
    for (const r of reasonNames)
      if (r.number !== 0 && domain.reason === r.number) answer.text(fields.reason, text(r.name));
    answer.decimal(fields.restarts, BigInt(domain.restarts));
    answer.decimal(fields.inRow, BigInt(domain.endsInRow));
    // While it runs, or may run on, all of it is its own.
    if (isEnded(domain)) answer.decimal(fields.uncleared, domain.uncleared >> 10n);
    answer.close();
  };
  const tellVcpu = (index: u32): void => {
    const vcpu = virtualization.vcpu(index);
    answer.open();
    answer.decimal(fields.vcpu, BigInt(vcpu.number));
    for (const s of vcpuStateNames) if (vcpu.state === s.number) answer.text(fields.state, text(s.name));
    if (processors.capacity > 1 && isCurrent(vcpu)) answer.decimal(fields.cpu, BigInt(vcpu.cpu));
    answer.decimal(fields.exits, vcpu.exits);
    answer.close();
  };
  const tellRegisters = (dump: CrashDump): void => {
    answer.open();
    answer.decimal(fields.crashed, BigInt(dump.vcpu));
    for (const r of reasonNames) if (dump.reason === r.number) answer.text(fields.reason, text(r.name));
    answer.wrap();
    for (const r of registers) {
      answer.hex(r.field, dump.registers[r.at]);
      if (r.wraps) answer.wrap();
    }
    answer.close();
  };
  const tellFrame = (dump: CrashDump, at: u32): void => {
    answer.open();
    answer.hex(fields.frame, dump.frames[Math.min(at, mostFrames - 1)]);
    answer.close();
  };
  return Object.freeze({
    name: "inspect",
    about: "shows its vCPUs, and what it left when it crashed",
    permit: "observe",
    argument: "guest",
    step: (guest: u32, _number: u32, at: u32): u32 => {
      const domain = domains[Math.min(guest, guests.length - 1)];
      const dump = dumps[Math.min(guest, guests.length - 1)];
      const { vcpuCount } = domain;
      if (at === 0) tellGuest(domain);
      else if (at <= vcpuCount) tellVcpu(u32(Math.min(domain.firstVcpu + at, total) - 1));
      else if (dump.kept === 0) return Step.done;
      else if (at === vcpuCount + 1) tellRegisters(dump);
      else {
        const frame = u32(at - vcpuCount - 2);
        if (frame >= Math.min(dump.frameCount, mostFrames)) return Step.done;
        tellFrame(dump, frame);
      }
      return Step.more;
    },
  });
}
