import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";

const folder = dirname(fileURLToPath(import.meta.url));
const root = resolve(folder, "../..");

const preamble = `
import { array, bank, bit, bits, device, fifo, inputs, instantiate, line, readOnly, repeat, reserved, ro, rw, sink, source, timer, u16, u32, u64, u8, wo, type StateOf } from "./vocabulary.ts";
const shape = device("d", {
  banks: {
    ports: bank(u8, { status: ro(0, { flag: bit(0), part: bits(7, 4) }), command: wo(1), mode: rw(2, { dlab: bit(7), none: reserved(6, 0) }) })
      .when("mode.dlab", 1, { guarded: rw(3, { speed: readOnly(bits(3, 1)) }) }),
    wide: bank(u32, { many: repeat(4, 8, rw(0, { mask: bit(16), vector: bits(7, 0), long: bits(51, 16) }, { width: u64 })), plain: rw(0x40) }, { space: "mmio" }),
  },
  state: { queue: fifo(u16, 8), irq: line(), out: sink(), count: u32, numbers: array(u8, 4) },
});
type D = StateOf<typeof shape>;
declare const u: D;
const active = device("a", { banks: { p: bank(u8, { r: rw(0) }) }, state: { late: timer(), three: array(timer(), 3), host: source(), pins: inputs(3) } });
const full = { expire: { late: () => {}, three: () => {} }, room: { host: () => 0 }, receive: { host: () => {} }, input: { pins: () => {} } };
export const used = [array, bank, bit, bits, device, fifo, inputs, instantiate, line, readOnly, repeat, reserved, ro, rw, sink, source, timer, u16, u32, u64, u8, wo, shape, u, active, full];
`;

const accepted: Readonly<Record<string, string>> = {
  "fields have the narrowest type that holds them": `
    export const a: boolean = u.status.flag; export const b: u8 = u.status.part; export const c: u8 = u.guarded.speed;
    export const d: u8 = u.many[1]!.vector; export const e: u64 = u.many[1]!.long; export const f: u8 = u.status.value;
    export const g: u64 = u.many[0]!.value; export const h: u32 = u.plain.value; export const i: u16 = u.queue.pop();`,
  "fields, scalars and elements can be assigned": `
    export function f(): void { u.status.flag = true; u.status.part = 3; u.count = 5; u.numbers[1] = 2; u.mode.value = 1; }`,
  "handlers are given the state and the register's own type": `
    shape.implement({
      peek: { status: { flag: (u) => u.queue.empty, part: (u) => u.mode.value }, mode: (u) => u.mode.value },
      read: { mode: (u, peeked) => { const p: u8 = peeked; return u.command.value === 0 ? p : 0; } },
      write: { command(u, value) { const v: u8 = value; u.out.put(v); }, many(u, index, value) { const i: u8 = index; const v: u64 = value; u.numbers[i & 3] = u8(v); } },
      written: { plain(u, value, old) { const v: u32 = value; const o: u32 = old; u.count = u32(v ^ o); } },
      settle: (u) => u.irq.set(!u.queue.empty),
    });`,
  "calls keep their types": `
    const d = shape.implement({ calls: { next: (u) => u.queue.pop(), add(u, n: u8): void { u.count = n; } } });
    export const n: u16 = d.calls.next(u); d.calls.add(u, 3);`,
  "what comes from outside has its handlers": `active.implement({ ...full, expire: { late(u) { u.host.ready(); }, three(u, index) { u.three[index & 1]!.cancel(); } } });`,
  "an instance names a base for each window": `instantiate(shape.implement({}), "x", { at: { ports: 0, wide: 0xfed00000n } });`,
};

/** What must be refused, and a part of the message. */
const refused: Readonly<Record<string, readonly [string, string]>> = {
  "a handler for a register that is not there": [
    `shape.implement({ read: { nothing: () => 0 } });`,
    "nothing",
  ],
  "a write handler on a read-only register": [`shape.implement({ write: { status() {} } });`, "status"],
  "a written handler on a read-only register": [`shape.implement({ written: { status() {} } });`, "status"],
  "a read handler on a write-only register": [`shape.implement({ read: { command: () => 0 } });`, "command"],
  "a computed field that is not there": [
    `shape.implement({ peek: { status: { colour: () => true } } });`,
    "colour",
  ],
  "a computed reserved field": [`shape.implement({ peek: { mode: { none: () => 0 } } });`, "none"],
  "a group of handlers that is not there": [`shape.implement({ finally: () => {} });`, "finally"],
  "a field that is not there": [`export const a = u.status.colour;`, "colour"],
  "a reserved field by name": [`export const a = u.mode.none;`, "none"],
  "a register that is not there": [`export const a = u.lcr;`, "lcr"],
  "a field as the wrong type": [`export const a: u8 = u.status.flag;`, "boolean"],
  "a wide value into a narrow field": [
    `export function f(): void { u.status.value = u.plain.value; }`,
    "not assignable",
  ],
  "a number into a 64-bit register": [`export function f(): void { u.many[0]!.value = 5; }`, "bigint"],
  "a value that is no level": [`u.irq.set(1);`, "boolean"],
  "a wide value into a narrow fifo": [`u.queue.push(u.plain.value);`, "not assignable"],
  "a computed value of the wrong width": [
    `shape.implement({ peek: { mode: (u) => u.plain.value } });`,
    "not assignable",
  ],
  "a group selected by a field that is not there": [
    `bank(u8, { s: rw(0, { f: bit(0) }) }).when("s.g", 1, {});`,
    '"s.g"',
  ],
  "a timer without its handler": [`active.implement({ ...full, expire: { three: () => {} } });`, "late"],
  "an array of timers without its handler": [
    `active.implement({ ...full, expire: { late: () => {} } });`,
    "three",
  ],
  "a source without its handlers": [`active.implement({ expire: full.expire, input: full.input });`, "room"],
  "expire in a device without timers": [`shape.implement({ expire: { irq: () => {} } });`, "irq"],
  "an instance without a base": [`instantiate(shape.implement({}), "x", { at: { ports: 0 } });`, "wide"],
};

const libraries = new Map<string, ts.SourceFile | undefined>();

function errorsOf(source: string): string[] {
  const name = join(folder, "typed-sample.ts");
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => {
    if (resolve(file) === name) return ts.createSourceFile(file, preamble + source, ts.ScriptTarget.ES2022);
    if (!libraries.has(file)) libraries.set(file, read(file, ...rest));
    return libraries.get(file);
  };
  host.fileExists = (file) => resolve(file) === name || ts.sys.fileExists(file);
  const program = ts.createProgram([name], { ...options, noUnusedLocals: false }, host);
  const file = program.getSourceFile(name);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((d) =>
    ts.flattenDiagnosticMessageText(d.messageText, "\n"),
  );
}

for (const [what, source] of Object.entries(accepted)) {
  test(`the type checker accepts: ${what}`, (t) => {
    t.deepEqual(errorsOf(source), []);
  });
}
for (const [what, [source, part]] of Object.entries(refused)) {
  test(`the type checker refuses: ${what}`, (t) => {
    const errors = errorsOf(source);
    t.true(
      errors.some((e) => e.includes(part)),
      `expected an error about ${part}, got ${JSON.stringify(errors)}`,
    );
  });
}
