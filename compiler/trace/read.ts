/** Reads a trace's bytes: whole records up to the first that is damaged, and where and how that one is. */
import {
  formatVersion,
  headerMagic,
  isOfState,
  noVcpu,
  recordBytes,
  recordMark,
  TraceKind,
  whatFields,
} from "../../dsl/trace/format.ts";
import { leavesAt } from "../../dsl/device/state-layout.ts";
import { digestOf, type TraceModel } from "../../dsl/trace/model.ts";

/** One record, its fields apart. */
export interface TraceRecord {
  /** Where it stands in the file. */
  readonly at: number;
  readonly ticks: bigint;
  readonly kind: TraceKind;
  readonly bytes: number;
  readonly index: number;
  readonly device: number;
  readonly subject: number;
  /** In the device's state. */
  readonly offset: number;
  readonly part: number;
  /** Undefined where no vCPU had run yet. */
  readonly vcpu: number | undefined;
  readonly value: bigint;
  readonly cpu: number;
  /** Counts the events of a CPU from 1. */
  readonly sequence: bigint;
}

/** What is wrong with a trace, from an offset on. */
export interface TraceDamage {
  readonly offset: number;
  readonly message: string;
}

/** What a file of a trace holds. */
export interface TraceFile {
  readonly ticksPerSecond: bigint;
  readonly records: readonly TraceRecord[];
  /** Undefined where the file is whole. */
  readonly damage: TraceDamage | undefined;
}

const sequenceMask = (1n << 48n) - 1n;

/** Reads a trace with the model of its image. */
export function readTrace(bytes: Uint8Array, model: TraceModel): TraceFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number, i: number): bigint => view.getBigUint64(offset + 8 * i, true);
  const records: TraceRecord[] = [];
  const ended = (offset: number, message: string, ticksPerSecond = 1n): TraceFile => ({
    ticksPerSecond,
    records,
    damage: { offset, message },
  });
  if (bytes.length === 0) return ended(0, "the file is empty: the machine has written no trace into it");
  if (bytes.length < recordBytes) return ended(0, "the file ends within its header");
  if (word(0, 0) !== headerMagic) return ended(0, "this is no trace: it does not begin with TVTRACE");
  /** What is wrong with the header at an offset. */
  const headerProblem = (offset: number): string | undefined => {
    const version = word(offset, 3) ^ (recordMark << 48n);
    if (version !== formatVersion)
      return `the trace has format ${version}, and this decoder reads format ${formatVersion}`;
    if (word(offset, 2) !== digestOf(model))
      return `the trace is of another image than "${model.image}", or of another state of its sources`;
    return word(offset, 1) === 0n ? "the timebase of the trace has no rate" : undefined;
  };
  const problem = headerProblem(0);
  if (problem !== undefined) return ended(0, problem);
  const ticksPerSecond = word(0, 1);
  const expected = new Map<number, bigint>();
  // Added to the ticks of a machine that has started again, which count from anywhere.
  let [shift, isFirst] = [0n, false];
  for (let offset = recordBytes; offset < bytes.length; offset += recordBytes) {
    if (offset + recordBytes > bytes.length)
      return ended(offset, "the file ends within a record", ticksPerSecond);
    const words = [word(offset, 0), word(offset, 1), word(offset, 2), word(offset, 3)] as const;
    if (words[0] === headerMagic && words[3] >> 48n === recordMark) {
      const again = headerProblem(offset);
      if (again !== undefined) return ended(offset, again, ticksPerSecond);
      expected.clear();
      isFirst = true;
      continue;
    }
    const record = recordAt(offset, words);
    const wrong = problemOf(record, words[3], model) ?? outOfOrder(record, expected);
    if (wrong !== undefined) return ended(offset, wrong, ticksPerSecond);
    if (isFirst) shift = (records.at(-1)?.ticks ?? record.ticks) - record.ticks;
    isFirst = false;
    records.push({ ...record, ticks: record.ticks + shift });
  }
  return { ticksPerSecond, records, damage: undefined };
}

function recordAt(at: number, words: readonly [bigint, bigint, bigint, bigint]): TraceRecord {
  const [ticks, what, value, last] = words;
  const field = (name: keyof typeof whatFields): number => {
    const { msb, lsb } = whatFields[name];
    return Number((what >> BigInt(lsb)) & ((1n << BigInt(msb - lsb + 1)) - 1n));
  };
  const vcpu = field("vcpu");
  return {
    at,
    ticks,
    kind: field("kind"),
    bytes: 1 << field("width"),
    index: field("index"),
    device: field("device"),
    subject: field("subject"),
    offset: field("offset"),
    part: field("part"),
    vcpu: vcpu === noVcpu ? undefined : vcpu,
    value,
    cpu: field("cpu"),
    sequence: last & sequenceMask,
  };
}

function problemOf(record: TraceRecord, last: bigint, model: TraceModel): string | undefined {
  if (last >> 48n !== recordMark) return "what stands here is no record";
  const { kind, device, subject } = record;
  if (!(kind in TraceKind)) return `there is no kind of event with number ${kind}`;
  if (kind === TraceKind.lost) return undefined;
  const owner = model.devices[device];
  if (owner === undefined) return `there is no device with number ${device}`;
  const { registers, hypercalls, calls, layout, stateBytes } = model.types[owner.type]!;
  if (kind === TraceKind.restart || kind === TraceKind.resume) return undefined;
  if (isOfState(kind)) {
    const { offset } = record;
    const isThere =
      kind === TraceKind.restored
        ? offset % 8 === 0 && offset < stateBytes
        : leavesAt(layout, offset, 8).some((leaf) => leaf.offset === offset);
    return isThere ? undefined : `the state of device ${owner.name} has nothing at byte ${offset}`;
  }
  const places = ((): number => {
    switch (kind) {
      case TraceKind.read:
      case TraceKind.write:
        return registers.length;
      case TraceKind.hypercall:
      case TraceKind.status:
        return hypercalls.length;
      case TraceKind.call:
      case TraceKind.result:
        return calls.length;
      default:
        return owner.wires.length;
    }
  })();
  if (subject >= places) return `device ${owner.name} has nothing with number ${subject} for this event`;
  const call = kind === TraceKind.call ? calls[subject] : undefined;
  if (call !== undefined && record.part >= Math.max(1, call.arguments))
    return `${call.name} of device ${owner.name} has no argument ${record.part}`;
  if (kind !== TraceKind.read && kind !== TraceKind.write) return undefined;
  const register = registers[subject]!;
  return record.index >= register.count
    ? `${register.name} of device ${owner.name} has no element ${record.index}`
    : undefined;
}

/** The events of a CPU are numbered without gaps, but for those that a record says are lost. */
function outOfOrder(record: TraceRecord, expected: Map<number, bigint>): string | undefined {
  const { cpu, kind, sequence } = record;
  const wanted = expected.get(cpu) ?? 1n;
  if (kind === TraceKind.lost) {
    // It has the number of the event that comes next.
    expected.set(cpu, sequence);
    return sequence === wanted + record.value
      ? undefined
      : `${record.value} events are said to be lost between event ${wanted} and event ${sequence}`;
  }
  expected.set(cpu, sequence + 1n);
  return sequence === wanted
    ? undefined
    : `event ${sequence} of CPU ${cpu} stands where event ${wanted} should`;
}
