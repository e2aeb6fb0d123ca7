import test from "ava";
import { imageHeader, loadedAt } from "./loaded-image.ts";

const page = 4096;

/** A header as the linker writes it, or as the firmware does for an address. */
function header(base: number): Buffer {
  const bytes = Buffer.alloc(page);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt32LE(0x80, 0x3c);
  bytes.write("PE", 0x80, "latin1");
  bytes.writeUInt32LE(0x1400, 0x80 + 40);
  bytes.writeBigUInt64LE(BigInt(base), 0x80 + 48);
  bytes.writeUInt32LE(0x20_000, 0x80 + 80);
  return bytes;
}

const built = header(0x1_4000_0000);

test("an image is where the header says its own address; a copy of the file is not one", (t) => {
  const memory = Buffer.alloc(16 * page);
  built.copy(memory, 2 * page);
  header(7 * page).copy(memory, 7 * page);
  t.is(loadedAt(memory, built), 7 * page);
});

test("another image is not taken for it", (t) => {
  const memory = Buffer.alloc(16 * page);
  const other = header(3 * page);
  other.writeUInt32LE(0x30_000, 0x80 + 80);
  other.copy(memory, 3 * page);
  t.throws(() => loadedAt(memory, built), { message: /at 0 places/ });
});

test("an image at two places is told", (t) => {
  const memory = Buffer.alloc(16 * page);
  for (const at of [page, 5 * page]) header(at).copy(memory, at);
  t.throws(() => loadedAt(memory, built), { message: /at 2 places/ });
});

test("what is no image has no header, whatever it says of where one were", (t) => {
  const bytes = header(0);
  bytes.writeUInt32LE(0xffff_fff0, 0x3c);
  t.is(imageHeader(bytes), undefined);
  t.is(imageHeader(Buffer.alloc(page)), undefined);
  t.throws(() => loadedAt(Buffer.alloc(page), Buffer.alloc(page)), { message: /no UEFI application/ });
});
