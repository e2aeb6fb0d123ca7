import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { i64, i8, ptr, voidType, type IrModule, type IrType, type Value } from "../ir/ir.ts";
import { outSite, sampleFunction, sampleGlobal, sampleModule } from "../link/sample.ts";
import { emitModule } from "./emit.ts";
import { efiTarget, wasmTarget, type Target } from "./target.ts";
import { discard, runTool } from "./toolchain.ts";

const param = (index: number, type = i64): Value => ({ kind: "param", type, index });

/** The LLVM assembly of a module, after LLVM has read it back. */
function emitted(parts: Partial<IrModule>, target: Target = efiTarget): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  try {
    const { text } = emitModule(sampleModule(parts), { target, debug: false, external: new Set(), folder });
    return text;
  } finally {
    discard(folder);
  }
}

/** The attributes that a function is defined with. */
function attributesOf(text: string, symbol: string): string {
  const group = new RegExp(`^define .*@${symbol}\\(.*#(\\d+)`, "m").exec(text)?.[1];
  return new RegExp(`^attributes #${group} = \\{(.*)\\}$`, "m").exec(text)?.[1] ?? "";
}

const stop = (options: Parameters<typeof sampleFunction>[4], symbol = "f") =>
  sampleFunction(symbol, [], voidType, (b) => b.return(), options);

test("functions are internal unless exported or named by assembly", (t) => {
  const uses = {
    symbol: "n",
    displayName: "n",
    lines: ["jmp used"],
    uses: ["used", "table"],
    loc: undefined,
  };
  const text = emitted({
    functions: [stop({ exported: false }, "hidden"), stop({}, "open"), stop({ exported: false }, "used")],
    globals: [sampleGlobal("secret", 8), sampleGlobal("table", 8)],
    naked: [uses],
  });
  t.regex(text, /^define internal void @hidden\(/m);
  t.regex(text, /^define dso_local void @open\(/m);
  t.regex(text, /^define dso_local void @used\(/m);
  t.regex(text, /^@secret = internal global/m);
  t.regex(text, /^@table = dso_local global/m);
});

test("every function of the bare machine has no red zone, no vector registers, no jump tables", (t) => {
  const attributes = attributesOf(emitted({ functions: [stop({})] }), "f");
  for (const wanted of [
    "noredzone",
    "nounwind",
    "null_pointer_is_valid",
    '"no-jump-tables"="true"',
    "-sse2,+soft-float",
  ]) {
    t.true(attributes.includes(wanted), wanted);
  }
});

test("cold functions are for size and apart, and inlining is as asked", (t) => {
  const text = emitted({
    functions: [
      stop({ cold: true }, "cold"),
      stop({ inline: "always" }, "always"),
      stop({ inline: "never" }, "never"),
      stop({ section: ".text$hot" }, "placed"),
    ],
  });
  t.regex(text, /@cold\(\).* section "\.text\$zcold"/);
  t.regex(attributesOf(text, "cold"), /cold.*minsize.*optsize/);
  t.regex(attributesOf(text, "always"), /alwaysinline/);
  t.regex(attributesOf(text, "never"), /noinline/);
  t.regex(text, /@placed\(\).* section "\.text\$hot"/);
  t.notRegex(attributesOf(text, "placed"), /minsize/);
});

test("what a parameter promises reaches the optimiser", (t) => {
  const params = [
    { name: "state", type: ptr, noalias: true, dereferenceableBytes: 24 },
    { name: "byte", type: i8 },
  ];
  const text = emitted({ functions: [sampleFunction("f", params, voidType, (b) => b.return())] });
  t.regex(text, /@f\(i8\* noalias nonnull dereferenceable\(24\) %0, i8 zeroext %1\)/);
});

test("expected sides and weighted cases become branch weights", (t) => {
  const text = emitted({
    functions: [
      sampleFunction("f", [i64], i64, (b) => {
        const [likely, other, one, two] = ["likely", "other", "one", "two"].map((name) => b.block(name));
        b.branch(b.compare("eq", param(0), constant(i64, 1n)), likely!, other!, [2000, 1]);
        b.place(likely!);
        b.return(param(0));
        b.place(other!);
        const cases = [
          { value: 2n, to: one!, weight: 900 },
          { value: 3n, to: two!, weight: 5 },
        ];
        b.switch(param(0), cases, likely!);
        b.place(one!);
        b.return(constant(i64, 7n));
        b.place(two!);
        b.return(constant(i64, 8n));
      }),
    ],
  });
  const weights = (line: RegExp): string => {
    const node = line.exec(text)?.[1];
    return new RegExp(`^!${node} = (.*)$`, "m").exec(text)?.[1] ?? "none";
  };
  t.is(weights(/^ {2}br i1 .*!prof !(\d+)$/m), '!{!"branch_weights", i32 2000, i32 1}');
  t.is(weights(/^ {2}\], !prof !(\d+)$/m), '!{!"branch_weights", i32 1, i32 900, i32 5}');
});

test("a record that several ways return meets field by field, and one way returns it as it is", (t) => {
  const pair: IrType = { kind: "record", fields: [i64, i64] };
  const made = (b: FunctionBuilder, first: bigint): Value => b.record([constant(i64, first), param(0)]);
  const often = sampleFunction("often", [i64], pair, (b) => {
    const [then, next] = [b.block("then"), b.block("next")];
    b.branch(b.compare("eq", param(0), constant(i64, 1n)), then, next);
    b.place(then);
    b.return(made(b, 5n));
    b.place(next);
    b.return(made(b, 6n));
  });
  const once = sampleFunction("once", [i64], pair, (b) => b.return(made(b, 7n)));
  const text = emitted({ functions: [often, once] });
  t.is(text.match(/ret \{ i64, i64 \}/g)?.length, 2);
  t.is(text.match(/= phi i64 /g)?.length, 2);
  t.notRegex(text, /phi \{/);
});

test("a mask of 8 or 16 ones is a truncation, and another mask is none", (t) => {
  const masked = (mask: bigint): string =>
    emitted({
      functions: [
        sampleFunction("f", [i64], i64, (b) => b.return(b.binary("and", param(0), constant(i64, mask)))),
      ],
    });
  t.regex(masked(0xffn), /trunc i64 %0 to i8/);
  t.regex(masked(0xffffn), /trunc i64 %0 to i16/);
  t.regex(masked(0xfffn), /and i64 %0, 4095/);
});

test("volatile, order and alignment of an access reach LLVM as they were said", (t) => {
  const address = param(0, ptr);
  const one = constant(i64, 1n);
  const text = emitted({
    functions: [
      sampleFunction("f", [ptr], voidType, (b) => {
        b.load(i64, address, 8, true);
        b.load(i64, address, 8, false, "acquire");
        b.load(i64, address, 2);
        b.store(one, address, 8, true, "release");
        b.store(one, address, 8, false, "seqcst");
        b.rmw("sub", address, one, "acqrel");
        b.cmpxchg(address, one, one, "acqrel");
        b.cmpxchg(address, one, one, "release");
        b.fence("acqrel");
        b.load(i64, address, 8);
        b.store(one, address, 8);
        b.return();
      }),
    ],
  });
  const accesses = text.match(/\b(load|store|atomicrmw|cmpxchg|fence) .*$/gm) ?? [];
  t.deepEqual(
    accesses.map((line) => line.replace(/ %\w+/g, "")),
    [
      "load volatile i64, i64*, align 8",
      "load atomic i64, i64* acquire, align 8",
      "load i64, i64*, align 2",
      "store atomic volatile i64, i64* release, align 8",
      "store atomic i64, i64* seq_cst, align 8",
      "atomicrmw sub i64*, i64 acq_rel, align 8",
      "cmpxchg i64*, i64, i64 acq_rel acquire, align 8",
      "cmpxchg i64*, i64, i64 release monotonic, align 8",
      "fence acq_rel",
      "load i64, i64*, align 8",
      "store i64 1, i64*, align 8",
    ],
  );
});

test("locals have the alignment that they ask for", (t) => {
  const text = emitted({
    functions: [
      sampleFunction("f", [], i64, (b) => {
        const [page, word, odd] = [b.slot("page", 4096, 4096), b.slot("word", 8, 8), b.slot("odd", 6, 2)];
        b.store(b.cast("ptrtoint", page, i64), word, 8);
        b.store(b.load(i64, word, 8), odd, 2);
        b.return(b.load(i64, odd, 2));
      }),
    ],
  });
  t.regex(text, /= alloca \[512 x i64\], align 4096$/m);
  t.regex(text, /= alloca i64, align 8$/m);
  t.regex(text, /= alloca \[3 x i16\], align 2$/m);
});

test("one use of assembly, one helper; one block takes every trap of a function", (t) => {
  const text = emitted({
    functions: [
      sampleFunction("f", [i64], voidType, (b) => {
        const [a, c, done] = [b.block("a"), b.block("c"), b.block("done")];
        const next = b.block("next");
        b.branch(b.compare("eq", param(0), constant(i64, 1n)), a, next);
        b.place(a);
        b.trap(0);
        b.place(next);
        b.branch(b.compare("eq", param(0), constant(i64, 2n)), c, done);
        b.place(c);
        b.trap(1);
        b.place(done);
        b.return();
      }),
      sampleFunction("handler", [{ kind: "int", bits: 32 }], voidType, (b) => b.unreachable()),
    ],
    asmSites: [outSite],
    traps: ["a", "b"],
    trapHandler: "handler",
  });
  t.is(text.match(/call void @tv\.trap\(/g)?.length, 1);
  t.regex(text, /phi i32 \[ 0, .* \], \[ 1, .* \]/);
  t.regex(attributesOf(text, "handler"), /cold.*noreturn/);
  t.regex(text, /^define internal void @tv\.asm\.out\(i16 %a0, i8 %a1\) #\d+ \{$/m);
});

test("an assembly site changes the flags of an x86, whatever it says", (t) => {
  const parts = { functions: [stop({})], asmSites: [outSite] };
  t.regex(emitted(parts), /asm sideeffect "outb .*", "[^"]*,~\{dirflag\},~\{fpsr\},~\{flags\}"\(/);
  t.notRegex(emitted(parts, wasmTarget), /~\{flags\}/);
});

test("addresses in static storage are relocations on both targets, eight bytes each", (t) => {
  const parts = {
    functions: [stop({})],
    globals: [
      sampleGlobal("table", 32, {
        init: new Uint8Array([1, 2, 3]),
        relocations: [
          { offset: 8, symbol: "f", addend: 0 },
          { offset: 16, symbol: "table", addend: 4 },
        ],
      }),
    ],
  };
  const efi = /^@table = .*$/m.exec(emitted(parts))![0];
  t.regex(
    efi,
    /<\{ \[8 x i8\], i8\*, i8\*, \[8 x i8\] \}> <\{ \[8 x i8\] c"\\01\\02\\03\\00.*bitcast \(void \(\)\* @f to i8\*\)/,
  );
  const wasm = /^@table = .*$/m.exec(emitted(parts, wasmTarget))![0];
  t.regex(wasm, /<\{ \[8 x i8\], i8\*, i32, i8\*, i32, \[8 x i8\] \}>/);
});

test("symbols and texts with any characters survive", (t) => {
  const text = emitted({
    functions: [
      sampleFunction("kernel/exit.ts:handle<u8>", [], ptr, (b) => b.return(symbolAddress("text$1"))),
    ],
    globals: [sampleGlobal("text$1", 4, { init: Buffer.from('"\\\n\0') })],
    name: 'images/"quoted".ts',
  });
  t.regex(text, /@"kernel\/exit\.ts:handle<u8>"/);
  t.regex(text, /@"text\$1" = .* c"\\22(\\\\|\\5C)\\0A\\00"/);
});

test("a missing tool says so", (t) => {
  t.throws(() => runTool("llvm-nothing-14", []), { message: "llvm-nothing-14 is not installed" });
});
