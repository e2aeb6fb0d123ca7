import { execFileSync } from "node:child_process";
import test from "ava";
import { vmlinuxOf } from "./vmlinux.ts";

const kernel = Buffer.from("\x7fELF and what follows it, more than once. ".repeat(100), "latin1");

/** A bzImage of two set-up sectors around compressed bytes, with the size that it claims they unpack to. */
function bzImage(compressed: Buffer, size = kernel.length): Buffer {
  const setup = Buffer.alloc(1024);
  setup[0x1f1] = 1;
  setup.writeUInt32LE(8, 0x248);
  setup.writeUInt32LE(compressed.length + 4, 0x24c);
  const trailer = Buffer.alloc(4 + 100);
  trailer.writeUInt32LE(size);
  return Buffer.concat([setup, Buffer.alloc(8), compressed, trailer]);
}

const compress = (...command: [string, ...string[]]): Buffer =>
  execFileSync(command[0], command.slice(1), { input: kernel });

test("a kernel is unpacked as Debian compresses it", (t) => {
  t.deepEqual(vmlinuxOf(bzImage(compress("lz4", "-c", "-l"))), kernel);
  t.deepEqual(vmlinuxOf(bzImage(compress("xz", "-c", "--check=crc32"))), kernel);
});

test("a kernel that is compressed otherwise, or has another size, is refused", (t) => {
  t.throws(() => vmlinuxOf(bzImage(Buffer.from("BZh91AY"))), { message: /begins with 425a6839/ });
  const packed = compress("xz", "-c");
  t.throws(() => vmlinuxOf(bzImage(packed, kernel.length + 1)), { message: /unpacks to \d+ bytes of \d+/ });
});
