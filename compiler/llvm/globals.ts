import type { IrGlobal, IrModule } from "../ir/ir.ts";
import type { PreludeOptions } from "./prelude.ts";
import type { Signature } from "./requirements.ts";
import { escapeBytes, quoted, symbolText, typeText } from "./text.ts";

/** From this size on, an initialiser goes into the object through a file instead of assembly text. */
const blobBytes = 64 * 1024;

interface GlobalsOptions extends PreludeOptions {
  readonly signatures: ReadonlyMap<string, Signature>;
  readonly usedByAssembly: ReadonlySet<string>;
}

/** Static storage as LLVM assembly, and the assembly of an object of its own for what is too large for it. */
export function globalsText(module: IrModule, options: GlobalsOptions): { text: string; data: string[] } {
  const types = new Map<string, string>();
  const external = [...options.external].filter((symbol) => !options.signatures.has(symbol));
  for (const symbol of external) types.set(symbol, "i8");
  const plans = module.globals
    .filter(({ symbol }) => !options.external.has(symbol))
    .map((global) => ({ global, isBlob: isBlob(global, options), type: typeOf(global, options) }));
  for (const { global, isBlob, type } of plans) types.set(global.symbol, isBlob ? "i8" : type);
  const data: string[] = [];
  const texts = external.map((symbol) => `${symbolText(symbol)} = external dso_local global i8`);
  for (const { global, isBlob, type } of plans) {
    if (isBlob) {
      texts.push(
        `${symbolText(global.symbol)} = external dso_local ${kindOf(global)} i8, align ${global.align}`,
      );
      data.push(...blobAssembly(global, options));
    } else {
      texts.push(definition(global, type, types, options));
    }
  }
  return { text: texts.join("\n"), data };
}

const kindOf = (global: IrGlobal): string => (global.constant ? "constant" : "global");

function isBlob(global: IrGlobal, { target }: GlobalsOptions): boolean {
  return (
    target.name === "efi" &&
    (global.init?.length ?? 0) >= blobBytes &&
    (global.relocations ?? []).length === 0
  );
}

/** Relocations cut an initialiser into pieces; each piece is one field of a packed struct. */
function pieces(global: IrGlobal): { start: number; end: number; relocation?: number }[] {
  const sorted = (global.relocations ?? []).map((r, i) => ({ at: r.offset, i })).sort((a, b) => a.at - b.at);
  const made: { start: number; end: number; relocation?: number }[] = [];
  let at = 0;
  for (const { at: offset, i } of sorted) {
    if (offset > at) made.push({ start: at, end: offset });
    made.push({ start: offset, end: offset + 8, relocation: i });
    at = offset + 8;
  }
  if (at < global.sizeBytes) made.push({ start: at, end: global.sizeBytes });
  return made;
}

function typeOf(global: IrGlobal, { target }: GlobalsOptions): string {
  const parts = pieces(global);
  if (parts.every((part) => part.relocation === undefined)) return `[${global.sizeBytes} x i8]`;
  const fields = parts.map((part) => {
    if (part.relocation === undefined) return `[${part.end - part.start} x i8]`;
    return target.pointerBits === 64 ? "i8*" : "i8*, i32";
  });
  return `<{ ${fields.join(", ")} }>`;
}

function definition(
  global: IrGlobal,
  type: string,
  types: ReadonlyMap<string, string>,
  options: GlobalsOptions,
): string {
  const exported = global.exported === true || options.usedByAssembly.has(global.symbol);
  const linkage = exported ? "dso_local" : "internal";
  const placed = global.section !== undefined && options.target.name === "efi";
  const section = placed ? `, section ${quoted(global.section!)}` : "";
  const value = initialiser(global, types, options);
  const head = `${symbolText(global.symbol)} = ${linkage} ${kindOf(global)}`;
  return `${head} ${type} ${value}${section}, align ${global.align}`;
}

function initialiser(global: IrGlobal, types: ReadonlyMap<string, string>, options: GlobalsOptions): string {
  const init = global.init ?? new Uint8Array(0);
  const parts = pieces(global);
  const bytes = (start: number, end: number): string => {
    const piece = init.subarray(start, end);
    if (piece.every((byte) => byte === 0)) return "zeroinitializer";
    const padded = new Uint8Array(end - start);
    padded.set(piece);
    return `c"${escapeBytes(padded)}"`;
  };
  if (parts.every((part) => part.relocation === undefined)) return bytes(0, global.sizeBytes);
  const fields = parts.map((part) => {
    if (part.relocation === undefined)
      return `[${part.end - part.start} x i8] ${bytes(part.start, part.end)}`;
    const { symbol, addend } = global.relocations![part.relocation]!;
    const address = addressText(symbol, addend, types, options.signatures);
    return options.target.pointerBits === 64 ? `i8* ${address}` : `i8* ${address}, i32 0`;
  });
  return `<{ ${fields.join(", ")} }>`;
}

function addressText(
  symbol: string,
  addend: number,
  types: ReadonlyMap<string, string>,
  signatures: ReadonlyMap<string, Signature>,
): string {
  const signature = signatures.get(symbol);
  const pointee =
    signature === undefined
      ? types.get(symbol)
      : `${typeText(signature.result)} (${signature.params.map(typeText).join(", ")})`;
  const base = pointee === "i8" ? symbolText(symbol) : `bitcast (${pointee}* ${symbolText(symbol)} to i8*)`;
  return addend === 0 ? base : `getelementptr (i8, i8* ${base}, i64 ${addend})`;
}

function blobAssembly(global: IrGlobal, options: GlobalsOptions): string[] {
  const name = quoted(global.symbol);
  const path = options.storeBlob(global.symbol, global.init!);
  const section = global.section ?? (global.constant ? ".rdata" : ".data");
  const rest = global.sizeBytes - global.init!.length;
  return [
    `.section ${section},"${global.constant ? "dr" : "dw"}"`,
    `.globl ${name}`,
    `.balign ${global.align}`,
    `${name}:`,
    `.incbin ${quoted(path)}`,
    ...(rest > 0 ? [`.zero ${rest}`] : []),
  ];
}
