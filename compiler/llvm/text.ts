import type { IrType } from "../ir/ir.ts";

/** A symbol as LLVM assembly writes it, `@name` or `@"any name"`. */
export function symbolText(symbol: string): string {
  return /^[A-Za-z_.$-][A-Za-z0-9_.$-]*$/.test(symbol) ? `@${symbol}` : `@${quoted(symbol)}`;
}

/** A string in LLVM assembly's quotes. */
export function quoted(text: string): string {
  return `"${escapeBytes(Buffer.from(text, "utf8"))}"`;
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => {
  const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  return plain ? String.fromCharCode(byte) : `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** Bytes in LLVM assembly's escapes, without the quotes. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexBytes[byte];
  return text;
}

/** A type in LLVM assembly; every pointer is `i8*`. */
export function typeText(type: IrType): string {
  switch (type.kind) {
    case "int":
      return `i${type.bits}`;
    case "ptr":
      return "i8*";
    case "void":
      return "void";
    case "record":
      return type.fields.length === 0 ? "{}" : `{ ${type.fields.map(typeText).join(", ")} }`;
  }
}
