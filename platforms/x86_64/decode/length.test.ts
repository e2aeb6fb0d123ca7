import test from "ava";
import { DecodeResult, Mode } from "./operation.ts";
import { everyOpcode, modes, randomEncodings, splitPrefixes } from "./testing/corpus.ts";
import { decodeBytes, hex } from "./testing/decoding.ts";
import { disassemble } from "./testing/disassembler.ts";

/** Why objdump's word does not count for an encoding, if there is a reason. */
function exception(encoding: readonly number[], mode: Mode, text: string): string | undefined {
  if (/\btr[0-7]\b/.test(text)) return "the test registers went with the 486";
  const { prefixes, rest } = splitPrefixes(encoding, mode);
  const [opcode = 0, next = 0] = rest;
  if (opcode === 0x0f && (next === 0xa6 || next === 0xa7)) return "only VIA's processors have it";
  if (opcode === 0x9b) return "objdump prints FWAIT and the instruction after it as one";
  const vex = [0xc4, 0xc5, 0x62].includes(opcode)
    ? mode === Mode.bits64 || next >= 0xc0
    : opcode === 0x8f && (next & 0x1f) >= 8;
  const refused = prefixes.some(
    (p) => [0x66, 0xf2, 0xf3].includes(p) || (mode === Mode.bits64 && (p & 0xf0) === 0x40),
  );
  if (vex && refused)
    return "66, F2, F3 and REX are no prefixes of VEX, EVEX or XOP (SDM vol. 2 §2.3.2 to §2.3.4)";
  return undefined;
}

function disagreements(
  encodings: readonly (readonly number[])[],
  mode: Mode,
): { readonly judged: number; readonly lines: readonly string[] } {
  const lines: string[] = [];
  let judged = 0;
  disassemble(encodings, mode).forEach(({ text, length, bad }, i) => {
    if (bad || exception(encodings[i]!, mode, text) !== undefined) return;
    judged++;
    const { result, instruction } = decodeBytes(encodings[i]!, mode);
    if (result === DecodeResult.ok && instruction.length === length) return;
    lines.push(
      `${hex(encodings[i]!)}: objdump has ${length} bytes, "${text}"; the decoder ${result === DecodeResult.ok ? instruction.length : DecodeResult[result]}`,
    );
  });
  return { judged, lines };
}

for (const mode of modes) {
  test(`every opcode under every prefix has the length that objdump gives it, in ${mode * 8}-bit mode`, (t) => {
    const { judged, lines } = disagreements(everyOpcode(mode), mode);
    t.deepEqual(lines, []);
    t.true(judged > 15_000, `${judged} judged`);
  });

  test(`random encodings have the length that objdump gives them, in ${mode * 8}-bit mode`, (t) => {
    const seed = 20_240_101 + mode;
    const { judged, lines } = disagreements(randomEncodings(mode, 6_000, seed), mode);
    t.deepEqual(lines, [], `seed ${seed}`);
    t.true(judged > 3_000, `${judged} judged`);
  });
}
