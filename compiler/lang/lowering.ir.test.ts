import test from "ava";
import { printModule } from "../ir/print.ts";
import { lowerText } from "./testing/text.ts";

const prelude = `
import { i32, u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { disturbs, idiv, trap, weighed } from "../dsl/core/intrinsics.ts";
import { array, ref, struct, type ValueOf } from "../dsl/core/layout.ts";
import type { Program } from "../dsl/core/program.ts";
import { storage } from "../dsl/core/storage.ts";
const list = storage("list", array(u8, 16));
void [i32, u16, u32, u64, u8, disturbs, idiv, trap, weighed, struct, ref, list];
`;

/** The IR of the function \`f\`, or another, of a text, without what stands around it. */
function irOf(text: string, params: string, result: string, name = "f"): string {
  const program = `export const program: Program = { name: "t", entries: [{ symbol: "entry", fn: f, params: [${params}], result: ${result} }] };`;
  const printed = printModule(lowerText(`${prelude}${text}\n${program}\n`).module);
  const from = printed.indexOf(`function @${name}(`);
  return printed.slice(from, printed.indexOf("\n}", from) + 2);
}

test("an index that is masked is not checked", (t) => {
  const text = `function f(i: u32): u8 { return list[i & 15]; }`;
  t.is(
    irOf(text, "u32", "u8"),
    `function @f(%i: i32): i32 {
entry:
  %0 = and i32 %i, i32 15
  %1 = zext i32 %0 to i64
  %2 = index @list, %1 * 1
  %3 = load i8 %2 align 1
  %4 = zext i8 %3 to i32
  return %4
}`,
  );
});

test("an index of which nothing is known is checked", (t) => {
  const text = `function f(i: u32): u8 { return list[i]; }`;
  t.is(
    irOf(text, "u32", "u8"),
    `function @f(%i: i32): i32 {
entry:
  %0 = zext i32 %i to i64
  %1 = ult i64 %0, i64 16
  branch (2000:1) %1, inside, outside
outside:
  trap 0
inside:
  %2 = index @list, %0 * 1
  %3 = load i8 %2 align 1
  %4 = zext i8 %3 to i32
  return %4
}`,
  );
});

test("an index that was compared is not checked", (t) => {
  const text = `function f(i: u32): u8 { if (i < 16) return list[i]; return 0; }`;
  t.is(
    irOf(text, "u32", "u8"),
    `function @f(%i: i32): i32 {
entry:
  %0 = ult i32 %i, i32 16
  branch %0, then, else
then:
  %1 = zext i32 %i to i64
  %2 = index @list, %1 * 1
  %3 = load i8 %2 align 1
  %4 = zext i8 %3 to i32
  return %4
else:
  jump end
end:
  return i32 0
}`,
  );
});

test("a branch that build-time data excludes is not looked at", (t) => {
  const text = `const on = false; function f(i: u32): u32 { if (on) return u32(i * missing); return i; }`;
  t.is(
    irOf(text, "u32", "u32"),
    `function @f(%i: i32): i32 {
entry:
  jump else
else:
  jump end
end:
  return %i
}`,
  );
});

test("dispatch over declarations is a chain of compares with constants", (t) => {
  const text = `const ports = [{ port: 1, value: 5 }, { port: 9, value: 7 }]; function f(i: u32): u32 { for (const p of ports) if (i === p.port) return p.value; return 0; }`;
  t.is(
    irOf(text, "u32", "u32"),
    `function @f(%i: i32): i32 {
entry:
  %0 = eq i32 %i, i32 1
  branch %0, then, else
then:
  return i32 5
else:
  jump end
end:
  jump turn
turn:
  %1 = eq i32 %i, i32 9
  branch %1, then1, else1
then1:
  return i32 7
else1:
  jump end1
end1:
  jump turn1
turn1:
  jump done
done:
  return i32 0
}`,
  );
});

test("arithmetic under u64 is computed at 64 bits", (t) => {
  const text = `function f(a: u64, b: u64): u64 { return u64(a * b + 1n); }`;
  t.is(
    irOf(text, "u64, u64", "u64"),
    `function @f(%a: i64, %b: i64): i64 {
entry:
  %0 = mul i64 %a, %b
  %1 = add i64 %0, i64 1
  return %1
}`,
  );
});

test("a product that is shifted is computed at 128 bits", (t) => {
  const text = `function f(a: u64, b: u64): u64 { return u64((a * b) >> 64n); }`;
  t.is(
    irOf(text, "u64, u64", "u64"),
    `function @f(%a: i64, %b: i64): i64 {
entry:
  %0 = zext i64 %a to i128
  %1 = zext i64 %b to i128
  %2 = mul i128 %0, %1
  %3 = lshr i128 %2, i128 64
  %4 = trunc i128 %3 to i64
  return %4
}`,
  );
});

test("a counter takes the width of its interval", (t) => {
  const text = `function f(a: u32): u32 { let n: u32 = 0; for (let i = 0; i < 10; i++) n = u32(n + a); return n; }`;
  t.is(
    irOf(text, "u32", "u32"),
    `function @f(%a: i32): i32 {
entry:
  %0 = slot n 4 align 4
  %1 = slot i 8 align 8
  store i32 i32 0 to %0 align 4
  store i64 i64 0 to %1 align 8
  jump loop
loop:
  %2 = load i64 %1 align 8
  %3 = trunc i64 %2 to i32
  %4 = ult i32 %3, i32 10
  branch %4, body, exit
body:
  %5 = load i32 %0 align 4
  %6 = zext i32 %5 to i64
  %7 = zext i32 %a to i64
  %8 = add i64 %6, %7
  %9 = trunc i64 %8 to i32
  store i32 %9 to %0 align 4
  jump next
next:
  %10 = load i64 %1 align 8
  %11 = trunc i64 %10 to i32
  %12 = add i32 %11, i32 1
  %13 = zext i32 %12 to i64
  store i64 %13 to %1 align 8
  jump loop
exit:
  %14 = load i32 %0 align 4
  return %14
}`,
  );
});

test("a condition that intervals decide leaves no branch", (t) => {
  const text = `function f(a: u32): u32 { const x = a & 7; if (x < 8) return 1; return 2; }`;
  t.is(
    irOf(text, "u32", "u32"),
    `function @f(%a: i32): i32 {
entry:
  %0 = and i32 %a, i32 7
  jump then
then:
  return i32 1
}`,
  );
});

test("a switch that is complete has no default", (t) => {
  const text = `function f(a: u8): u32 { switch (a & 3) { case 0: return 4; case 1: case 2: return 5; case 3: return 6; } return 7; }`;
  t.is(
    irOf(text, "u8", "u32"),
    `function @f(%a: i32): i32 {
entry:
  %0 = ule i32 %a, i32 255
  assume %0
  %1 = and i32 %a, i32 3
  switch %1 [0: case, 1: case1, 2: case1, 3: case2] else default
case:
  return i32 4
case1:
  return i32 5
case2:
  return i32 6
default:
  unreachable
}`,
  );
});

test("a divisor that was compared with 0 divides", (t) => {
  const text = `function f(a: u32, b: u32): u32 { if (b === 0) trap("zero"); return idiv(a, b); }`;
  t.is(
    irOf(text, "u32, u32", "u32"),
    `function @f(%a: i32, %b: i32): i32 {
entry:
  %0 = eq i32 %b, i32 0
  branch %0, then, else
then:
  trap 0
else:
  jump end
end:
  %1 = udiv i32 %a, %b
  return %1
}`,
  );
});

test("what a parameter, a call and a table can be is assumed", (t) => {
  const text = `
const table = Object.freeze([3, 9, 250]);
function g(x: u16): u8 { return table[x % 3]!; }
function f(a: u32): u32 { return g(a & 0xfff); }`;
  const printed = irOf(text, "u32", "u32");
  t.is(
    printed,
    `function @f(%a: i32): i32 {
entry:
  %0 = and i32 %a, i32 4095
  %1 = call i32 @g(%0)
  %2 = ule i32 %1, i32 255
  assume %2
  return %1
}`,
  );
  const callee = irOf(text, "u32", "u32", "g");
  t.regex(callee, /%0 = ule i32 %x, i32 65535\n {2}assume %0\n/);
  t.regex(callee, /= uge i32 %(\d+), i32 3\n {2}assume %\d+\n {2}%\d+ = ule i32 %\1, i32 250\n {2}assume/);
});

test("weights of a condition reach each of its branches", (t) => {
  const text = `
const seldom = 3;
function f(a: u32, b: u32): u32 { if (weighed(a === 1 || b === 2, seldom, 40)) return 1; return 2; }`;
  t.is(
    irOf(text, "u32, u32", "u32"),
    `function @f(%a: i32, %b: i32): i32 {
entry:
  %0 = eq i32 %a, i32 1
  branch (3:40) %0, then, or
or:
  %1 = eq i32 %b, i32 2
  branch (3:40) %1, then, else
then:
  return i32 1
else:
  jump end
end:
  return i32 2
}`,
  );
});

test("a model's state is reached by its one reference alone, and no other function's is", (t) => {
  const text = `
import { array, struct, type ValueOf } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { u32 } from "../dsl/core/int.ts";
import type { Program } from "../dsl/core/program.ts";
const State = struct("State", { count: u32, words: array(u32, 4) });
type State = ValueOf<typeof State>;
const state = storage("state", State);
function own(s: State, by: u32): void { s.count = u32(s.count + by); }
function both(s: State, other: State): void { s.count = other.count; }
export const program: Program = { name: "t", entries: [
  { symbol: "callOwn", fn: (): void => own(state, 3), params: [], result: undefined },
  { symbol: "callBoth", fn: (): void => both(state, state), params: [], result: undefined },
] };`;
  const heads = (path: string): string[] =>
    [
      ...printModule(lowerText(text, { debug: false }, path).module).matchAll(
        /^function @(?:own|both)\S*\(%s.*$/gm,
      ),
    ].map(([line]) => line);
  t.deepEqual(heads("devices/text.ts"), [
    "function @own(%s: ptr noalias dereferenceable(20), %by: i32): void {",
    "function @both(%s: ptr dereferenceable(20), %other: ptr dereferenceable(20)): void {",
  ]);
  t.deepEqual(heads("kernel/text.ts"), [
    "function @own(%s: ptr dereferenceable(20), %by: i32): void {",
    "function @both(%s: ptr dereferenceable(20), %other: ptr dereferenceable(20)): void {",
  ]);
});

test("an observer is called again only behind what it reads", (t) => {
  const text = `
const Chip = struct("Chip", { mask: u8, scratch: u32, level: u8 });
type Chip = ValueOf<typeof Chip>;
const chip = storage("chip", Chip);
function settle(self: Chip): void { self.level = self.mask; }
const rows = Object.freeze([
  (self: Chip): void => { self.mask = 1; },
  (self: Chip): void => { self.scratch = 2; },
]);
function f(): void { for (const row of rows) { row(chip); if (disturbs(row, settle, chip)) settle(chip); } }`;
  t.deepEqual(
    [...irOf(text, "", "undefined").matchAll(/call \S+ @(\S+)\(/g)].map(([, callee]) => callee),
    ["rows", "settle", "rows.1"],
  );
});
