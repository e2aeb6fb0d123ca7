/** Records as events in the words of the image's declarations: devices, registers, fields, wires. */
import type { RegisterModel } from "../../dsl/device/model.ts";
import { isOfState, TraceKind } from "../../dsl/trace/format.ts";
import { leavesAt } from "../../dsl/device/state-layout.ts";
import type { TraceModel } from "../../dsl/trace/model.ts";
import type { TraceFile, TraceRecord } from "./read.ts";

/** How a kind of event is called. */
export const kindNames: Readonly<Record<TraceKind, string>> = {
  [TraceKind.read]: "read",
  [TraceKind.write]: "write",
  [TraceKind.change]: "change",
  [TraceKind.line]: "line",
  [TraceKind.byteOut]: "byte-out",
  [TraceKind.byteIn]: "byte-in",
  [TraceKind.arm]: "arm",
  [TraceKind.cancel]: "cancel",
  [TraceKind.expire]: "expire",
  [TraceKind.message]: "message",
  [TraceKind.signal]: "signal",
  [TraceKind.hypercall]: "hypercall",
  [TraceKind.status]: "status",
  [TraceKind.call]: "call",
  [TraceKind.result]: "result",
  [TraceKind.restart]: "restart",
  [TraceKind.resume]: "resume",
  [TraceKind.restored]: "restored",
  [TraceKind.lost]: "lost",
};

/** One event, named. */
export interface TraceEvent {
  /** Microseconds since the first event. */
  readonly microseconds: number;
  readonly kind: string;
  readonly guest: string;
  readonly device: string;
  /** A register (`redirection[3]`), a scalar of the state (`rx.count`), a wire, a call; empty where it is of none. */
  readonly subject: string;
  /** The name of a register or of a scalar of the state, without numbers of elements; else empty. */
  readonly register: string;
  readonly value: bigint;
  /** Of a register: its declared fields, those that the access reaches. */
  readonly fields: Readonly<Record<string, number | bigint>>;
  readonly vcpu: number | undefined;
  readonly cpu: number;
  readonly sequence: bigint;
}

/** Names all records of a trace; a word that was restored is an event for each scalar in it that is not 0. */
export function decodeTrace(
  { records, ticksPerSecond }: TraceFile,
  model: TraceModel,
): readonly TraceEvent[] {
  const start = records[0]?.ticks ?? 0n;
  return records.flatMap((record): readonly TraceEvent[] => {
    const { kind, value, vcpu, cpu, sequence } = record;
    const common = {
      microseconds: Number(((record.ticks - start) * 1_000_000_000n) / ticksPerSecond) / 1000,
      kind: kindNames[kind],
      value,
      vcpu,
      cpu,
      sequence,
    };
    if (kind === TraceKind.lost)
      return [{ ...common, guest: "", device: "", subject: "", register: "", fields: {} }];
    if (isOfState(kind)) return stateEvents(common, record, model);
    return [{ ...common, ...placeOf(record, model) }];
  });
}

function placeOf(
  record: TraceRecord,
  model: TraceModel,
): Pick<TraceEvent, "guest" | "device" | "subject" | "register" | "fields"> {
  const { name, guest, type, wires } = model.devices[record.device]!;
  const { registers, hypercalls, calls, banks } = model.types[type]!;
  const at = { guest, device: name };
  const { kind, subject } = record;
  if (kind === TraceKind.hypercall || kind === TraceKind.status)
    return { ...at, subject: hypercalls[subject]?.name ?? "", register: "", fields: {} };
  if (kind === TraceKind.call || kind === TraceKind.result) {
    const argument = record.part === 0 ? "" : `[${record.part}]`;
    return { ...at, subject: `${calls[subject]?.name ?? ""}${argument}`, register: "", fields: {} };
  }
  if (kind === TraceKind.restart || kind === TraceKind.resume)
    return { ...at, subject: "", register: "", fields: {} };
  if (kind !== TraceKind.read && kind !== TraceKind.write)
    return { ...at, subject: wires[subject] ?? "", register: "", fields: {} };
  const register = registers[subject]!;
  const unitBits = banks.find((bank) => bank.name === register.bank)?.unitBits ?? register.bits;
  const lsb = record.part * unitBits;
  const bits = Math.min(record.bytes * 8, register.bits);
  const element = register.count > 1 ? `[${record.index}]` : "";
  const part = bits < register.bits ? `{${lsb + bits - 1}:${lsb}}` : "";
  return {
    ...at,
    subject: `${register.name}${element}${part}`,
    register: register.name,
    fields: fieldsOf(register, record.value, lsb, bits),
  };
}

/** The scalars of the state that a record tells of. */
function stateEvents(
  common: Pick<TraceEvent, "microseconds" | "kind" | "vcpu" | "cpu" | "sequence">,
  { kind, device, offset, value }: TraceRecord,
  model: TraceModel,
): readonly TraceEvent[] {
  const { name, guest, type } = model.devices[device]!;
  const { registers, layout } = model.types[type]!;
  const isWord = kind === TraceKind.restored;
  const leaves = leavesAt(layout, offset, 8).filter((leaf) => isWord || leaf.offset === offset);
  return leaves.flatMap((leaf): readonly TraceEvent[] => {
    const ones = (1n << BigInt(8 * leaf.bytes)) - 1n;
    const content = isWord ? (value >> BigInt(8 * (leaf.offset - offset))) & ones : value;
    if (isWord && content === 0n) return [];
    const bare = leaf.name.replaceAll(/\[\d+\]/g, "");
    const register = registers.find((r) => r.name === bare);
    const fields = register === undefined ? {} : fieldsOf(register, content, 0, register.bits);
    const at = { guest, device: name, subject: leaf.name, register: bare };
    return [{ ...common, ...at, value: content, fields }];
  });
}

/** The fields that lie within `bits` bits from `lsb` on, of which `value` is the content. */
function fieldsOf(
  register: RegisterModel,
  value: bigint,
  lsb: number,
  bits: number,
): Readonly<Record<string, number | bigint>> {
  return Object.fromEntries(
    register.fields
      .filter((f) => f.kind !== "reserved" && f.lsb >= lsb && f.msb < lsb + bits)
      .map((f) => {
        const content = (value >> BigInt(f.lsb - lsb)) & ((1n << BigInt(f.msb - f.lsb + 1)) - 1n);
        return [f.name, content <= 0xffff_ffffn ? Number(content) : content];
      }),
  );
}

/** Which events are wanted; what is absent excludes none. */
export interface TraceFilter {
  /** `com1`, or `linux/com1`. */
  readonly device?: string;
  readonly register?: string;
  readonly kind?: string;
}

/** The events that a filter lets through; where events were lost is always told. */
export function filterEvents(events: readonly TraceEvent[], filter: TraceFilter): readonly TraceEvent[] {
  const { device, register, kind } = filter;
  return events.filter(
    (e) =>
      e.kind === "lost" ||
      ((device === undefined || e.device === device || `${e.guest}/${e.device}` === device) &&
        (register === undefined || isWithin(e.subject, register)) &&
        (kind === undefined || e.kind === kind)),
  );
}

/** Whether a subject is what a name says, an element or a part of it. */
function isWithin(subject: string, name: string): boolean {
  return subject === name || (subject.startsWith(name) && /^[.[{]/.test(subject.slice(name.length)));
}
