import test from "ava";
import { make } from "../../../dsl/core/layout.ts";
import { interceptedLength, shortForms, shortLength } from "./fast-length.ts";
import { CodeBytes, Instruction, Mode } from "./operation.ts";
import { hex } from "./testing/decoding.ts";
import { disassemble } from "./testing/disassembler.ts";

const code = make(CodeBytes);
const scratch = make(Instruction);

function fetch(bytes: readonly number[]): void {
  for (let i = 0; i < 40; i++) code.bytes[i] = bytes[i] ?? 0;
  code.length = Math.min(bytes.length, 15);
}
const bytesOf = (value: number, length: number) =>
  Array.from({ length }, (_, i) => (value >>> (8 * i)) & 0xff);

test("every short form is the instruction that objdump names", (t) => {
  const aliases: Readonly<Record<string, string>> = {
    iret: "iret",
    pushf: "pushf",
    popf: "popf",
    icebp: "int1",
  };
  const forms = Object.entries(shortForms);
  disassemble(
    forms.map(([, f]) => bytesOf(f.bytes, f.length)),
    Mode.bits64,
  ).forEach(({ text, length }, i) => {
    const [name, form] = forms[i]!;
    t.true(text.startsWith(aliases[name] ?? name), `${name}: ${text}`);
    t.is(length, form.length, name);
  });
});

test("a short form at RIP has its length by one comparison, and none where another opcode stands", (t) => {
  for (const form of Object.values(shortForms)) {
    const head = BigInt(form.bytes) | (0xcccc_cccc_cccc_ccccn << BigInt(8 * form.length));
    t.is(shortLength(BigInt.asUintN(64, head), form), form.length);
    t.is(shortLength(BigInt.asUintN(64, head ^ 0x80n), form), 0);
    fetch([...bytesOf(form.bytes, form.length), 0xcc]);
    t.is(interceptedLength(code, Mode.bits64, form, scratch), form.length);
  }
});

test("prefixes before an intercepted instruction count in every mode", (t) => {
  for (const mode of [Mode.bits16, Mode.bits32, Mode.bits64]) {
    for (const prefixes of [[0x66], [0x2e, 0x67], [0x65, 0x66, 0x3e, 0x67]]) {
      fetch([...prefixes, 0x0f, 0xa2]);
      t.is(interceptedLength(code, mode, shortForms.cpuid, scratch), prefixes.length + 2, hex(prefixes));
    }
  }
  fetch([0x48, 0x0f, 0xa2]);
  t.is(interceptedLength(code, Mode.bits64, shortForms.cpuid, scratch), 3);
  t.is(interceptedLength(code, Mode.bits32, shortForms.cpuid, scratch), 0);
});

test("an instruction that was changed, cut off or made illegal since the exit has length 0", (t) => {
  for (const bytes of [
    [0x0f, 0x32],
    [0x0f],
    [0xf0, 0x0f, 0xa2],
    [0x90, 0x0f, 0xa2],
    [],
    Array.from({ length: 15 }, () => 0x66),
  ]) {
    fetch(bytes);
    t.is(interceptedLength(code, Mode.bits64, shortForms.cpuid, scratch), 0, hex(bytes));
  }
});
