/** Node has no assembly, no firmware and no image to compare with: what these lower to is the test. */
import test from "ava";
import { printModule } from "../../ir/print.ts";
import { lowerText } from "../testing/text.ts";

const prelude = `
import { i32, u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { bool } from "../dsl/core/layout.ts";
import type { Program } from "../dsl/core/program.ts";
import { addressOfFunction, asm, callFirmware, imageBase, naked } from "./asm.ts";
void [i32, u16, u32, u64, u8, bool, addressOfFunction, asm, callFirmware, imageBase, naked];
`;

/** The IR of a platform's text, whose `f` is its entry point, without the module's name and the entry's thunk. */
function irOf(text: string, params: string, result: string): string {
  const program = `export const program: Program = { name: "t", entries: [{ symbol: "entry", fn: f, params: [${params}], result: ${result} }] };`;
  const printed = printModule(
    lowerText(`${prelude}${text}\n${program}\n`, { debug: false }, "platforms/text.ts").module,
  );
  return printed.slice(printed.indexOf("\n\n") + 2, printed.indexOf("\n\nfunction @entry("));
}

test("an assembly site takes and gives its operands at exactly their widths, and is one however often it is called", (t) => {
  const text = `
    const inByte = asm({ template: "inb $1, $0", constraints: "={al},{dx}", params: [u16], result: u8 });
    const outByte = asm({ template: "outb $1, $0", constraints: "{dx},{al}", params: [u16, u8] });
    function f(port: u16): u8 { outByte(port, 7); outByte(128, inByte(port)); return inByte(128); }`;
  t.is(
    irOf(text, "u16", "u8"),
    `asm asm.0(i16, i8): void effects "outb $1, $0" "{dx},{al}"
asm asm.1(i16): i8 effects "inb $1, $0" "={al},{dx}"

function @f(%port: i32): i32 {
entry:
  %0 = ule i32 %port, i32 65535
  assume %0
  %1 = trunc i32 %port to i16
  %2 = trunc i32 i32 7 to i8
  asm void asm.0(%1, %2)
  %3 = trunc i32 %port to i16
  %4 = asm i8 asm.1(%3)
  %5 = zext i8 %4 to i32
  %6 = trunc i32 i32 128 to i16
  %7 = trunc i32 %5 to i8
  asm void asm.0(%6, %7)
  %8 = trunc i32 i32 128 to i16
  %9 = asm i8 asm.1(%8)
  %10 = zext i8 %9 to i32
  return %10
}`,
  );
});

test("an assembly site passes truth values as bytes, and says that it has no effects where it was declared so", (t) => {
  const text = `
    const pure = asm({ template: "x", constraints: "=r,r,r,r", params: [i32, bool, u64], result: bool, sideEffects: false });
    function f(a: i32, b: boolean): boolean { return pure(a, b, 5n); }`;
  t.is(
    irOf(text, "i32, bool", "bool"),
    `asm asm.0(i32, i8, i64): i8 "x" "=r,r,r,r"

function @f(%a: i32, %b: i1): i1 {
entry:
  %0 = zext i1 %b to i8
  %1 = asm i8 asm.0(%a, %0, i64 5)
  %2 = ne i8 %1, i8 0
  return %2
}`,
  );
});

test("the addresses of a compiled function, of a naked one and of the image are those of their symbols", (t) => {
  const text = `
    function g(a: u64): u64 { return a; }
    const stub = naked({ symbol: "stub", lines: ["jmp %{g}"], uses: { g } });
    function f(): u64 { return u64(addressOfFunction(g) + addressOfFunction(stub) - imageBase()); }`;
  t.is(
    irOf(text, "", "u64"),
    `naked @stub uses @g.entry {
  jmp g.entry
}

function @g(%a: i64): i64 {
entry:
  return %a
}

function @g.entry(%a0: i64): i64 exported inline-never {
entry:
  %0 = call i64 @g(%a0)
  return %0
}

function @f(): i64 {
entry:
  %0 = ptrtoint ptr @g.entry to i64
  %1 = ptrtoint ptr @stub to i64
  %2 = add i64 %0, %1
  %3 = ptrtoint ptr @__ImageBase to i64
  %4 = sub i64 %2, %3
  return %4
}`,
  );
});

test("a firmware function is called through its address, with 64-bit arguments", (t) => {
  const text = `function f(at: u64, n: u64): u64 { return callFirmware(at, n, u64(n + 1n)); }`;
  t.is(
    irOf(text, "u64, u64", "u64"),
    `function @f(%at: i64, %n: i64): i64 {
entry:
  %0 = add i64 %n, i64 1
  %1 = inttoptr i64 %at to ptr
  %2 = call i64 %1(%n, %0)
  return %2
}`,
  );
});
