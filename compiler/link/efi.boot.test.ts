import test from "ava";
import { constant, symbolAddress, type FunctionBuilder } from "../ir/builder.ts";
import { i32, i64, i8, ptr, voidType, type IrModule, type Value } from "../ir/ir.ts";
import { linkEfi } from "./efi.ts";
import { exitPort, sampleApplication } from "./sample-application.ts";
import { bootSample } from "./sample-boot.ts";
import { outSite, sampleFunction, sampleGlobal } from "./sample.ts";

const param = (index: number, type = i64): Value => ({ kind: "param", type, index });

async function consoleOf(module: IrModule, wanted: RegExp): Promise<string> {
  const { efi } = linkEfi({ module, entry: "efi_main" });
  const { machine, end } = await bootSample(efi);
  try {
    const { status } = await machine.exit();
    if (status !== 33)
      throw new Error(`the application ended QEMU with ${status}: ${machine.console.slice(-300)}`);
    return wanted.exec(machine.console)?.[0] ?? machine.console.slice(-300);
  } finally {
    await end();
  }
}

/** `yes` where a condition holds, `N` where it does not. */
const verdict = (b: FunctionBuilder, cond: Value, yes: string): Value =>
  b.select(cond, constant(i8, BigInt(yes.charCodeAt(0))), constant(i8, 78n));

test.serial(
  "an application boots, prints and leaves; runtime, assembly and tables work on the machine",
  async (t) => {
    const wide = { kind: "int", bits: 128 } as const;
    const big = (1n << 100n) + 12345n;
    const blob = new Uint8Array(100_000).map((_, i) => i * 7);
    const module = sampleApplication((b, say) => {
      const names = symbolAddress("typevisor_names");
      const count = b.load(i32, names, 4);
      // Assembly comes first, so the first name is `triple`.
      const blobAt = b.index(names, b.cast("zext", b.load(i32, b.offset(names, 4), 4), i64), 1);
      const first = b.index(blobAt, b.cast("zext", b.load(i32, b.offset(names, 12), 4), i64), 1);
      say(verdict(b, b.compare("ugt", count, constant(i32, 3n)), "a"));
      say(b.load(i8, first, 1));
      const rva = b.cast("zext", b.load(i32, b.offset(names, 8), 4), i64);
      const base = b.cast("ptrtoint", symbolAddress("__ImageBase"), i64);
      const address = b.cast("ptrtoint", symbolAddress("triple"), i64);
      say(verdict(b, b.compare("eq", b.binary("add", base, rva), address), "b"));

      const area = symbolAddress("area");
      const size = b.load(i64, symbolAddress("size"), 8, true);
      b.fill(area, constant(i8, 0x5an), size);
      say(b.load(i8, b.offset(area, 1000), 1, true));
      b.copy(b.offset(area, 3000), symbolAddress("blob"), size);
      const copied = b.load(i8, b.offset(area, 3999), 1, true);
      say(verdict(b, b.compare("eq", copied, constant(i8, BigInt(blob[999]!))), "c"));
      b.copy(b.offset(area, 3001), b.offset(area, 3000), size, true);
      const moved = b.load(i8, b.offset(area, 4000), 1, true);
      say(verdict(b, b.compare("eq", moved, constant(i8, BigInt(blob[999]!))), "d"));

      const dividend = b.binary("add", b.cast("zext", size, wide), constant(wide, big));
      const low = (value: Value): Value => b.cast("trunc", value, i64);
      const by = (n: bigint): Value =>
        b.binary("add", b.cast("zext", b.binary("sub", size, size), wide), constant(wide, n));
      for (const n of [1001n, (1n << 63n) + 5n, (1n << 70n) + 9n]) {
        const quotient = low(b.binary("udiv", dividend, by(n)));
        say(verdict(b, b.compare("eq", quotient, constant(i64, (big + 1001n) / n)), "q"));
        const remainder = low(b.binary("urem", dividend, by(n)));
        say(verdict(b, b.compare("eq", remainder, constant(i64, (big + 1001n) % n)), "r"));
      }
      const negative = b.binary("sub", by(0n), dividend);
      say(
        verdict(
          b,
          b.compare(
            "eq",
            low(b.binary("sdiv", negative, by(1001n))),
            constant(i64, -((big + 1001n) / 1001n)),
          ),
          "s",
        ),
      );

      const tripled = b.call("triple", i64, [constant(i64, 14n)]);
      say(verdict(b, b.compare("eq", tripled, constant(i64, 42n)), "n"));
      const before = b.rmw("add", area, constant(i64, 1n), "seqcst");
      say(verdict(b, b.compare("eq", b.load(i64, area, 8), b.binary("add", before, constant(i64, 1n))), "x"));
      say(constant(i8, 10n));
    });
    const complete: IrModule = {
      ...module,
      globals: [
        ...module.globals,
        sampleGlobal("typevisor_names", 8, { constant: true }),
        sampleGlobal("area", 8192),
        sampleGlobal("size", 8, { init: new Uint8Array([0xe9, 3]) }),
        sampleGlobal("blob", blob.length, { constant: true, init: blob }),
        sampleGlobal("factor", 8, { init: new Uint8Array([3]), section: ".data$z" }),
      ],
      naked: [
        {
          symbol: "triple",
          displayName: "triple",
          // The shadow space that Win64 asks for, and a call back into compiled code.
          lines: ["subq $40, %rsp", "imulq factor(%rip), %rcx", "callq identity", "addq $40, %rsp", "retq"],
          uses: ["factor", "identity"],
          loc: undefined,
        },
      ],
      functions: [
        ...module.functions,
        sampleFunction("identity", [i64], i64, (b) => b.return(param(0)), { exported: false }),
      ],
    };
    const said = await consoleOf(complete, /hello from the IR\n.+/);
    t.is(said, "hello from the IR\natbZcdqrqrqrsnx");
  },
);

test.serial("a trap enters the handler with its site, an aligned stack and a chain of frames", async (t) => {
  const module = sampleApplication((b) => b.call("divide", i64, [constant(i64, 0n)]));
  const divide = sampleFunction(
    "divide",
    [i64],
    i64,
    (b) => {
      const [fine, zero] = [b.block("fine"), b.block("zero")];
      b.branch(b.compare("eq", param(0), constant(i64, 0n)), zero, fine);
      b.place(zero);
      b.trap(1);
      b.place(fine);
      b.return(b.binary("udiv", constant(i64, 100n), param(0)));
    },
    { exported: false, inline: "never" },
  );
  const handler = sampleFunction(
    "handler",
    [i32],
    voidType,
    (b) => {
      const digit = b.binary("add", b.cast("trunc", param(0, i32), i8), constant(i8, 48n));
      b.call("put", voidType, [digit]);
      // Two frames up, past the entry's own, is the function that trapped.
      const frame = b.callAsm("frame", ptr, []);
      const entry = b.load(ptr, frame, 8);
      const site = b.load(i64, b.offset(entry, 8), 8);
      const from = b.binary("sub", site, b.cast("ptrtoint", symbolAddress("divide"), i64));
      b.call("put", voidType, [verdict(b, b.compare("ult", from, constant(i64, 64n)), "f")]);
      const aligned = b.binary("and", b.cast("ptrtoint", frame, i64), constant(i64, 15n));
      b.call("put", voidType, [verdict(b, b.compare("eq", aligned, constant(i64, 0n)), "a")]);
      b.callAsm("out", voidType, [exitPort, constant(i8, 16n)]);
      b.unreachable();
    },
    { exported: false },
  );
  const frameSite = {
    ...outSite,
    site: "frame",
    template: "movq %rbp, $0",
    constraints: "=r",
    params: [],
    result: ptr,
  };
  const said = await consoleOf(
    {
      ...module,
      functions: [...module.functions, divide, handler],
      asmSites: [...module.asmSites, frameSite],
      traps: ["unused", "division by zero"],
      trapHandler: "handler",
    },
    /hello from the IR\n.+/,
  );
  t.is(said, "hello from the IR\n1fa");
});
