import test from "ava";
import { DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { positionAt } from "../diagnostics/span.ts";
import { repositoryPath, virtualSources } from "../source/virtual.ts";
import type { FunctionSite } from "./captures.ts";
import { evaluate, type Realm } from "./realm.ts";

interface Evaluated {
  readonly realm: Realm;
  readonly exports: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- whatever the test's source exports
  site(fn: unknown): FunctionSite;
}

function run(text: string, others: Readonly<Record<string, string>> = {}): Evaluated {
  const sources = virtualSources({ "kernel/root.ts": text, ...others });
  const realm = evaluate(sources, repositoryPath("kernel/root.ts"));
  return {
    realm,
    exports: { ...realm.module(repositoryPath("kernel/root.ts")) },
    site(fn) {
      const site = realm.site(fn as object);
      if (site === undefined) throw new Error("the function has no site");
      return site;
    },
  };
}

function refusals(stage: () => unknown): readonly Diagnostic[] {
  try {
    stage();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("each call of a template makes a function with captures of its own", (t) => {
  const { exports, site } = run(`
    export const adder = (n: number) => (x: number): number => x + n;
    export const one = adder(1), two = adder(2);`);
  t.is(site(exports.one).node, site(exports.two).node);
  t.is(site(exports.one).id, site(exports.two).id);
  t.deepEqual([...site(exports.one).captures()], [["n", 1]]);
  t.deepEqual([...site(exports.two).captures()], [["n", 2]]);
});

test("a function keeps its site through spread, composition and freezing", (t) => {
  const { exports, site } = run(`
    const base = { read: (x: number): number => x, write(x: number): number { return x; } };
    const composed = Object.freeze({ ...base, deep: { list: [...Object.values(base)] } });
    export const { read, write } = composed;
    export const again = composed.deep.list;`);
  t.is(site(exports.again[0]), site(exports.read));
  t.is(site(exports.again[1]), site(exports.write));
});

test("function declarations are known before the statement that declares them ran", (t) => {
  const { exports, site } = run(`
    export const table = [later, inner()];
    const k = 7;
    export function later(): number { return k; }
    function inner(): () => number {
      return nested;
      function nested(): number { return k; }
    }`);
  t.is(site(exports.table[0]).name, "later");
  t.is(site(exports.table[1]).name, "inner.nested");
  t.deepEqual([...site(exports.table[1]).captures()], [["k", 7]]);
});

test("only free variables are captured: shadowed names, own parameters, labels, keys, types and globals are not", (t) => {
  const { exports, site } = run(`
    import { type u8, u16 } from "../dsl/core/int.ts";
    type K = { x: number };
    const x = 1, y = 2, key = "k", label = 3;
    export function f(this_: K, { key, rest: [inner] }: { key: number; rest: number[] }): number {
      const x = 4;
      const o = { x, y: x, [String(inner)]: Math.max(1, NaN) };
      label: for (const y of [1]) { if (y) break label; }
      { const label = 5; void label; }
      const t: typeof y = 2;
      return o.y + this_.x + key + u16(t) + (undefined ?? 0);
    }
    void x; void label; void key; void y;`);
  t.deepEqual([...site(exports.f).captures().keys()], ["u16"]);
});

test("a name that is free in a nested function is captured by the outer one as well", (t) => {
  const { exports, site } = run(`
    const deep = 9;
    export function f(list: number[]): number[] { return list.map((x) => [x].map((y) => y + deep + x)[0]!); }`);
  t.deepEqual([...site(exports.f).captures()], [["deep", 9]]);
});

test("destructured names and defaults are captured under the name that they are used by", (t) => {
  const { exports, site } = run(`
    const { a: renamed, list: [first = 3] } = { a: 1, list: [] as number[] };
    export const f = (x = renamed): number => x + first;`);
  t.deepEqual(
    [...site(exports.f).captures()],
    [
      ["renamed", 1],
      ["first", 3],
    ],
  );
});

test("imports are captured by value, also under another name, through re-exports and as a namespace", (t) => {
  const { exports, site } = run(
    `import { value as renamed, again } from "./other.ts";
     import * as all from "./other.ts";
     export const f = (): number => renamed + again + all.value;`,
    {
      "kernel/other.ts": `export const value = 5; export { value as again } from "./third.ts";`,
      "kernel/third.ts": `export const value = 6;`,
    },
  );
  const captures = site(exports.f).captures();
  t.deepEqual([captures.get("renamed"), captures.get("again")], [5, 6]);
  t.is((captures.get("all") as { value: number }).value, 5);
});

test("modules that import each other are evaluated once, and captures see what both ended up with", (t) => {
  const { exports, site } = run(
    `import { b } from "./b.ts"; export const a = 1; export const f = (): number => a + b();`,
    {
      "kernel/b.ts": `import { a } from "./root.ts"; let runs = 0; runs++; if (runs > 1) throw new Error("twice"); export function b(): number { return a; }`,
    },
  );
  t.is(exports.f(), 2);
  t.deepEqual([...site(site(exports.f).captures().get("b")).captures()], [["a", 1]]);
});

test("a let that may change cannot be captured; a const, an unchanged parameter and a loop's own variable can", (t) => {
  const { exports, site } = run(
    `import { shared } from "./other.ts";
     let changed = 0;
     const fixed = 1;
     function make(p: number, q: number) { q++; return () => p + q; }
     export const f = () => { changed++; return changed + fixed + shared; };
     export const g = make(1, 2);
     export const loop: (() => number)[] = [];
     for (let i = 0; i < 2; i++) loop.push(() => i);
     for (let i = 0; i < 2; i++) { loop.push(() => i); i++; }`,
    {
      "kernel/other.ts": `export let shared = 1; export const set = (x: number): void => { shared = x; };`,
    },
  );
  const captured = (fn: unknown): string[] =>
    refusals(() => site(fn).captures()).map((d) => `${d.name} ${d.message.split(" ", 1)[0]}`);
  t.deepEqual(captured(exports.f), ["captured-let `changed`", "captured-let `shared`"]);
  t.deepEqual(captured(exports.g), ["captured-let `q`"]);
  t.deepEqual(captured(exports.loop[2]), ["captured-let `i`"]);
  t.deepEqual([...site(exports.loop[1]).captures()], [["i", 1]]);
});

test("a captured let is shown at its first use in the function, with the calls that made it", (t) => {
  const { exports, site } = run(
    `function counter() { let n = 0; return () => { n += 1; return n; }; }\nexport const f = counter();`,
  );
  const [refusal] = refusals(() => site(exports.f).captures());
  t.deepEqual(positionAt(refusal!.span!.source, refusal!.span!.start), { line: 1, column: 48 });
  t.deepEqual(
    refusal!.trail.map(({ name }) => name),
    ["counter"],
  );
});

test("what has no meaning in compiled code cannot be captured, whatever else can", (t) => {
  const { exports, site } = run(`
    import { storage } from "../dsl/core/storage.ts";
    import { struct, array } from "../dsl/core/layout.ts";
    import { binding } from "../dsl/core/binding.ts";
    import { u8 } from "../dsl/core/int.ts";
    import { idiv, text } from "../dsl/core/intrinsics.ts";
    import * as all from "../dsl/core/int.ts";
    class Counter { n = 0; }
    const map = new Map(), set = new Set(), counter = new Counter(), pattern = /x/, promise = Promise.resolve(1), symbol = Symbol("s"), bytes = new Uint8Array(2);
    export const bad = { map: () => map, set: () => set, counter: () => counter, Counter: () => Counter, pattern: () => pattern, promise: () => promise, symbol: () => symbol, bytes: () => bytes };
    const S = struct("S", { a: u8, list: array(u8, 2) }), s = storage("s", S), list = s.list, machine = binding<{ f(): void }>("machine"), hello = text("hello"), bare = Object.create(null), plain = Object.freeze({ a: [1, { b: 2n }] });
    enum Kind { A, B }
    export const good = () => [S, s, list, machine, hello, bare, plain, Kind, u8, idiv, all, null, undefined, bad];`);
  const said = Object.entries<() => unknown>(exports.bad).map(([name, fn]) => {
    const [refusal] = refusals(() => site(fn).captures());
    t.is(refusal!.name, "unsupported-capture");
    return [name, refusal!.message];
  });
  t.deepEqual(said, [
    ["map", "`map` is a Map, which has no meaning in compiled code"],
    ["set", "`set` is a Set, which has no meaning in compiled code"],
    ["counter", "`counter` is an instance of Counter, which has no meaning in compiled code"],
    ["Counter", "`Counter` is a class, which has no meaning in compiled code"],
    ["pattern", "`pattern` is a regular expression, which has no meaning in compiled code"],
    ["promise", "`promise` is a Promise, which has no meaning in compiled code"],
    ["symbol", "`symbol` is a symbol, which has no meaning in compiled code"],
    ["bytes", "`bytes` is a Uint8Array, which has no meaning in compiled code"],
  ]);
  t.notThrows(() => site(exports.good).captures());
});

test("accessors, methods, async methods and generators of object literals have sites and still work", (t) => {
  const { exports, site } = run(`
    const k = 3;
    export const o = {
      stored: 1,
      get twice(): number { return this.stored * 2 + k; },
      set twice(v: number) { this.stored = v; },
      ["comp" + "uted"](): number { return k; },
      async wait(): Promise<number> { return k; },
      *all(): Generator<number> { yield k; },
    };`);
  const o = exports.o;
  o.twice = 5;
  t.is(o.twice, 13);
  t.deepEqual([...o.all()], [3]);
  const twice = Object.getOwnPropertyDescriptor(o, "twice")!;
  t.is(site(twice.get).name, "o.twice");
  t.deepEqual([...site(twice.get).captures()], [["k", 3]]);
  t.deepEqual([...site(twice.set).captures()], []);
  for (const method of [o.computed, o.wait, o.all]) t.deepEqual([...site(method).captures()], [["k", 3]]);
});

test("display names follow the keys and variables that hold a function, inside the template that makes it", (t) => {
  const { exports, site } = run(`
    const id = <T>(x: T): T => x;
    export const uart = id({ write: { thr: (x: number) => x, lcr(x: number) { return x; } }, settle: id(() => 0) });
    export function portReader() { return (x: number) => x; }
    export const made = portReader();
    export const helper = () => { const local = () => 1; return local; };
    export const local = helper();`);
  t.deepEqual(
    [exports.uart.write.thr, exports.uart.write.lcr, exports.uart.settle, exports.made, exports.local].map(
      (fn) => site(fn).name,
    ),
    ["uart.write.thr", "uart.write.lcr", "uart.settle", "portReader.<arrow>", "helper.local"],
  );
});

test("the trail names the template calls that made a function, innermost first, at their places", (t) => {
  const { exports, site } = run(
    `function inner(n: number) { return () => n; }
function outer(n: number) {
  return inner(n);
}
export const f = outer(1);
export const direct = () => 2;`,
  );
  t.deepEqual(
    site(exports.f).trail.map(({ name, span }) => ({ name, ...positionAt(span.source, span.start) })),
    [
      { name: "inner", line: 3, column: 10 },
      { name: "outer", line: 5, column: 18 },
    ],
  );
  t.deepEqual(site(exports.direct).trail, []);
});

test("a capture that was never initialised is refused by name", (t) => {
  const { exports, site } = run(`
    function make() { return () => late; const late = 1; }
    export const f = make();`);
  const [refusal] = refusals(() => site(exports.f).captures());
  t.is(refusal?.name, "uninitialised-capture");
  t.regex(refusal?.message ?? "", /`late`/);
});

test("functions that no source made have no site", (t) => {
  const { realm, exports } = run(
    `export const builtIn = Math.imul; export class C { method() { return 1; } }`,
  );
  t.is(realm.site(exports.builtIn), undefined);
  t.is(realm.site(exports.C.prototype.method), undefined);
});
