import test from "ava";
import { outSite, sampleFunction, sampleGlobal, sampleModule } from "../link/sample.ts";
import { constant, symbolAddress, type FunctionBuilder } from "./builder.ts";
import type { Block, IrFunction, IrModule, IrType, Value } from "./ir.ts";
import { i1, i16, i32, i64, i8, ptr, voidType } from "./ir.ts";
import { verifyModule } from "./verify.ts";

const param = (index: number, type: IrType = i64): Value => ({ kind: "param", type, index });
const one = constant(i64, 1n);
const nothing: Value = { kind: "null", type: ptr };
const pair: IrType = { kind: "record", fields: [i64, i8] };

const messages = (module: IrModule): string[] => verifyModule(module).map(({ message }) => message);

/** The messages about one function of `(i64, ptr) → i64`, whose body is followed by a return. */
function bodyMessages(build: (b: FunctionBuilder) => void, parts: Partial<IrModule> = {}): string[] {
  const fn = sampleFunction("f", [i64, ptr], i64, (b) => {
    build(b);
    b.return(param(0));
  });
  const callee = sampleFunction("callee", [i64], i32, (b) => b.return(constant(i32, 0n)));
  return messages(sampleModule({ functions: [fn, callee], asmSites: [outSite], ...parts }));
}

/** A value that claims to be another type. */
const as = (value: Value, type: IrType): Value => ({ ...value, type }) as Value;

const wrongBodies: readonly [name: string, message: string, build: (b: FunctionBuilder) => void][] = [
  ["a slot without a size", "slot: 0 is no size", (b) => b.slot("s", 0, 8)],
  ["a slot's alignment", "slot: alignment 3 is no power of two", (b) => b.slot("s", 8, 3)],
  [
    "operands of two widths",
    "add: the right operand is i32, not i64",
    (b) => b.binary("add", one, constant(i32, 1n)),
  ],
  [
    "arithmetic on a pointer",
    "xor: the left operand is ptr, not an integer",
    (b) => b.binary("xor", param(1, ptr), param(1, ptr)),
  ],
  ["a shift by the width", "shl: a shift by 64 of i64", (b) => b.binary("shl", one, constant(i64, 64n))],
  ["a division by zero", "udiv: a division by zero", (b) => b.binary("udiv", one, constant(i64, 0n))],
  [
    "a comparison of two types",
    "eq: the right operand is ptr, not i64",
    (b) => b.compare("eq", one, nothing),
  ],
  [
    "a comparison of records",
    "eq: integers and pointers compare",
    (b) => b.compare("eq", b.record([one]), b.record([one])),
  ],
  ["a zext that narrows", "zext: i64 to i8 is no widening", (b) => b.cast("zext", one, i8)],
  ["a trunc that widens", "trunc: i64 to i64 is no narrowing", (b) => b.cast("trunc", one, i64)],
  [
    "a ptrtoint to i32",
    "ptrtoint: ptr to i32 is not ptr to i64",
    (b) => b.cast("ptrtoint", param(1, ptr), i32),
  ],
  [
    "an inttoptr of i32",
    "inttoptr: i32 to ptr is not i64 to ptr",
    (b) => b.cast("inttoptr", constant(i32, 1n), ptr),
  ],
  ["a swap of one byte", "bswap: at least two bytes are swapped", (b) => b.unary("bswap", constant(i8, 1n))],
  ["a select on i64", "select: the condition is i64, not i1", (b) => b.select(one, one, one)],
  ["an offset from an integer", "offset: the base is i64, not a pointer", (b) => b.offset(one, 8)],
  [
    "an index of i32",
    "index: the index is i32, not i64",
    (b) => b.index(param(1, ptr), constant(i32, 1n), 8),
  ],
  ["a stride of 0", "index: 0 is no stride", (b) => b.index(param(1, ptr), one, 0)],
  ["a load from an integer", "load: the address is i64, not a pointer", (b) => b.load(i64, one, 8)],
  ["a load of a record", "load: { i64, i8 } has no form in memory", (b) => b.load(pair, param(1, ptr), 8)],
  [
    "a load that releases",
    "load: the order release does not apply",
    (b) => b.load(i64, param(1, ptr), 8, false, "release"),
  ],
  [
    "an atomic that is not aligned",
    "store: an atomic access is aligned, and 8 bytes at most",
    (b) => b.store(one, param(1, ptr), 4, false, "seqcst"),
  ],
  ["an access's alignment", "store: alignment 6 is no power of two", (b) => b.store(one, param(1, ptr), 6)],
  [
    "an rmw of i128",
    "add: 8 to 64 bits are atomic",
    (b) => b.rmw("add", param(1, ptr), b.cast("zext", one, { kind: "int", bits: 128 }), "seqcst"),
  ],
  [
    "a cmpxchg of two types",
    "cmpxchg: the desired value is i8, not i64",
    (b) => b.cmpxchg(param(1, ptr), one, constant(i8, 1n), "seqcst"),
  ],
  ["a fence that orders nothing", "fence: a fence orders something", (b) => b.fence("relaxed")],
  [
    "a copy of i32 bytes",
    "copy: the count of bytes is i32, not i64",
    (b) => b.copy(param(1, ptr), param(1, ptr), constant(i32, 1n)),
  ],
  ["a fill with i64", "fill: the fill is i64, not i8", (b) => b.fill(param(1, ptr), one, one)],
  ["a call of nothing", "call: @missing does not exist", (b) => b.call("missing", voidType, [])],
  [
    "a call with an argument too many",
    "call: 2 arguments for @callee",
    (b) => b.call("callee", i32, [one, one]),
  ],
  [
    "a call with a wrong argument",
    "call: argument 0 of @callee is ptr, not i64",
    (b) => b.call("callee", i32, [nothing]),
  ],
  ["a call with a wrong result", "call: the result is i64, not i32", (b) => b.call("callee", i64, [one])],
  [
    "assembly that is not there",
    "callAsm: assembly site missing does not exist",
    (b) => b.callAsm("missing", voidType, []),
  ],
  [
    "assembly's operands",
    "callAsm: argument 1 of assembly site out is i16, not i8",
    (b) => b.callAsm("out", voidType, [constant(i16, 1n), constant(i16, 1n)]),
  ],
  [
    "a call through an integer",
    "callPointer: the callee is i64, not a pointer",
    (b) => b.callPointer(one, voidType, []),
  ],
  ["a field that is not there", "extract: { i64 } has no field 1", (b) => b.extract(b.record([one]), 1)],
  ["an assumption of i64", "assume: the condition is i64, not i1", (b) => b.assume(one)],
  [
    "a constant that is too large",
    "constant 256 does not fit i8",
    (b) => b.binary("add", { kind: "const", type: i8, value: 256n }, constant(i8, 1n)),
  ],
  [
    "a symbol that is not there",
    "symbol missing does not exist",
    (b) => b.load(i64, symbolAddress("missing"), 8),
  ],
  ["a parameter that is not there", "parameter 7 does not exist", (b) => b.binary("add", param(7), one)],
  [
    "a parameter's type",
    "parameter p0 is i64 and is used as i32",
    (b) => b.binary("add", param(0, i32), constant(i32, 1n)),
  ],
  [
    "a result that is never made",
    "result 77 is never made",
    (b) => b.binary("add", { kind: "result", type: i64, id: 77 }, one),
  ],
  [
    "a result's type",
    "result 0 is i64 and is used as i32",
    (b) => b.binary("add", as(b.binary("add", one, one), i32), constant(i32, 1n)),
  ],
];

for (const [name, message, build] of wrongBodies) {
  test(`${name} is found`, (t) => {
    const found = bodyMessages(build);
    t.true(found.includes(message), `found ${JSON.stringify(found)}`);
  });
}

test("a sound module has no problems", (t) => {
  t.deepEqual(
    bodyMessages((b) => b.call("callee", i32, [one])),
    [],
  );
});

/** Blocks built by hand, because the builder makes sound ones. */
function handBuilt(
  change: (entry: Block, then: Block, otherwise: Block, add: Value) => readonly Block[],
): string[] {
  const result = { kind: "result" as const, type: i64, id: 0 };
  const entry: Block = { label: "entry", instrs: [], end: undefined };
  const then: Block = { label: "then", instrs: [], end: undefined };
  const otherwise: Block = { label: "otherwise", instrs: [], end: undefined };
  const loc = undefined;
  entry.end = { op: "branch", cond: constant(i1, 1n), then, else: otherwise, weights: undefined, loc };
  then.instrs.push({ op: "binary", fn: "add", a: one, b: one, result, loc });
  then.end = { op: "return", value: result, loc };
  otherwise.end = { op: "return", value: one, loc };
  const sample = sampleFunction("f", [i64, ptr], i64, (b) => b.return(one));
  const fn: IrFunction = { ...sample, blocks: [...change(entry, then, otherwise, result)] };
  return messages(sampleModule({ functions: [fn] }));
}

test("a use that its definition does not dominate is found", (t) => {
  const fine = handBuilt((entry, then, otherwise) => [entry, then, otherwise]);
  t.deepEqual(fine, []);
  const across = handBuilt((entry, then, otherwise, add) => {
    otherwise.end = { op: "return", value: add, loc: undefined };
    return [entry, then, otherwise];
  });
  t.deepEqual(across, ["a binary does not dominate its use"]);
  const before = handBuilt((entry, then, otherwise, add) => {
    then.instrs.unshift({
      op: "unary",
      fn: "ctpop",
      a: add,
      result: { kind: "result", type: i64, id: 1 },
      loc: undefined,
    });
    return [entry, then, otherwise];
  });
  t.deepEqual(before, ["a binary does not dominate its use"]);
  const joined = handBuilt((entry, then, otherwise, add) => {
    const join: Block = { label: "join", instrs: [], end: { op: "return", value: add, loc: undefined } };
    then.end = { op: "jump", to: join, loc: undefined };
    otherwise.end = { op: "jump", to: join, loc: undefined };
    return [entry, then, otherwise, join];
  });
  t.deepEqual(joined, ["a binary does not dominate its use"]);
});

test("blocks without an end, out of the function, with one label, and ways back to the entry are found", (t) => {
  t.deepEqual(
    handBuilt((entry, then, otherwise) => {
      otherwise.end = undefined;
      return [entry, then, otherwise];
    }),
    ["block otherwise has no end"],
  );
  t.true(handBuilt((entry, then) => [entry, then]).includes("block otherwise is not in the function"));
  t.deepEqual(
    handBuilt((entry, then, otherwise) => {
      otherwise.end = { op: "jump", to: entry, loc: undefined };
      return [entry, then, otherwise];
    }),
    ["nothing goes back to the entry block"],
  );
  t.deepEqual(
    handBuilt((entry, then, otherwise) => [entry, then, Object.assign(otherwise, { label: "then" })]),
    ["label then is used twice"],
  );
  t.deepEqual(
    handBuilt((entry, then, otherwise) => {
      otherwise.instrs.push({
        op: "slot",
        name: "late",
        sizeBytes: 8,
        align: 8,
        result: { kind: "result", type: ptr, id: 5 },
        loc: undefined,
      });
      return [entry, then, otherwise];
    }),
    ["slot late is outside of the entry block"],
  );
  const twice = handBuilt((entry, then, otherwise) => {
    otherwise.instrs.push(...then.instrs);
    return [entry, then, otherwise];
  });
  t.true(twice.includes("result 0 is made twice"));
});

test("ends ask for their types, and for trap sites that exist", (t) => {
  const ends = (build: (b: FunctionBuilder) => void): string[] => bodyMessages((b) => build(b));
  t.deepEqual(
    ends((b) => b.return()),
    ["return: the value is void, not i64"],
  );
  t.deepEqual(
    ends((b) => b.trap(0)),
    ["trap: trap site 0 does not exist"],
  );
  const go = (b: FunctionBuilder, end: (to: Block) => void): void => {
    const to = b.block("to");
    end(to);
    b.place(to);
  };
  t.deepEqual(
    ends((b) => go(b, (to) => b.branch(one, to, to))),
    ["branch: the condition is i64, not i1"],
  );
  const cases = (to: Block, ...values: bigint[]) => values.map((value) => ({ value, to, weight: 1 }));
  t.deepEqual(
    ends((b) => go(b, (to) => b.switch(one, cases(to, 3n, 3n), to))),
    ["switch: a case is there twice"],
  );
  t.deepEqual(
    ends((b) => go(b, (to) => b.switch(constant(i8, 1n), cases(to, 256n), to))),
    ["switch: case 256 does not fit the value"],
  );
});

test("symbols are unique, not reserved and there; globals hold what they say", (t) => {
  const global = (options: Parameters<typeof sampleGlobal>[2]): string[] =>
    messages(sampleModule({ globals: [sampleGlobal("g", 16, options)] }));
  t.deepEqual(global({}), []);
  t.deepEqual(global({ align: 12 }), ["alignment 12 is no power of two"]);
  t.deepEqual(global({ init: new Uint8Array(17) }), ["17 bytes of initialiser for 16 bytes"]);
  t.deepEqual(global({ relocations: [{ offset: 0, symbol: "missing", addend: 0 }] }), [
    "symbol missing does not exist",
  ]);
  const to = (...offsets: number[]) => offsets.map((offset) => ({ offset, symbol: "g", addend: 0 }));
  t.deepEqual(global({ relocations: to(0, 4) }), ["the address at offset 4 overlaps another"]);
  t.deepEqual(global({ relocations: to(12) }), ["the address at offset 12 is outside of the global"]);
  t.deepEqual(messages(sampleModule({ globals: [sampleGlobal("g", 8), sampleGlobal("g", 8)] })), [
    "symbol g is defined twice",
  ]);
  t.deepEqual(messages(sampleModule({ globals: [sampleGlobal("memcpy", 8)] })), [
    "symbol memcpy is reserved for the emitter",
  ]);
  t.deepEqual(messages(sampleModule({ globals: [sampleGlobal('a"b', 8)] })), ["a symbol is printable ASCII"]);
  t.deepEqual(messages(sampleModule({ asmSites: [outSite, outSite] })), [
    "assembly site out is defined twice",
  ]);
  const naked = { symbol: "n", displayName: "n", lines: ["ret"], uses: ["missing"], loc: undefined };
  t.deepEqual(messages(sampleModule({ naked: [naked] })), ["symbol missing does not exist"]);
  t.deepEqual(messages(sampleModule({ trapHandler: "missing" })), [
    "the trap handler missing does not exist",
  ]);
  const handler = sampleFunction("handler", [i64], voidType, (b) => b.unreachable());
  t.deepEqual(messages(sampleModule({ functions: [handler], trapHandler: "handler" })), [
    "the trap handler takes one i32 and gives nothing",
  ]);
});

test("an assembly function has the signature of its first call", (t) => {
  const naked = [{ symbol: "n", displayName: "n", lines: ["ret"], uses: [], loc: undefined }];
  const calls = (...args: (readonly Value[])[]): string[] =>
    bodyMessages((b) => args.forEach((list) => b.call("n", voidType, list)), { naked });
  t.deepEqual(
    calls([one], [one]).filter((m) => !m.includes("callee")),
    [],
  );
  t.deepEqual(calls([one], [nothing]), ["call: argument 0 of @n is ptr, not i64"]);
});
