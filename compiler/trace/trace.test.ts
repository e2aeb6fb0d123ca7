import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { uart16550 } from "../../devices/uart16550.ts";
import { recordBytes, TraceKind } from "../../dsl/trace/format.ts";
import { InputFailure } from "../failure.ts";
import { showTrace, type TraceOptions } from "./command.ts";
import { decodeTrace, filterEvents } from "./decode.ts";
import { readTrace } from "./read.ts";
import { chromeTrace, countTable, eventLine } from "./show.ts";
import { sceneModel, traceScene, type SceneDevice } from "./testing/scene.ts";

const ports: readonly SceneDevice[] = ["com1", "com2"].map((name, i) => ({
  name,
  device: uart16550,
  at: { ports: 0x3f8 - i * 0x100 },
}));
const model = sceneModel(ports);
/** Two serial ports, both or the second alone traced, and a guest's hands on them. */
const scene = (only?: "com2") => traceScene(ports, only);

test.serial("accesses, what they change, lines and bytes are told by their names, in their order", (t) => {
  const { machine, dispatch, told } = scene();
  machine.ticks = 2_500n;
  dispatch.portOut(0, 0x3fb, 1, 0x83);
  dispatch.portOut(0, 0x3f8, 1, 12);
  dispatch.portOut(0, 0x3fb, 1, 0x03);
  dispatch.portOut(0, 0x2f9, 1, 0x02);
  dispatch.portOut(0, 0x2f8, 1, 0x41);
  dispatch.portIn(0, 0x3fd, 1);
  const lines = told();
  const from = (start: string): string => lines.find((line) => line.startsWith(start)) ?? lines.join("\n");
  t.regex(from("linux/com1  write lcr = 0x83"), /\{ wordLength 3, .*dlab 1 \}$/);
  t.regex(from("linux/com1  change lcr = 0x83"), /dlab 1 \}$/);
  t.is(from("linux/com1  write dll"), "linux/com1  write dll = 0xc");
  t.regex(from("linux/com1  read lsr = 0x60"), /thrEmpty 1, idle 1/);
  t.is(from("linux/com2  byte-out output"), "linux/com2  byte-out output = 0x41");
  const edge = lines.findIndex((line) => line === "linux/com2  line irq = high");
  t.true(edge > lines.findIndex((line) => line.startsWith("linux/com2  write ier = 0x2")), lines.join("\n"));
  t.true(edge >= 0 && edge < lines.findIndex((line) => line.startsWith("linux/com2  write thr")));
  // A line tells of itself, and what it holds is not told besides.
  t.false(
    lines.some((line) => /change \w*irq/.test(line)),
    lines.join("\n"),
  );
});

test.serial("a device that is not traced tells nothing", (t) => {
  const { dispatch, told } = scene("com2");
  dispatch.portOut(0, 0x3f9, 1, 0x02);
  dispatch.portOut(0, 0x3f8, 1, 0x41);
  dispatch.portOut(0, 0x2ff, 1, 7);
  const lines = told();
  t.true(lines.length > 0 && lines.every((line) => line.startsWith("linux/com2")), lines.join("\n"));
});

test.serial("times, vCPUs and sequence numbers are those of the machine", (t) => {
  const { machine, dispatch, bytes } = scene("com2");
  dispatch.portOut(0, 0x2ff, 1, 1);
  machine.ticks = 1_500n;
  dispatch.portIn(0, 0x2ff, 1);
  const events = decodeTrace(readTrace(bytes(), model), model);
  const read = events.at(-1)!;
  t.deepEqual([read.kind, read.subject, read.value, read.vcpu, read.cpu], ["read", "scr", 1n, 3, 0]);
  t.is(read.microseconds - events.at(-2)!.microseconds, 1.5);
  t.deepEqual(
    events.map((e) => e.sequence),
    events.map((_, i) => BigInt(i + 1)),
  );
});

test.serial("what a full ring loses is counted, and the newest records stay", (t) => {
  const { dispatch, bytes, machine } = scene("com2");
  bytes();
  const before = machine.debug.length;
  for (let i = 0; i < 100; i++) dispatch.portIn(0, 0x2ff, 1);
  const trace = readTrace(bytes(), model);
  t.is(trace.damage, undefined);
  t.is((machine.debug.length - before) / recordBytes, 1 + 64);
  const lost = decodeTrace(trace, model).find((e) => e.kind === "lost");
  t.is(lost?.value, 36n);
  t.regex(eventLine(lost!), /36 events were lost/);
});

test.serial("nothing is sent before half a ring has gathered, unless all is wanted", (t) => {
  const { dispatch, machine, trace, bytes } = scene("com2");
  bytes();
  const before = machine.debug.length;
  for (let i = 0; i < 31; i++) dispatch.portIn(0, 0x2ff, 1);
  trace.drain(false);
  t.is(machine.debug.length, before);
  dispatch.portIn(0, 0x2ff, 1);
  trace.drain(false);
  t.is(machine.debug.length - before, 32 * recordBytes);
});

/** A trace of some accesses, and of nothing else that is wrong. */
function sample(): Uint8Array {
  const { dispatch, bytes } = scene("com2");
  for (let i = 0; i < 8; i++) dispatch.portOut(0, 0x2ff, 1, i);
  return bytes();
}

test.serial("a truncated or corrupted trace is read up to the damage, which is told with its offset", (t) => {
  const whole = sample();
  const count = whole.length / recordBytes - 1;
  const at = (n: number): number => n * recordBytes;
  const written = readTrace(whole, model).records.findIndex(({ kind }) => kind === TraceKind.write) + 1;
  const damaged = (
    change: (bytes: Uint8Array) => Uint8Array | undefined,
  ): readonly [number, number, string] => {
    const copy = whole.slice();
    const { records, damage } = readTrace(change(copy) ?? copy, model);
    return [records.length, damage?.offset ?? -1, damage?.message ?? "none"];
  };
  t.deepEqual(
    damaged(() => undefined),
    [count, -1, "none"],
  );
  t.deepEqual(
    damaged((b) => b.slice(0, at(4) + 5)),
    [3, at(4), "the file ends within a record"],
  );
  t.deepEqual(
    damaged((b) => void (b[at(3) + 31] = 0)),
    [2, at(3), "what stands here is no record"],
  );
  t.deepEqual(
    damaged((b) => void (b[at(3) + 8] = 0)),
    [2, at(3), "there is no kind of event with number 0"],
  );
  t.deepEqual(
    damaged((b) => void (b[at(3) + 9] = 9)),
    [2, at(3), "there is no device with number 9"],
  );
  t.regex(
    damaged((b) => void (b[at(written) + 11] = 9))[2],
    /device com2 has nothing with number \d+ for this event/,
  );
  t.deepEqual(
    damaged((b) => Uint8Array.from([...b.slice(0, at(3)), ...b.slice(at(5))])),
    [2, at(3), "event 5 of CPU 0 stands where event 3 should"],
  );
  t.regex(damaged((b) => void (b[0] = 0))[2], /is no trace/);
  t.regex(damaged((b) => void (b[16] ^= 1))[2], /another image than "sample"/);
  t.regex(damaged((b) => void (b[24] = 3))[2], /format 3, and this decoder reads format 4/);
  t.regex(damaged(() => new Uint8Array(0))[2], /the machine has written no trace/);
  t.regex(damaged((b) => b.slice(0, 9))[2], /ends within its header/);
});

test.serial("a machine that starts again goes on with the same trace, and its time goes on", (t) => {
  const whole = sample();
  const count = whole.length / recordBytes - 1;
  const later = whole.slice();
  new DataView(later.buffer).setBigUint64(recordBytes, 40n, true);
  const twice = readTrace(Uint8Array.from([...whole, ...later]), model);
  t.is(twice.damage, undefined);
  const events = decodeTrace(twice, model);
  t.is(events.length, 2 * count);
  t.is(events[count]!.microseconds, events[count - 1]!.microseconds);
  t.deepEqual([events[count]!.kind, events[count]!.sequence], ["restart", 1n]);
  later[16]! ^= 1;
  const { damage, records } = readTrace(Uint8Array.from([...whole, ...later]), model);
  t.deepEqual([records.length, damage?.offset], [count, whole.length]);
  t.regex(damage?.message ?? "", /another image than "sample"/);
});

test.serial(
  "a trace with any bit flipped is read as far as it is whole, and never further than before",
  (t) => {
    const whole = sample();
    const { records } = readTrace(whole, model);
    for (let bit = 0; bit < whole.length * 8; bit += 3) {
      const copy = whole.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      const read = readTrace(copy, model);
      const before = (bit >> 3) / recordBytes - 1;
      t.true(read.records.length <= records.length, `bit ${bit}`);
      t.deepEqual(
        read.records.slice(0, Math.max(0, Math.floor(before))),
        records.slice(0, Math.max(0, Math.min(Math.floor(before), read.records.length))),
        `bit ${bit}`,
      );
      // A word that is restored is as many events as there are scalars in it.
      const single = read.records.filter(({ kind }) => kind !== TraceKind.restored);
      const events = decodeTrace(read, model).filter(({ kind }) => kind !== "restored");
      t.is(events.length, single.length);
      t.is(read.damage === undefined, read.records.length === records.length, `bit ${bit}`);
    }
  },
);

/** A folder with a trace and its model. */
function folderWith(t: ExecutionContext, trace: Uint8Array): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-trace-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "trace"), trace);
  writeFileSync(join(folder, "trace.json"), JSON.stringify(model));
  return (name) => join(folder, name);
}

function shown(path: (name: string) => string, options: Partial<TraceOptions> = {}): string {
  let text = "";
  showTrace(path("trace"), { image: path("trace.json"), counts: false, ...options }, (more) => {
    text += more;
  });
  return text;
}

test.serial("the command filters by device, register and kind, and counts", (t) => {
  const path = folderWith(t, sample());
  const writes = shown(path, { device: "linux/com2", register: "scr", kind: "write" }).trimEnd().split("\n");
  t.is(writes.length, 8);
  t.regex(writes[7]!, /vcpu3 {2}linux\/com2 {2}write scr = 0x7$/);
  t.is(shown(path, { device: "com1" }), "");
  for (const part of ["rx.count", "rx.data[0]", "scr{3:0}"]) t.is(shown(path, { register: part }), "");
  t.regex(
    shown(path, { device: "com2", kind: "restart" }),
    /^ +[\d.]+ +(-|vcpu3) {2}linux\/com2 {2}restart\n$/,
  );
  t.regex(
    shown(path, { register: "scr", counts: true }),
    /^8 {2}linux\/com2 {2}write scr\n7 {2}linux\/com2 {2}change scr\n$/,
  );
});

test.serial("the command writes Chrome's trace-event format", (t) => {
  const path = folderWith(t, sample());
  t.regex(shown(path, { chrome: path("chrome.json"), register: "scr", kind: "write" }), /^8 events in /);
  const { traceEvents } = JSON.parse(readFileSync(path("chrome.json"), "utf8")) as {
    readonly traceEvents: readonly Record<string, unknown>[];
  };
  const [guest, thread] = traceEvents;
  t.deepEqual([guest!["ph"], guest!["args"]], ["M", { name: "linux" }]);
  t.deepEqual([thread!["name"], thread!["args"]], ["thread_name", { name: "com2" }]);
  const last = traceEvents.at(-1)!;
  t.deepEqual([last["name"], last["ph"], last["cat"]], ["write scr", "i", "write"]);
  t.deepEqual(last["args"], { value: "0x7", vcpu: 3 });
});

test.serial("what is damaged ends the command after what is whole, and wrong names are told", (t) => {
  const bytes = sample();
  const path = folderWith(t, bytes.slice(0, 5 * recordBytes + 1));
  let text = "";
  t.throws(
    () => showTrace(path("trace"), { image: path("trace.json"), counts: false }, (more) => (text += more)),
    { instanceOf: InputFailure, message: /offset 160: the file ends within a record; 4 events before it/ },
  );
  t.is(text.split("\n").length - 1, 4);
  for (const [options, message] of [
    [{ device: "com9" }, /there is no device "com9"; there are com1, com2/],
    [{ device: "com1", register: "xyz" }, /nothing is called "xyz" in device "com1"/],
    [{ kind: "wrote" }, /no kind of event "wrote"; there are read, write/],
    [{ image: path("trace") + ".none" }, /there is no image/],
  ] as const)
    t.throws(() => shown(path, options), { instanceOf: InputFailure, message });
  writeFileSync(path("other.json"), "{}");
  t.throws(() => shown(path, { image: path("other.json") }), { message: /is no model of a trace/ });
});

test("a line is a counter in Chrome's format, and lost events are always told", (t) => {
  const common = {
    microseconds: 1,
    guest: "g",
    device: "d",
    register: "",
    fields: {},
    vcpu: 0,
    cpu: 0,
    sequence: 1n,
  };
  const line = { ...common, kind: "line", subject: "irq", value: 1n };
  const lost = { ...common, kind: "lost", guest: "", device: "", subject: "", value: 5n };
  const { traceEvents } = JSON.parse(chromeTrace([line])) as { readonly traceEvents: readonly object[] };
  t.deepEqual(traceEvents.at(-1), { name: "d.irq", ph: "C", pid: 1, tid: 2, ts: 1, args: { level: 1 } });
  t.deepEqual(filterEvents([line, lost], { kind: "write" }), [lost]);
  t.is(countTable([line, lost, line]), "2  g/d  line irq\n");
});

test("a filter takes a name, an element or a part, and nothing that begins alike", (t) => {
  const common = {
    microseconds: 1,
    guest: "g",
    device: "d",
    register: "",
    fields: {},
    vcpu: 0,
    cpu: 0,
    sequence: 1n,
  };
  const events = ["rx.count", "rx.data[3]", "rxTimer", "redirection[3]{31:0}", "redirection[30]"].map(
    (subject) => ({
      ...common,
      kind: "change",
      subject,
      value: 1n,
    }),
  );
  const kept = (register: string): readonly string[] =>
    filterEvents(events, { register }).map((e) => e.subject);
  t.deepEqual(kept("rx"), ["rx.count", "rx.data[3]"]);
  t.deepEqual(kept("rx.data"), ["rx.data[3]"]);
  t.deepEqual(kept("redirection[3]"), ["redirection[3]{31:0}"]);
  const { traceEvents } = JSON.parse(chromeTrace(events)) as { readonly traceEvents: readonly object[] };
  t.like(traceEvents.at(-1), {
    name: "change redirection[30]",
    cat: "change",
    ph: "i",
    args: { value: "0x1" },
  });
});
