/** Records as events in the words of the image's declarations: devices, registers, fields, wires. */
import type { RegisterModel, StateModel } from "../../dsl/device/model.ts";
import { TraceKind } from "../../dsl/trace/format.ts";
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
  [TraceKind.lost]: "lost",
};

/** One event, named. */
export interface TraceEvent {
  /** Microseconds since the first event. */
  readonly microseconds: number;
  readonly kind: string;
  readonly guest: string;
  readonly device: string;
  /** A register (`redirection[3]`), a piece of state, or a wire; empty where events were lost. */
  readonly subject: string;
  /** The register's name without an element's number. */
  readonly register: string;
  readonly value: bigint;
  /** Of a register: its declared fields, those that the access reaches. */
  readonly fields: Readonly<Record<string, number | bigint>>;
  readonly vcpu: number | undefined;
  readonly cpu: number;
  readonly sequence: bigint;
}

/** Names all records of a trace. */
export function decodeTrace(
  { records, ticksPerSecond }: TraceFile,
  model: TraceModel,
): readonly TraceEvent[] {
  const start = records[0]?.ticks ?? 0n;
  return records.map((record) => {
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
      return { ...common, guest: "", device: "", subject: "", register: "", fields: {} };
    return { ...common, ...placeOf(record, model) };
  });
}

function placeOf(
  record: TraceRecord,
  model: TraceModel,
): Pick<TraceEvent, "guest" | "device" | "subject" | "register" | "fields"> {
  const { name, guest, type, wires } = model.devices[record.device]!;
  const { registers, state, banks, hypercalls, calls } = model.types[type]!;
  const at = { guest, device: name };
  const { kind, subject } = record;
  if (kind === TraceKind.hypercall || kind === TraceKind.status)
    return { ...at, subject: hypercalls[subject]?.name ?? "", register: "", fields: {} };
  if (kind === TraceKind.call) {
    const argument = record.part === 0 ? "" : `[${record.part}]`;
    return { ...at, subject: `${calls[subject]?.name ?? ""}${argument}`, register: "", fields: {} };
  }
  const ofRegister = kind === TraceKind.read || kind === TraceKind.write || kind === TraceKind.change;
  if (!ofRegister) return { ...at, subject: wires[subject] ?? "", register: "", fields: {} };
  const register = registers[subject];
  if (register === undefined) {
    const piece = state[subject - registers.length];
    const element = lengthOf(piece) > 1 ? `[${record.index}]` : "";
    return {
      ...at,
      subject: `${piece?.name ?? ""}${element}${piece?.fifo === true ? ".count" : ""}`,
      register: "",
      fields: {},
    };
  }
  const unitBits = banks.find((bank) => bank.name === register.bank)?.unitBits ?? register.bits;
  const lsb = kind === TraceKind.change ? 0 : record.part * unitBits;
  const bits = kind === TraceKind.change ? register.bits : Math.min(record.bytes * 8, register.bits);
  const element = register.count > 1 ? `[${record.index}]` : "";
  const part = bits < register.bits ? `{${lsb + bits - 1}:${lsb}}` : "";
  return {
    ...at,
    subject: `${register.name}${element}${part}`,
    register: register.name,
    fields: fieldsOf(register, record.value, lsb, bits),
  };
}

/** Elements of a piece of state. */
export function lengthOf(piece: StateModel | undefined): number {
  return Number(/\[(\d+)\]$/.exec(piece?.type ?? "")?.[1] ?? 1);
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
        (register === undefined || e.register === register || e.subject === register) &&
        (kind === undefined || e.kind === kind)),
  );
}
