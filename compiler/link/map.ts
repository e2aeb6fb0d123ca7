import type { IrModule, Loc } from "../ir/ir.ts";

/** A function or a global in a linked image. */
export interface ImageSymbol {
  readonly symbol: string;
  /** Name in the source. */
  readonly displayName: string;
  /** Where it is declared; undefined for what the compiler adds (memcpy, the table of names). */
  readonly loc: Loc | undefined;
  readonly kind: "function" | "data";
  readonly section: string;
  /** Address relative to the image. */
  readonly rva: number;
  /** Bytes to the next symbol or the section's end, so padding and jump targets are counted in. */
  readonly sizeBytes: number;
  /** Those of its bytes that are in the file: none for zeroed storage. */
  readonly fileBytes: number;
}

/** A section of a linked image. */
export interface ImageSection {
  readonly name: string;
  readonly rva: number;
  /** Bytes in memory. */
  readonly sizeBytes: number;
  /** Bytes in the file, padding included; less than in memory where zeroes end the section. */
  readonly fileBytes: number;
  readonly executable: boolean;
  readonly writable: boolean;
}

/** Reads the symbols of `lld-link`'s map file and the sections of its image, sorted by address. */
export function parseMap(
  map: string,
  image: Uint8Array,
  module: IrModule,
): { symbols: ImageSymbol[]; sections: ImageSection[] } {
  const sections = peSections(image);
  const declared = declarationsOf(module);
  const places: { symbol: string; rva: number; section: ImageSection }[] = [];
  for (const [, number, offset, symbol] of map.matchAll(
    /^ ([0-9a-f]{4}):([0-9a-f]{8}) {2,}(.+?) +[0-9a-f]{16} /gm,
  )) {
    const section = sections[parseInt(number!, 16) - 1];
    if (section !== undefined)
      places.push({ symbol: symbol!, rva: section.rva + parseInt(offset!, 16), section });
  }
  places.sort((a, b) => a.rva - b.rva || (a.symbol < b.symbol ? -1 : 1));
  const symbols = places.map(({ symbol, rva, section }, i): ImageSymbol => {
    const next = places[i + 1];
    const end = next?.section === section ? next.rva : section.rva + section.sizeBytes;
    // The optimiser adds a number to what it clones.
    const source = declared.get(symbol) ?? declared.get(symbol.replace(/(\.\d+)+$/, ""));
    return {
      symbol,
      displayName: source?.displayName ?? symbol,
      loc: source?.loc,
      kind: section.executable ? "function" : "data",
      section: section.name,
      rva,
      sizeBytes: end - rva,
      fileBytes: Math.max(0, Math.min(end, section.rva + section.fileBytes) - rva),
    };
  });
  return { symbols, sections };
}

function declarationsOf(module: IrModule): Map<string, { displayName: string; loc: Loc | undefined }> {
  return new Map(
    [...module.functions, ...module.naked, ...module.globals].map((item) => [item.symbol, item]),
  );
}

/** The section table of a PE32+ image. */
function peSections(image: Uint8Array): ImageSection[] {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const header = view.getUint32(0x3c, true);
  const count = view.getUint16(header + 6, true);
  const first = header + 24 + view.getUint16(header + 20, true);
  return Array.from({ length: count }, (_, i) => {
    const at = first + 40 * i;
    const flags = view.getUint32(at + 36, true);
    return {
      name: Buffer.from(image.subarray(at, at + 8))
        .toString("latin1")
        .replace(/\0+$/, ""),
      rva: view.getUint32(at + 12, true),
      sizeBytes: view.getUint32(at + 8, true),
      fileBytes: view.getUint32(at + 16, true),
      executable: (flags & 0x2000_0000) !== 0,
      writable: (flags & 0x8000_0000) !== 0,
    };
  });
}
