/** A hand-built UEFI application that prints a greeting, runs what a test adds, and leaves QEMU with status 33. */
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { i16, i64, i8, ptr, voidType, type IrModule, type Value } from "../ir/ir.ts";
import { outSite, sampleFunction, sampleGlobal, sampleModule, saySite } from "./sample.ts";

/** A value of isa-debug-exit's port. */
export const exitPort = constant(i16, 0xf4n);
const param = (index: number, type = i64): Value => ({ kind: "param", type, index });
const greeting = Buffer.from("hello from the IR\n");

function loop(b: FunctionBuilder, count: Value, body: (i: Value) => void): void {
  const i = b.slot("i", 8, 8);
  const [head, inside, done] = [b.block("head"), b.block("inside"), b.block("done")];
  b.store(constant(i64, 0n), i, 8);
  b.jump(head);
  b.place(head);
  const at = b.load(i64, i, 8);
  b.branch(b.compare("ult", at, count), inside, done, [2000, 1]);
  b.place(inside);
  body(at);
  b.store(b.binary("add", at, constant(i64, 1n)), i, 8);
  b.jump(head);
  b.place(done);
}

/** An application that prints a text, the checks' letters, and leaves with status 33. */
export function sampleApplication(
  checks: (b: FunctionBuilder, say: (letter: Value) => void) => void = () => undefined,
): IrModule {
  const put = sampleFunction(
    "put",
    [i8],
    voidType,
    (b) => {
      b.callAsm("say", voidType, [param(0, i8)]);
      b.return();
    },
    { exported: false, inline: "never", displayName: "serial.put" },
  );
  const print = sampleFunction(
    "print",
    [ptr, i64],
    voidType,
    (b) => {
      loop(b, param(1), (i) => b.call("put", voidType, [b.load(i8, b.index(param(0, ptr), i, 1), 1)]));
      b.return();
    },
    { exported: false, inline: "never", cold: true },
  );
  const main = sampleFunction("efi_main", [ptr, ptr], i64, (b) => {
    b.call("print", voidType, [symbolAddress("greeting"), constant(i64, BigInt(greeting.length))]);
    checks(b, (letter) => b.call("put", voidType, [letter]));
    b.callAsm("out", voidType, [exitPort, constant(i8, 16n)]);
    b.return(constant(i64, 0n));
  });
  return sampleModule({
    functions: [put, print, main],
    globals: [sampleGlobal("greeting", greeting.length, { constant: true, init: greeting, align: 1 })],
    asmSites: [outSite, saySite],
  });
}
