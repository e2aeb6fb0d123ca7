/** A program around the reader of executables, for its test of Node against native. */
import { u32, u64, u8 } from "../../../../dsl/core/int.ts";
import { addressOf, load16, load32, load64 } from "../../../../dsl/core/intrinsics.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import type { EntryPoint, Program } from "../../../../dsl/core/program.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { executableReader, type ExecutableKind } from "../../../../dsl/payload/executable.ts";

/** The longest file. */
export const mostBytes = 512;
const mostWords = 64;

/** A file, and what the reader makes of it. */
export const Reading = struct("Reading", {
  size: u32,
  count: u32,
  file: array(u8, mostBytes),
  words: array(u64, mostWords),
});
export const reading = storage("reading", Reading);

/** Where the files may be loaded. */
export const rooms = Object.freeze([
  Object.freeze({ start: 0x1000n, end: 0x6000n }),
  Object.freeze({ start: 0xa000n, end: 0x9_fc00n }),
  Object.freeze({ start: 0x10_0000n, end: 0x400_0000n }),
]);

function note(word: u64): void {
  const at = reading.count;
  if (at >= mostWords) return;
  reading.words[at] = word;
  reading.count = u32(at + 1);
}

/** Reads the file as a kernel of a kind, and notes everything that it is told. */
function readAs(kind: ExecutableKind): () => void {
  const reader = executableReader(kind, { load16, load32, load64 }, rooms);
  return (): void => {
    reading.count = 0;
    for (let i = 0; i < mostWords; i++) reading.words[i] = 0n;
    const base = addressOf(reading.file);
    const size = u64(reading.size);
    const layout = reader.layout(base, size);
    note(u64(layout.fault));
    note(layout.tableAt);
    note(layout.wanted);
    const found = reader.check(base, size, layout);
    note(u64(found.fault));
    note(u64(found.piece));
    note(found.entry);
    note(found.start);
    note(found.end);
    if (layout.fault === 0) {
      for (let i = 0; i < layout.count; i++) {
        const p = reader.piece(base, size, layout, i);
        note(p.offset);
        note(p.fileBytes);
        note(p.gpa);
        note(p.memoryBytes);
        note(p.virtualAddress);
      }
    }
  };
}

const entry = (symbol: string, fn: EntryPoint["fn"], result?: typeof u64): EntryPoint => ({
  symbol,
  fn,
  params: [],
  result,
});

/** The program. */
export const program: Program = {
  name: "executable-reader",
  entries: [
    entry("readingAddress", (): u64 => addressOf(reading), u64),
    entry("pvh", readAs("pvh")),
    entry("multiboot", readAs("multiboot")),
    entry("multiboot2", readAs("multiboot2")),
  ],
};
