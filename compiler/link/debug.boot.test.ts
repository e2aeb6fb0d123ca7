import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { constant } from "../ir/builder.ts";
import {
  i16,
  i64,
  i8,
  ptr,
  voidType,
  type DebugType,
  type IrModule,
  type Loc,
  type Value,
} from "../ir/ir.ts";
import { linkEfi } from "./efi.ts";
import { bootSample } from "./sample-boot.ts";
import { outSite, sampleFunction, sampleGlobal, sampleModule } from "./sample.ts";

const u64: DebugType = { kind: "int", name: "u64", sizeBytes: 8, signed: false };
const u16: DebugType = { kind: "int", name: "u16", sizeBytes: 2, signed: false };
const point: DebugType = {
  kind: "struct",
  name: "Point",
  sizeBytes: 24,
  fields: [
    { name: "x", offset: 0, type: () => u64 },
    { name: "tags", offset: 8, type: () => ({ kind: "array", of: u16, count: 4 }) },
    { name: "next", offset: 16, type: () => ({ kind: "pointer", to: point }) },
  ],
};

const line = (number: number): Loc => ({ file: "app.ts", line: number, column: 3 });

function application(): IrModule {
  const start: Value = { kind: "param", type: i64, index: 0 };
  const at: Value = { kind: "param", type: ptr, index: 1 };
  const params = [
    { name: "start", type: i64, debugType: u64 },
    { name: "at", type: ptr, debugType: { kind: "pointer", to: point } as const },
  ];
  const work = sampleFunction(
    "work",
    params,
    i64,
    (b) => {
      b.loc = line(11);
      const total = b.slot("total", 8, 8);
      b.declare(total, "total", u64);
      b.store(start, total, 8);
      b.loc = line(12);
      b.store(b.binary("add", b.load(i64, total, 8), constant(i64, 5n)), total, 8);
      b.store(constant(i64, 77n), at, 8);
      b.loc = line(13);
      b.store(b.binary("mul", b.load(i64, total, 8), constant(i64, 2n)), total, 8);
      b.loc = line(14);
      b.return(b.load(i64, total, 8));
    },
    { exported: false, loc: line(10) },
  );
  const main = sampleFunction(
    "efi_main",
    [ptr, ptr],
    i64,
    (b) => {
      b.loc = line(21);
      const spot = b.slot("spot", 24, 8);
      b.declare(spot, "spot", point);
      b.fill(spot, constant(i8, 1n), constant(i64, 24n));
      b.loc = line(22);
      const value = b.call("work", i64, [constant(i64, 30n), spot]);
      b.loc = line(23);
      b.callAsm("out", voidType, [constant(i16, 0xf4n), constant(i8, 16n)]);
      b.return(value);
    },
    { loc: line(20) },
  );
  const counter = sampleGlobal("counter", 8, { loc: line(1), debugType: u64, init: new Uint8Array([9]) });
  return sampleModule({ functions: [work, main], globals: [counter], asmSites: [outSite] });
}

/** Runs gdb's commands and gives what it says. */
async function gdb(script: string): Promise<string> {
  const child = spawn("gdb", ["-nx", "-batch", "-x", script], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}

test.serial(
  "gdb stops on a line of a running image and shows locals, parameters, globals and the backtrace",
  async (t) => {
    const { efi } = linkEfi({ module: application(), entry: "efi_main", debug: true });
    const socket = (folder: string): string => join(folder, "gdb");
    const { folder, end } = await bootSample(efi, (at) => [
      "-S",
      "-chardev",
      `socket,path=${socket(at)},server=on,wait=off,id=gdb`,
      "-gdb",
      "chardev:gdb",
    ]);
    const commands = [
      "set pagination off",
      "set architecture i386:x86-64",
      `file ${join(folder, "esp/EFI/BOOT/BOOTX64.EFI")}`,
      `target remote ${socket(folder)}`,
      "hbreak app.ts:13",
      "continue",
      "info locals",
      "info args",
      "backtrace",
      "print *at",
      "print counter",
      "next",
      "print total",
    ];
    writeFileSync(join(folder, "commands"), `${commands.join("\n")}\n`);
    try {
      const said = await gdb(join(folder, "commands"));
      t.regex(said, /Breakpoint 1, work \(start=30, at=0x[0-9a-f]+\) at app\.ts:13/);
      t.regex(said, /^total = 35$/m);
      t.regex(said, /^start = 30$/m);
      t.regex(said, /^#1 .* in efi_main \(\) at app\.ts:22$/m);
      t.regex(said, /^\$1 = \{x = 77, tags = \{257, 257, 257, 257\}, next = 0x101010101010101\}$/m);
      t.regex(said, /^\$2 = 9$/m);
      t.regex(said, /^\$3 = 70$/m);
    } finally {
      await end();
    }
  },
);
