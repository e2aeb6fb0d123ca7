import test from "ava";
import { outSite, sampleFunction, sampleGlobal, sampleModule } from "../link/sample.ts";
import { constant, symbolAddress } from "./builder.ts";
import { i1, i16, i32, i64, i8, ptr, voidType, type IrModule, type Value } from "./ir.ts";
import { printModule } from "./print.ts";

/** One function with every instruction and every end. */
function everything(): IrModule {
  const at: Value = { kind: "param", type: ptr, index: 0 };
  const n: Value = { kind: "param", type: i32, index: 1 };
  const fn = sampleFunction(
    "everything",
    [
      { name: "at", type: ptr, noalias: true, dereferenceableBytes: 64 },
      { name: "n", type: i32 },
    ],
    i64,
    (b) => {
      const [loop, other, out, bad, gone] = ["loop", "other", "out", "bad", "gone"].map((name) =>
        b.block(name),
      );
      const slot = b.slot("sum", 8, 8);
      b.declare(slot, "sum", { kind: "int", name: "u64", sizeBytes: 8, signed: false });
      const wide = b.cast("zext", n, i64);
      b.store(b.unary("ctpop", wide), slot, 8);
      b.jump(loop!);
      b.place(loop!);
      b.loc = { file: "sample.ts", line: 2, column: 1 };
      const element = b.index(b.offset(at, 16), b.binary("and", wide, constant(i64, 3n)), 8);
      const old = b.load(i64, element, 8, true);
      b.store(b.load(i64, element, 8, false, "acquire"), element, 8, false, "release");
      const before = b.rmw("add", element, old, "seqcst");
      const swapped = b.cmpxchg(element, before, constant(i64, 1n), "acqrel");
      b.fence("acquire");
      b.copy(at, symbolAddress("text"), constant(i64, 5n));
      b.copy(at, b.offset(at, 1), constant(i64, 5n), true);
      b.fill(at, constant(i8, 0n), constant(i64, 5n));
      b.branch(b.extract(swapped, 1), loop!, other!, [1, 2000]);
      b.place(other!);
      b.callAsm("out", voidType, [constant(i16, 0xf4n), constant(i8, 1n)]);
      const pair = b.record([before, b.compare("slt", n, constant(i32, 5n))]);
      b.assume(b.extract(pair, 1));
      b.call("host", voidType, [b.select(constant(i1, 1n), old, before)]);
      b.callPointer(at, voidType, [{ kind: "null", type: ptr }]);
      b.switch(
        n,
        [
          { value: 1n, to: out!, weight: 1 },
          { value: 2n, to: bad!, weight: 50 },
        ],
        gone!,
      );
      b.place(out!);
      b.return(b.load(i64, slot, 8));
      b.place(bad!);
      b.trap(0);
      b.place(gone!);
      b.unreachable();
    },
    { cold: true, inline: "never", section: ".text$b" },
  );
  return sampleModule({
    functions: [fn],
    globals: [
      sampleGlobal("text", 5, { constant: true, init: Buffer.from("text\0"), align: 1 }),
      sampleGlobal("table", 16, {
        relocations: [{ offset: 8, symbol: "text", addend: 2 }],
        section: ".data$t",
        exported: true,
      }),
    ],
    asmSites: [outSite],
    naked: [
      {
        symbol: "halt",
        displayName: "halt",
        lines: ["  cli", "hlt"],
        uses: ["text"],
        section: ".text$a",
        loc: undefined,
      },
    ],
    imports: [{ symbol: "host", params: [i64], result: voidType }],
    traps: ["a bound"],
    trapHandler: undefined,
  });
}

const golden = `module "sample"

trap 0 "a bound"

import @host(i64): void

constant @text 5 bytes align 1 = 7465787400
global @table 16 bytes align 8 exported section ".data$t" [8: @text + 2]

asm out(i16, i8): void effects "outb $1, $0" "{dx},{ax}"

naked @halt section ".text$a" uses @text {
  cli
  hlt
}

function @everything(%at: ptr noalias dereferenceable(64), %n: i32): i64 exported inline-never cold section ".text$b" {
entry:
  %0 = slot sum 8 align 8 ; sample.ts:1
  declare sum %0
  %1 = zext i32 %n to i64
  %2 = ctpop i64 %1
  store i64 %2 to %0 align 8
  jump loop
loop:
  %3 = offset %at, 16 ; sample.ts:2
  %4 = and i64 %1, i64 3
  %5 = index %3, %4 * 8
  %6 = load volatile i64 %5 align 8
  %7 = load acquire i64 %5 align 8
  store release i64 %7 to %5 align 8
  %8 = rmw add seqcst i64 %5, %6
  %9 = cmpxchg acqrel { i64, i1 } %5, %8, i64 1
  fence acquire
  copy %at, @text, i64 5
  %10 = offset %at, 1
  move %at, %10, i64 5
  fill %at, i8 0, i64 5
  %11 = extract i1 %9, 1
  branch (1:2000) %11, loop, other
other:
  asm void out(i16 244, i8 1)
  %12 = slt i32 %n, i32 5
  %13 = record { i64, i1 } (%8, %12)
  %14 = extract i1 %13, 1
  assume %14
  %15 = select i64 i1 1, %6, %8
  call void @host(%15)
  call void %at(null)
  switch %n [1: out, 2: bad (50)] else gone
out:
  %16 = load i64 %0 align 8
  return %16
bad:
  trap 0
gone:
  unreachable
}
`;

test("a module prints as text with every instruction, end, fact and source line", (t) => {
  t.is(printModule(everything(), { locations: true }), golden);
});

test("printing does not depend on how values were numbered", (t) => {
  const shift = (id: number): number => 100 + 7 * id;
  const renumber = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renumber);
    if (typeof value !== "object" || value === null) return value;
    const made = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renumber(item)]));
    return made["kind"] === "result" ? { ...made, id: shift(made["id"] as number) } : made;
  };
  const make = (first: number): IrModule => {
    const fn = sampleFunction("sum", [i32], i32, (b) => {
      const once = b.binary("add", { kind: "param", type: i32, index: 0 }, constant(i32, BigInt(first)));
      b.return(b.binary("mul", once, once));
    });
    return sampleModule({ functions: [fn] });
  };
  const module = make(3);
  t.is(printModule(renumber(module) as IrModule), printModule(module));
  t.not(printModule(make(4)), printModule(module));
});
