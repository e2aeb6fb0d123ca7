import test from "ava";
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { i64, i8, ptr, voidType, type IrFunction, type Value } from "../ir/ir.ts";
import { linkEfi } from "../link/efi.ts";
import { sampleFunction, sampleGlobal, sampleModule } from "../link/sample.ts";
import { exitPath, ExitPaths, type ExitPath } from "./exit-path.ts";
import { parseListing } from "./machine-code.ts";

const param = (index: number): Value => ({ kind: "param", type: i64, index });
const word = symbolAddress("word");
const read = (b: FunctionBuilder): Value => b.load(i64, word, 8, true);
const write = (b: FunctionBuilder): void => b.store(constant(i64, 1n), word, 8, true);

/** Code of the functions as it is linked. */
function pathsOf(functions: readonly IrFunction[], ...symbols: readonly string[]): ExitPath[] {
  const main = sampleFunction("efi_main", [ptr, ptr], i64, (b) => b.return(constant(i64, 0n)));
  const module = sampleModule({
    functions: [...functions, main],
    globals: [sampleGlobal("word", 8, { exported: true })],
    traps: ["a trap"],
    naked: [{ symbol: "stop", displayName: "stop", lines: ["ud2"], uses: [], loc: undefined }],
    trapHandler: "stop",
  });
  const code = linkEfi({ module, entry: "efi_main" }).machineCode();
  return symbols.map((symbol) => exitPath(code, symbol));
}

/** A loop whose body runs while `i < count`. */
function loop(b: FunctionBuilder, count: Value, body: () => void): void {
  const i = b.slot("i", 8, 8);
  const [head, inside, done] = [b.block("head"), b.block("inside"), b.block("done")];
  b.store(constant(i64, 0n), i, 8);
  b.jump(head);
  b.place(head);
  const at = b.load(i64, i, 8);
  b.branch(b.compare("ult", at, count), inside, done);
  b.place(inside);
  body();
  b.store(b.binary("add", at, constant(i64, 1n)), i, 8);
  b.jump(head);
  b.place(done);
}

test("straight code counts its instructions, and calls count their callees", (t) => {
  const leaf = sampleFunction("leaf", [], voidType, (b) => (write(b), write(b), b.return()), {
    inline: "never",
  });
  const caller = sampleFunction("caller", [], voidType, (b) => {
    b.call("leaf", voidType, []);
    write(b);
    b.call("leaf", voidType, []);
    write(b);
    b.return();
  });
  const [alone, both] = pathsOf([leaf, caller], "leaf", "caller");
  // What both stores write is put into a register, which is shorter.
  t.like(alone, { instructions: 4, path: ["leaf"], reason: undefined });
  // A frame (push, mov, sub; add, pop), a saved register with what is written (push, mov; pop), two calls of four
  // instructions each, two stores, a return.
  t.deepEqual(both, {
    instructions: 5 + 3 + 2 * (1 + 4) + 2 + 1,
    path: ["caller", "leaf"],
    reason: undefined,
    functions: [
      { symbol: "caller", calls: 1, instructions: 5 + 3 + 2 + 2 + 1 },
      { symbol: "leaf", calls: 2, instructions: 8 },
    ],
    loops: [],
  });
});

test("the longer side of a branch counts, and a side that traps does not", (t) => {
  const sides = (name: string, trap: boolean): IrFunction =>
    sampleFunction(name, [i64], voidType, (b) => {
      const [long, short] = [b.block("long"), b.block("short")];
      b.branch(b.compare("eq", read(b), constant(i64, 3n)), long, short);
      b.place(long);
      for (let i = 0; i < 10; i++) write(b);
      if (trap) b.trap(0);
      else b.return();
      b.place(short);
      write(b);
      b.return();
    });
  const [long, short] = pathsOf(
    [sides("returning", false), sides("trapping", true)],
    "returning",
    "trapping",
  );
  t.true((long!.instructions as number) >= 13);
  t.true((short!.instructions as number) >= 4 && (short!.instructions as number) < 7);
});

test("a loop that LLVM can bound counts as often as it runs at most; any other is unbounded", (t) => {
  const functions = [
    sampleFunction("search", [], voidType, (b) => {
      const found = b.block("found");
      loop(b, constant(i64, 1000n), () => {
        const next = b.block("next");
        b.branch(b.compare("eq", read(b), constant(i64, 7n)), found, next);
        b.place(next);
      });
      b.return();
      b.place(found);
      b.return();
    }),
    sampleFunction("wait", [], voidType, (b) => {
      const [head, done] = [b.block("head"), b.block("done")];
      b.jump(head);
      b.place(head);
      b.branch(b.compare("eq", read(b), constant(i64, 7n)), done, head);
      b.place(done);
      b.return();
    }),
    sampleFunction("outer", [], voidType, (b) => (b.call("wait", voidType, []), b.return())),
  ].map((fn) => ({ ...fn, inline: "never" as const }));
  const [search, wait, outer] = pathsOf(functions, "search", "wait", "outer");
  t.like(search!.loops[0], { symbol: "search", turns: 1000, calls: [] });
  t.true(search!.loops[0]!.instructions > 0.9 * (search!.instructions as number));
  const turns = (search!.instructions as number) / 1000;
  t.true(turns >= 4 && turns < 8, `${turns} instructions in a turn`);
  t.like(wait, {
    instructions: "unbounded",
    path: ["wait"],
    reason: "the loop at b.head of wait has no bound",
  });
  t.deepEqual(outer!.path, ["outer", "wait"]);
});

test("recursion, calls through pointers and repeated instructions are unbounded", (t) => {
  const functions = [
    sampleFunction("factorial", [i64], i64, (b) => {
      const [more, done] = [b.block("more"), b.block("done")];
      b.branch(b.compare("ult", param(0), constant(i64, 2n)), done, more);
      b.place(more);
      write(b);
      const rest = b.call("factorial", i64, [b.binary("lshr", param(0), constant(i64, 1n))]);
      b.store(rest, word, 8, true);
      b.return(b.binary("xor", rest, read(b)));
      b.place(done);
      b.return(constant(i64, 1n));
    }),
    sampleFunction("through", [], voidType, (b) => {
      b.callPointer(b.load(ptr, word, 8, true), voidType, []);
      write(b);
      b.return();
    }),
    sampleFunction("copies", [i64], voidType, (b) => {
      b.copy(b.load(ptr, word, 8, true), b.cast("inttoptr", param(0), ptr), param(0));
      write(b);
      b.return();
    }),
  ];
  const [factorial, through, copies] = pathsOf(functions, "factorial", "through", "copies");
  t.is(factorial!.reason, "factorial calls itself");
  t.is(through!.reason, "a call through a pointer");
  t.deepEqual(copies!.path, ["copies", "memcpy"]);
  t.regex(copies!.reason!, /^"rep movs/);
});

test("block operations of a known size are bounded, and what only traps does not count", (t) => {
  const functions = [
    sampleFunction("clear", [ptr], voidType, (b) => {
      b.fill({ kind: "param", type: ptr, index: 0 }, constant(i8, 0n), constant(i64, 4096n));
      write(b);
      b.return();
    }),
    sampleFunction("report", [], voidType, (b) => {
      b.copy(b.load(ptr, word, 8, true), b.load(ptr, word, 8, true), read(b));
      b.trap(0);
    }),
    sampleFunction("check", [], voidType, (b) => {
      const [bad, fine] = [b.block("bad"), b.block("fine")];
      b.branch(b.compare("eq", read(b), constant(i64, 3n)), bad, fine);
      b.place(bad);
      b.call("report", voidType, []);
      b.return();
      b.place(fine);
      b.return();
    }),
  ].map((fn) => ({ ...fn, inline: "never" as const }));
  const [clear, check, report] = pathsOf(functions, "clear", "check", "report");
  t.deepEqual(clear!.path, ["clear", "memset"]);
  t.true((clear!.instructions as number) > 512 && (clear!.instructions as number) < 512 + 40);
  t.deepEqual(check!.path, ["check"]);
  t.true((check!.instructions as number) < 12);
  t.is(report!.reason, "report never returns");
});

test("a listing's assembly loops, locks and tail jumps are understood", (t) => {
  const listing = `
f:                                      # @f
# %bb.0:                                # %entry
\tlock\t\taddq\t$5, (%rcx)
\tje\t.LBB0_2
# %bb.1:                                # %b.more
\tincq\t%rax
\tjmp\tg                               # TAILCALL
.LBB0_2:                                # %b.done
\tretq
g:
\tnop
\tnop
\tnop
\tretq
h:
\t#APP
.Ltmp0:
\tpause
\tjne\t.Ltmp0
\t#NO_APP
\tretq
`;
  const code = { functions: parseListing(listing), loops: new Map<string, number>() };
  t.like(exitPath(code, "f"), { instructions: 4 + 4, path: ["f", "g"], reason: undefined });
  t.is(exitPath(code, "h").instructions, "unbounded");
});

const landmarks = `
run:
# %bb.0:                                # %b.entry
\tnop
.LBB0_1:                                # %b.loop
\tnop
\t#APP
\t# landmark guest
\tvmrun
\t#NO_APP
\tcallq\thandle
\tje\t.LBB0_1
# %bb.2:                                # %b.done
\t#APP
\t# landmark kernel
\t#NO_APP
\tnop
\tnop
\tretq
handle:
# %bb.0:                                # %b.entry
\tje\t.LBB1_2
# %bb.1:                                # %b.a
\t#APP
\t# landmark exit a
\t#NO_APP
\tnop
\tjmp\tslow                            # TAILCALL
.LBB1_2:                                # %b.b
\tjne\t.LBB1_4
# %bb.3:                                # %b.c
\t#APP
\t# landmark exit b
\t#NO_APP
\tcallq\tslow
.LBB1_4:                                # %b.d
\tnop
\tretq
slow:
\trep movsb
\tretq
`;

test("a way may begin and end at landmarks, and be asked to come by another", (t) => {
  const bounded = landmarks.replace("rep movsb", "nop\n\tnop");
  const paths = new ExitPaths({ functions: parseListing(bounded), loops: new Map<string, number>() });
  t.deepEqual(paths.landmarks(), ["exit a", "exit b", "guest", "kernel"]);
  const turn = { from: "guest", to: ["guest", "kernel"] };
  // Around: vmrun, call, the branch back, and a nop before the landmark; b is entered through two branches.
  t.is(paths.over(turn, "exit a").instructions, 4 + 1 + 2 + 3);
  t.like(paths.over(turn, "exit b"), { instructions: 4 + 2 + 1 + 3 + 2, path: ["run", "handle", "slow"] });
  t.is(paths.over(turn).instructions, paths.over(turn, "exit b").instructions);
  t.is(paths.over({ from: "kernel", to: [] }).instructions, 3);
  // The shortest way to b leaves the loop after the call.
  t.is(paths.least(turn, "exit a"), 3 + 1 + 2 + 3);
  t.is(paths.least(turn, "exit b"), 3 + 2 + 1 + 3 + 2);
  t.is(paths.least(turn), 3 + 2 + 2);
  t.is(paths.least(turn, "nowhere"), Infinity);
  t.like(paths.over(turn, "kernel"), { instructions: 0, reason: "no way comes by kernel" });
  t.throws(() => paths.over({ from: "nowhere", to: [] }), { instanceOf: RangeError });
});

test("a place that the optimiser has duplicated counts with its longer and its shorter copy", (t) => {
  const bounded = landmarks.replace("rep movsb", "nop\n\tnop");
  const copies =
    bounded + bounded.replace(/^run:/m, "again:").replaceAll("LBB", "LCC").replace("vmrun", "vmrun\n\tnop");
  const paths = new ExitPaths({ functions: parseListing(copies), loops: new Map<string, number>() });
  const turn = { from: "guest", to: ["guest", "kernel"] };
  t.is(paths.over(turn, "exit a").instructions, 4 + 1 + 2 + 3 + 1);
  t.is(paths.least(turn, "exit a"), 3 + 1 + 2 + 3);
});

test("what has no bound matters only to the ways that come by it", (t) => {
  const second = landmarks.replace("callq\tslow", "nop");
  const paths = new ExitPaths({ functions: parseListing(second), loops: new Map<string, number>() });
  const turn = { from: "guest", to: ["guest", "kernel"] };
  t.is(paths.over(turn, "exit b").instructions, 4 + 2 + 1 + 2);
  t.like(paths.over(turn, "exit a"), { instructions: "unbounded", path: ["run", "handle", "slow"] });
});

test("a loop in which a landmark lies turns as often as any, and comes by it once", (t) => {
  const listing = `
f:
# %bb.0:                                # %b.entry
\tnop
.LBB0_1:                                # %b.loop
\tje\t.LBB0_3
# %bb.2:                                # %b.long
\tnop
\tnop
\tnop
\tjmp\t.LBB0_4
.LBB0_3:                                # %b.short
\t#APP
\t# landmark here
\t#NO_APP
\tnop
.LBB0_4:                                # %b.end
\tjne\t.LBB0_1
# %bb.5:                                # %b.done
\tretq
`;
  const functions = parseListing(listing.replace("\tnop\n.LBB0_1", "\t# landmark start\n\tnop\n.LBB0_1"));
  const paths = new ExitPaths({ functions, loops: new Map([["f\nb.loop", 10]]) });
  const { instructions } = paths.over({ from: "start", to: [] });
  t.is(instructions, 1 + 10 * (1 + 4 + 1) + 1);
  t.is(paths.over({ from: "start", to: [] }, "here").instructions, 1 + 9 * (1 + 4 + 1) + (1 + 1 + 1) + 1);
  t.is(paths.least({ from: "start", to: [] }), 1 + (1 + 1 + 1) + 1);
});

test("labels of debug information begin nothing, so no function goes on into the next", (t) => {
  const listing = ["one:", ".Lfunc_begin0:", "\tretq", ".Ltmp1:", ".Lfunc_end0:", "two:", "\tnop", "\tretq"];
  const one = parseListing(listing.join("\n")).get("one")!;
  t.deepEqual(
    one.blocks.flatMap(({ exits }) => exits).filter(({ kind }) => kind !== "block"),
    [{ kind: "return" }],
  );
});

/** A lock that is tried, and read until it looks free; `inner` is in each turn of reading. */
const lock = (inner: string): string => `
f:
# %bb.0:                                # %b.entry
\t#APP
\t# landmark start
\t#NO_APP
.LBB0_1:                                # %b.try
\tlock\t\tcmpxchgl\t%ecx, (%rdx)
\tje\t.LBB0_3
.LBB0_2:                                # %b.read
${inner}
\tcmpl\t$0, (%rdx)
\tjne\t.LBB0_2
# %bb.4:                                # %b.again
\tjmp\t.LBB0_1
.LBB0_3:                                # %b.done
\tretq
`;

test("a loop that waits in every turn counts as one turn, and is told", (t) => {
  const listing = lock("\t#APP\n\t# landmark wait for a lock\n\tpause\n\t#NO_APP");
  const paths = new ExitPaths({ functions: parseListing(listing), loops: new Map<string, number>() });
  const stretch = { from: "start", to: [] };
  // Tried, read once, and tried again counts as tried and read.
  const { instructions, reason } = paths.over(stretch);
  t.is(reason, undefined);
  t.true((instructions as number) >= 6 && (instructions as number) <= 8, String(instructions));
  t.deepEqual(paths.waits(stretch), ["for a lock"]);
});

test("a loop that does not wait in every turn has no bound", (t) => {
  const skipped =
    "\tjs\t.LBB0_5\n# %bb.6:                                # %b.wait\n" +
    "\t#APP\n\t# landmark wait for a lock\n\tpause\n\t#NO_APP\n" +
    ".LBB0_5:                                # %b.look";
  const paths = new ExitPaths({ functions: parseListing(lock(skipped)), loops: new Map<string, number>() });
  t.is(paths.over({ from: "start", to: [] }).instructions, "unbounded");
});
