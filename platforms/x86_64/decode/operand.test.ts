import test from "ava";
import { DecodeResult } from "./operation.ts";
import { everyOpcode, modes, randomEncodings, splitPrefixes } from "./testing/corpus.ts";
import { decodeBytes, hex } from "./testing/decoding.ts";
import { disassemble } from "./testing/disassembler.ts";
import { intelSyntax } from "./testing/intel-syntax.ts";

/** objdump's text without prefixes that do nothing, an index that is none, and RIP's comment. */
function essence(text: string): string {
  const words = text
    .replace(/\s*#.*$/, "")
    .replace(/\s+/g, " ")
    .replace(/\+[re]iz\*\d/, "")
    .trim();
  const idle = /\b(rex\S*|data16|data32|addr16|addr32|[c-g]s|ss) /g;
  const isString = /(^| )(movs|cmps|stos|lods|scas|ins|outs) /.test(words);
  return words.replace(
    isString ? idle : /^((rex\S*|data16|data32|addr16|addr32|[c-g]s|ss|repz|repnz|xacquire|xrelease|bnd) )+/,
    "",
  );
}

for (const mode of modes) {
  test(`mnemonic, registers, widths and addresses of emulated instructions are objdump's, in ${mode * 8}-bit mode`, (t) => {
    const encodings = [...everyOpcode(mode), ...randomEncodings(mode, 6_000, 77 + mode)].filter((e) => {
      const { prefixes } = splitPrefixes(e, mode);
      return (
        new Set(prefixes).size === prefixes.length && !(prefixes.includes(0xf2) && prefixes.includes(0xf3))
      );
    });
    const lines: string[] = [];
    let judged = 0;
    disassemble(encodings, mode).forEach(({ text, bad }, i) => {
      if (bad) return;
      const { result, instruction } = decodeBytes(encodings[i]!, mode);
      if (result !== DecodeResult.ok) return;
      const ours = intelSyntax(instruction);
      if (ours === undefined) return;
      judged++;
      if (essence(text) !== ours)
        lines.push(`${hex(encodings[i]!)}: objdump has "${essence(text)}", the decoder "${ours}"`);
    });
    t.deepEqual(lines, []);
    t.true(judged > 2_000, `${judged} judged`);
  });
}
