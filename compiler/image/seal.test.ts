import test from "ava";
import { InputFailure } from "../failure.ts";
import { addSection, payloadSection, payloadSectionContent } from "./seal.ts";

/** Headers of a PE32+ image with one section, room for more, and nothing in it. */
function image(): Uint8Array {
  const bytes = new Uint8Array(0x600);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x3c, 0x40, true);
  view.setUint16(0x40 + 6, 1, true);
  view.setUint16(0x40 + 20, 0xf0, true);
  const optional = 0x40 + 24;
  view.setUint32(optional + 32, 0x1000, true);
  view.setUint32(optional + 36, 0x200, true);
  view.setUint32(optional + 56, 0x2000, true);
  view.setUint32(optional + 60, 0x400, true);
  return bytes;
}

test("each payload lies on a page of its own, and the first page says where", (t) => {
  const content = payloadSectionContent([Uint8Array.of(1, 2, 3), undefined, new Uint8Array(5000).fill(7)]);
  const view = new DataView(content.buffer);
  t.is(view.getBigUint64(0, true), 3n);
  t.deepEqual([view.getBigUint64(8, true), view.getBigUint64(16, true)], [4096n, 3n]);
  t.deepEqual([view.getBigUint64(24, true), view.getBigUint64(32, true)], [0n, 0n]);
  t.deepEqual([view.getBigUint64(40, true), view.getBigUint64(48, true)], [8192n, 5000n]);
  t.deepEqual([...content.subarray(4096, 4100)], [1, 2, 3, 0]);
  t.is(content[8192 + 4999], 7);
  t.is(content.length, 16384);
});

test("a section is added behind the last one, on its own pages, read-only", (t) => {
  const sealed = addSection(image(), payloadSection, Uint8Array.of(9, 8, 7));
  const view = new DataView(sealed.buffer);
  const header = 0x40 + 24 + 0xf0 + 40;
  t.is(view.getUint16(0x46, true), 2);
  t.is(new TextDecoder().decode(sealed.subarray(header, header + 8)), ".payload");
  t.is(view.getUint32(header + 8, true), 3);
  t.is(view.getUint32(header + 12, true), 0x2000);
  t.is(view.getUint32(header + 20, true), 0x600);
  t.is(view.getUint32(header + 36, true) & 0xe000_0000, 0x4000_0000);
  t.is(view.getUint32(0x40 + 24 + 56, true), 0x3000, "SizeOfImage");
  t.deepEqual([...sealed.subarray(0x600, 0x603)], [9, 8, 7]);
});

test("headers without room and too many payloads are refused", (t) => {
  const full = image();
  new DataView(full.buffer).setUint32(0x40 + 24 + 60, 0x40 + 24 + 0xf0 + 79, true);
  t.throws(() => addSection(full, payloadSection, new Uint8Array(1)), { message: /no room/ });
  t.throws(() => payloadSectionContent(Array.from({ length: 256 }, () => undefined)), {
    instanceOf: InputFailure,
  });
});
