/** GNU objdump as an independent judge of lengths and operands. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mode } from "../operation.ts";

/** What objdump makes of one encoding, in Intel syntax. */
export interface Disassembly {
  readonly text: string;
  readonly length: number;
  /** objdump knows no such instruction. */
  readonly bad: boolean;
}

const machines = { [Mode.bits64]: "i386:x86-64", [Mode.bits32]: "i386", [Mode.bits16]: "i8086" } as const;
const slotBytes = 32;

/**
 * Disassembles encodings of at most 15 bytes, each for itself: every one starts a slot of 32 bytes that one-byte NOPs
 * fill, so that the disassembler is in step again at the next.
 */
export function disassemble(encodings: readonly (readonly number[])[], mode: Mode): readonly Disassembly[] {
  const bytes = Buffer.alloc(encodings.length * slotBytes, 0x90);
  encodings.forEach((encoding, i) => bytes.set(encoding, i * slotBytes));
  const folder = mkdtempSync(join(tmpdir(), "typevisor-decode-"));
  try {
    const file = join(folder, "code.bin");
    writeFileSync(file, bytes);
    const options = [
      "-D",
      "-w",
      "-z",
      "-b",
      "binary",
      "-m",
      machines[mode],
      "-M",
      "intel",
      "--no-show-raw-insn",
      file,
    ];
    const output = execFileSync("objdump", options, { encoding: "utf8", maxBuffer: 1 << 28 });
    const lines = [...output.matchAll(/^\s*([0-9a-f]+):\s*(.*)$/gm)].map((m) => ({
      address: parseInt(m[1]!, 16),
      text: m[2]!.trim(),
    }));
    const starts = new Map(lines.map((line, i) => [line.address, i]));
    return encodings.map((_, i) => {
      const at = starts.get(i * slotBytes);
      if (at === undefined) throw new Error(`objdump lost step before encoding ${i}`);
      const { text, address } = lines[at]!;
      return {
        text,
        length: (lines[at + 1]?.address ?? bytes.length) - address,
        bad: text.includes("(bad)"),
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
