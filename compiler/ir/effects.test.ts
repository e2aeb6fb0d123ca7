import test from "ava";
import { constant, FunctionBuilder, symbolAddress } from "./builder.ts";
import { EffectsAnalysis, overlap, type FunctionEffects } from "./effects.ts";
import {
  i32,
  i64,
  i8,
  ptr,
  voidType,
  type IrFunction,
  type IrGlobal,
  type IrType,
  type Value,
} from "./ir.ts";

const self: Value = { kind: "param", type: ptr, index: 0 };
const other: Value = { kind: "param", type: ptr, index: 1 };
const number = constant(i32, 7n);
const loc = { file: "t.ts", line: 1, column: 1 };

function made(symbol: string, params: readonly IrType[], body: (b: FunctionBuilder) => void): IrFunction {
  const b = new FunctionBuilder();
  b.loc = loc;
  body(b);
  return {
    symbol,
    displayName: symbol,
    loc,
    params: params.map((type, i) => ({ name: `p${i}`, type })),
    result: voidType,
    blocks: b.finish(),
    exported: false,
    inline: "auto",
    cold: false,
  };
}

const globals: readonly Partial<IrGlobal>[] = [
  { symbol: "table", constant: true },
  { symbol: "queue", constant: false },
];

/** The effects of the last of some functions. */
function effects(...functions: readonly IrFunction[]): FunctionEffects {
  const analysis = new EffectsAnalysis({
    observes: (symbol) => symbol === "observer",
    function: (symbol) => functions.find((fn) => fn.symbol === symbol),
    global: (symbol) => globals.find((global) => global.symbol === symbol) as IrGlobal | undefined,
  });
  const last = functions.at(-1)!;
  return analysis.of(last.symbol, last.params.length);
}

const one = (body: (b: FunctionBuilder) => void): FunctionEffects =>
  effects(
    made("f", [ptr, ptr], (b) => {
      body(b);
      b.return(undefined);
    }),
  );

test("loads and stores at constant offsets are found to the byte", (t) => {
  const found = one((b) => {
    b.load(i32, b.offset(b.offset(self, 8), 4), 4);
    b.store(constant(i8, 1n), b.offset(self, 3), 1);
    b.store(number, other, 4);
  });
  t.deepEqual(found, {
    params: [
      { reads: [{ from: 12, to: 16 }], writes: [{ from: 3, to: 4 }] },
      { reads: [], writes: [{ from: 0, to: 4 }] },
    ],
    readsElsewhere: false,
  });
});

test("an observer is told an address and does not go there", (t) => {
  const told = (symbol: string): FunctionEffects =>
    one((b) => {
      const at = b.offset(self, 8);
      b.store(number, at, 4);
      b.call(symbol, voidType, [b.cast("ptrtoint", at, i64), b.cast("zext", number, i64)]);
    });
  t.deepEqual(told("observer").params[0], { reads: [], writes: [{ from: 8, to: 12 }] });
  t.deepEqual(told("other").params[0]!.writes.at(-1), { from: 0, to: Infinity });
});

test("a computed index reaches everything behind its array's start", (t) => {
  const found = one((b) => {
    b.store(number, b.index(b.offset(self, 16), b.cast("zext", number, i64), 4), 4);
  });
  t.deepEqual(found.params[0], { reads: [], writes: [{ from: 16, to: Infinity }] });
});

test("a callee's effects are those of its parameters, moved to where the pointers lead", (t) => {
  const inner = made("inner", [ptr], (b) => {
    b.store(number, b.offset(self, 4), 4);
    b.return(undefined);
  });
  const outer = made("outer", [ptr, ptr], (b) => {
    b.call("inner", voidType, [b.offset(other, 100)]);
    b.return(undefined);
  });
  t.deepEqual(effects(inner, outer).params, [
    { reads: [], writes: [] },
    { reads: [], writes: [{ from: 104, to: 108 }] },
  ]);
});

test("what decides from outside is seen, what is only told there is not", (t) => {
  const tells = made("tells", [i32], (b) => {
    b.store(b.load(i32, symbolAddress("queue"), 4), b.offset(symbolAddress("queue"), 4), 4);
    b.return(undefined);
  });
  const call = (result: IrType) =>
    effects(
      tells,
      made("f", [ptr], (b) => {
        b.call("tells", result, [number]);
        b.return(undefined);
      }),
    );
  t.false(call(voidType).readsElsewhere);
  t.true(call(i32).readsElsewhere);
  t.true(one((b) => void b.load(i32, symbolAddress("queue"), 4)).readsElsewhere);
  t.false(one((b) => void b.load(i32, symbolAddress("table"), 4)).readsElsewhere);
});

test("a pointer that goes out of sight takes everything with it", (t) => {
  const everything = [{ from: 0, to: Infinity }];
  const escapes: readonly ((b: FunctionBuilder) => void)[] = [
    (b) => b.store(self, b.slot("s", 8, 8), 8),
    (b) => void b.cast("ptrtoint", self, i64),
    (b) => void b.call("nowhere", voidType, [self]),
    (b) => void b.callAsm("site", voidType, [self]),
  ];
  for (const escape of escapes) {
    const [effect] = one(escape).params;
    t.deepEqual(effect, { reads: everything, writes: everything }, escape.toString());
  }
  const loaded = one((b) => b.store(number, b.cast("inttoptr", b.load(i64, other, 8), ptr), 4));
  t.deepEqual(loaded.params[0], { reads: [], writes: everything });
});

test("lists overlap where they have a byte in common", (t) => {
  t.false(overlap([{ from: 0, to: 4 }], [{ from: 4, to: 8 }]));
  t.true(overlap([{ from: 0, to: 5 }], [{ from: 4, to: 8 }]));
  t.true(overlap([{ from: 9, to: 10 }], [{ from: 4, to: Infinity }]));
  t.false(overlap([], [{ from: 0, to: Infinity }]));
});
