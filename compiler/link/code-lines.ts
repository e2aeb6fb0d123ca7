/** Where the machine code of an image comes from: LLVM's disassembler and symbolizer over an image with lines. */
import { runTool } from "../llvm/toolchain.ts";

/** A place in the source that an instruction comes from. */
export interface SourceFrame {
  /** The function's symbol. */
  readonly symbol: string;
  /** Empty where the source has no lines: assembly, and what the compiler adds. */
  readonly file: string;
  readonly line: number;
}

/** The address that an image (PE32+) is linked for (PE format, "Optional Header Windows-Specific Fields"). */
export function imageBase(image: Uint8Array): bigint {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  return view.getBigUint64(view.getUint32(0x3c, true) + 24 + 24, true);
}

/** The instructions of an image (PE32+) by address relative to it, as AT&T text. */
export function disassemble(path: string, imageBase: bigint): Map<number, string> {
  const text = runTool("llvm-objdump-14", ["-d", "--no-show-raw-insn", path]);
  const found = new Map<number, string>();
  for (const [, address, instruction] of text.matchAll(/^ *([0-9a-f]+): +\t(.*)$/gm))
    found.set(Number(BigInt(`0x${address}`) - imageBase), instruction.replace(/\s+/g, " ").trim());
  return found;
}

interface Symbolized {
  readonly Symbol: readonly {
    readonly FunctionName: string;
    readonly FileName: string;
    readonly Line: number;
  }[];
}

/** The frames of addresses relative to an image: the function whose source it is, and those that it was inlined into. */
export function sourceFrames(
  path: string,
  addresses: readonly number[],
): ReadonlyMap<number, readonly SourceFrame[]> {
  const flags = [
    "--relative-address",
    "--inlines",
    "--relativenames",
    "--output-style=JSON",
    `--obj=${path}`,
  ];
  const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
  const lines = runTool("llvm-symbolizer-14", flags, "stdout", Buffer.from(input))
    .split("\n")
    .filter((line) => line !== "");
  return new Map(
    addresses.map((address, i) => {
      const { Symbol: frames } = JSON.parse(lines[i]!) as Symbolized;
      return [
        address,
        frames.map(({ FunctionName: symbol, FileName: file, Line: line }) => ({
          symbol,
          file: file.replace(/^\.\//, ""),
          line,
        })),
      ] as const;
    }),
  );
}
