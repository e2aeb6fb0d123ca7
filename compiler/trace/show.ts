/** Events for people (lines, counts) and for trace viewers (Chrome's trace-event format). */
import type { TraceEvent } from "./decode.ts";

/** One event as a line, without its end. */
export function eventLine(event: TraceEvent): string {
  const time = event.microseconds.toFixed(3).padStart(14);
  if (event.kind === "lost") return `${time}  ${event.value} events were lost: the ring was full`;
  const by = event.vcpu === undefined ? "     -" : `vcpu${event.vcpu}`.padStart(6);
  const fields = Object.entries(event.fields).map(([name, value]) => `${name} ${value}`);
  const named = fields.length === 0 ? "" : `  { ${fields.join(", ")} }`;
  const what = event.subject === "" ? "" : ` ${event.subject} = ${shown(event)}${named}`;
  return `${time} ${by}  ${event.guest}/${event.device}  ${event.kind}${what}`;
}

function shown({ kind, value }: TraceEvent): string {
  if (kind === "line") return value === 0n ? "low" : "high";
  if (kind === "arm") return `${value} ns`;
  return `0x${value.toString(16)}`;
}

/** How often each register was read, written and changed, and each wire used: a table, the most frequent first. */
export function countTable(events: readonly TraceEvent[]): string {
  const counts = new Map<string, number>();
  for (const { kind, guest, device, register, subject } of events) {
    if (kind === "lost") continue;
    const key = `${guest}/${device}  ${kind} ${register === "" ? subject : register}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const rows = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const width = Math.max(0, ...rows.map(([, n]) => n.toLocaleString("en-US").length));
  return rows.map(([key, n]) => `${n.toLocaleString("en-US").padStart(width)}  ${key}\n`).join("");
}

/** One entry of the trace-event format ("Trace Event Format", Google, 2016: instant, counter and metadata events). */
interface ChromeEvent {
  readonly name: string;
  readonly ph: "i" | "C" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly s?: "t";
  readonly cat?: string;
  readonly args: Readonly<Record<string, string | number>>;
}

/** Events in Chrome's trace-event format: a guest is a process, a device a thread, a line a counter. */
export function chromeTrace(events: readonly TraceEvent[]): string {
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    if (!numbers.has(name)) numbers.set(name, numbers.size + 1);
    return numbers.get(name)!;
  };
  const names: ChromeEvent[] = [];
  const known = new Set<string>();
  const entries = events.map((e): ChromeEvent => {
    const pid = numberOf(e.guest);
    const tid = numberOf(`${e.guest}/${e.device}`);
    if (!known.has(`${pid} ${tid}`)) {
      known.add(`${pid} ${tid}`);
      names.push(
        { name: "process_name", ph: "M", pid, tid, args: { name: e.guest || "trace" } },
        { name: "thread_name", ph: "M", pid, tid, args: { name: e.device || "lost events" } },
      );
    }
    const at = { pid, tid, ts: e.microseconds };
    if (e.kind === "line")
      return { name: `${e.device}.${e.subject}`, ph: "C", ...at, args: { level: Number(e.value) } };
    const fields = Object.fromEntries(Object.entries(e.fields).map(([k, v]) => [k, Number(v)]));
    return {
      name: `${e.kind} ${e.subject}`.trimEnd(),
      cat: e.kind,
      ph: "i",
      s: "t",
      ...at,
      args: { value: shown(e), ...(e.vcpu !== undefined && { vcpu: e.vcpu }), ...fields },
    };
  });
  return JSON.stringify({ displayTimeUnit: "ns", traceEvents: [...names, ...entries] });
}
