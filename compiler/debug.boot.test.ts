import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { boot } from "../ci/qemu.ts";
import { buildImage } from "./build.ts";
import { repositoryRoot } from "./root.ts";

/** Milliseconds after which gdb is ended, where a breakpoint is never met. */
const limitMs = 240_000;

/** Runs gdb's commands and gives what it says. */
async function gdb(script: string): Promise<string> {
  const child = spawn("gdb", ["-nx", "-batch", "-x", script], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}

/** Number of the first line at or behind a text that holds another. */
function lineOf(file: string, behind: string, text: string): number {
  const lines = readFileSync(join(repositoryRoot, file), "utf8").split("\n");
  const start = lines.findIndex((line) => line.includes(behind));
  const found = lines.findIndex((line, i) => i >= start && line.includes(text));
  if (start < 0 || found < 0) throw new Error(`${file} has no ${text} behind ${behind}`);
  return found + 1;
}

test.serial(
  "gdb stops on lines of the kernel and of a device, and shows arguments, locals and callers",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
    const image = join(repositoryRoot, "images/hello-linux.ts");
    const built = await buildImage({ image, out: folder, debug: true });
    const socket = join(folder, "gdb");
    const machine = await boot({
      image: built.img,
      extra: ["-S", "-chardev", `socket,path=${socket},server=on,wait=off,id=gdb`, "-gdb", "chardev:gdb"],
    });
    const slot = lineOf("kernel/slots.ts", "export function addSlot", "table.slotCount = u32(index + 1)");
    const byte = lineOf("devices/uart16550.ts", "thr(u, byte) {", "if (u.irq.level)");
    const commands = [
      "set pagination off",
      "set print symbol off",
      "set architecture i386:x86-64",
      `file ${built.efi}`,
      `target remote ${socket}`,
      `hbreak kernel/slots.ts:${slot}`,
      "continue",
      "info args",
      "info locals",
      "print table->slots[0].bytes",
      "print nestedTableState",
      "backtrace",
      "delete",
      `hbreak devices/uart16550.ts:${byte}`,
      "continue",
      "backtrace",
    ];
    writeFileSync(join(folder, "commands"), `${commands.join("\n")}\n`);
    try {
      const said = await gdb(join(folder, "commands"));
      t.regex(
        said,
        new RegExp(
          `^Breakpoint 1, addSlot \\(table=0x[0-9a-f]+, kind=\\d+, .*\\) at kernel/slots\\.ts:${slot}$`,
          "m",
        ),
      );
      t.regex(said, /^index = 0$/m);
      t.regex(said, /^slot = 0x[0-9a-f]+$/m);
      t.regex(said, /^\$1 = 655360$/m);
      t.regex(said, /^\$2 = \{used = \d+, freeList = \d+\}$/m);
      t.regex(said, /^#\d+ .* in kernel\.start \(boot=0x[0-9a-f]+\) at kernel\/kernel\.ts:\d+$/m);
      // The guest prints: a device's handler, called by the handler of an exit.
      t.regex(
        said,
        new RegExp(
          `^Breakpoint 2, uart16550\\.write\\.thr \\(u=0x[0-9a-f]+, byte=\\d+\\) at devices/uart16550\\.ts:${byte}$`,
          "m",
        ),
      );
      t.regex(
        said,
        /^#\d+ .* in exits\.handlePort \(v=0x[0-9a-f]+\) at platforms\/x86_64\/svm\/exits\.ts:\d+$/m,
      );
    } finally {
      await machine.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
