import type { ImageSymbol } from "./map.ts";

/** A global of this name in the IR is filled by the linker with the image's function names. */
export const namesSymbol = "typevisor_names";

/**
 * The table of function names for backtraces, as assembly. All fields are little-endian u32:
 * `count`, `blobOffset`, then `count + 1` pairs `{ rva, nameOffset }` sorted by address, then the names, each ended by a
 * zero byte. `blobOffset` counts from the table's start, `nameOffset` from the blob's. The last pair is the end of the
 * last function and has an empty name.
 */
export function namesAssembly(symbols: readonly ImageSymbol[]): string {
  const functions = symbols.filter(({ kind }) => kind === "function");
  const offsets = new Map<string, number>();
  const names: string[] = [];
  let blobBytes = 0;
  const offsetOf = (name: string): number => {
    const found = offsets.get(name);
    if (found !== undefined) return found;
    const offset = blobBytes;
    offsets.set(name, offset);
    names.push(name);
    blobBytes += Buffer.byteLength(name) + 1;
    return offset;
  };
  const end = offsetOf("");
  const pairs = functions.map(({ rva, displayName }) => [rva, offsetOf(displayName)] as const);
  const last = functions.at(-1);
  pairs.push([last === undefined ? 0 : last.rva + last.sizeBytes, end]);
  return [
    '.section .rdata,"dr"',
    `.globl ${namesSymbol}`,
    ".balign 8",
    `${namesSymbol}:`,
    `.long ${functions.length}, ${8 + 8 * pairs.length}`,
    ...pairs.map((pair) => `.long ${pair.join(", ")}`),
    ...names.map((name) => `.byte ${[...Buffer.from(name), 0].join(",")}`),
    "",
  ].join("\n");
}
