import test from "ava";
import type { FieldModel, RegisterModel } from "../../dsl/device/model.ts";
import { catalogue } from "../../devices/catalogue.ts";
import { bitPicture, codeOf, patterns, patternStyle, stripsOf } from "./bit-picture.ts";

const field = (name: string, msb: number, lsb: number, kind: FieldModel["kind"] = "stored"): FieldModel => ({
  name,
  kind,
  msb,
  lsb,
  reads: "0x0",
  wrongWrite: "ignore",
  about: "",
});
const register = (bits: number, fields: readonly FieldModel[]): RegisterModel => ({
  ...catalogue["uart16550"]!.model.registers[0]!,
  name: "sample",
  access: "rw",
  bits,
  fields,
});
/** Texts of a picture in their order. */
const textsOf = (picture: string): readonly string[] =>
  [...picture.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);

test("a picture of every register of the tree shows each of its bits once, highest first", (t) => {
  for (const { model } of Object.values(catalogue)) {
    for (const each of model.registers) {
      const bits = stripsOf(each).flatMap((strip) =>
        strip.cells.flatMap((cell) =>
          Array.from({ length: cell.msb - cell.lsb + 1 }, (_, i) => cell.msb - i),
        ),
      );
      t.deepEqual(
        bits,
        Array.from({ length: each.bits }, (_, i) => each.bits - 1 - i),
        `${model.name}.${each.name}`,
      );
    }
  }
});

test("a byte has a strip with a number above every bit, and names and codes below", (t) => {
  const picture = bitPicture(register(8, [field("low", 1, 0), field("flag", 7, 7, "writeOneToClear")]));
  t.deepEqual(textsOf(picture), ["7", "6", "5", "4", "3", "2", "1", "0", "flag", "W1C", "–", "low", "RW"]);
});

test("whole bytes of one field are one strip, which tells its first and its last bit", (t) => {
  const picture = bitPicture(register(32, [field("base", 31, 8), field("size", 7, 0)]));
  t.deepEqual(textsOf(picture), [
    ...["31", "8", "base", "RW"],
    ...["7", "6", "5", "4", "3", "2", "1", "0", "size", "RW"],
  ]);
});

test("a part of a field that lies in two strips says which bits of the field it has", (t) => {
  const picture = bitPicture(register(16, [field("value", 11, 4)]));
  const texts = textsOf(picture);
  t.true(texts.includes("value[7:4]"));
  t.true(texts.includes("value[3:0]"));
});

test("a constant tells its value where there is room, and its name in any case", (t) => {
  const constants = [
    { ...field("wide", 15, 8, "constant"), reads: "0x14" },
    { ...field("set", 7, 7, "constant"), reads: "0x1" },
    { ...field("narrow", 5, 4, "constant"), reads: "0x1234567" },
  ];
  const texts = textsOf(bitPicture(register(16, constants)));
  t.deepEqual(texts.slice(8, 10), ["wide", "=0x14"]);
  t.deepEqual(texts.slice(18), ["set", "=1", "–", "narrow", "=", "–"]);
});

test("a register without fields is one value of its name", (t) => {
  t.deepEqual(textsOf(bitPicture(register(64, []))), ["63", "0", "sample", "RW"]);
});

test("a long name in a narrow cell is turned, and stays within the strip", (t) => {
  const picture = bitPicture(register(8, [field("aVeryLongNameIndeed", 3, 3)]));
  t.regex(picture, /rotate\(-90 [\d.]+ [\d.]+\)">aVeryLongNameIndeed</);
  const height = Number(/viewBox="0 0 304 (\d+)"/.exec(picture)![1]);
  t.true(height > 19 * 9.6 + 22, `${height} is room for 19 characters`);
});

test("text in a picture is escaped, and there is no blank line that would end it in Markdown", (t) => {
  const picture = bitPicture({ ...register(8, []), name: `<a & "b">` });
  t.true(picture.includes("&lt;a &amp; &quot;b&quot;&gt;"));
  t.notRegex(picture, /\n\s*\n/);
});

test("kinds differ by their codes, and all but what is stored by a pattern of their own", (t) => {
  const kinds = [
    "readOnly",
    "constant",
    "reserved",
    "writeOneToClear",
    "writeOneToSet",
    "readToClear",
  ] as const;
  const others = [...kinds, "selfClearing", "unimplemented"] as const;
  t.is(new Set(["stored" as const, ...others].map((kind) => codeOf(kind, "rw"))).size, others.length + 1);
  const paths = new Set([...patterns().matchAll(/<path d="([^"]+)"/g)].map(([, path]) => path));
  t.is(paths.size, others.length + 1, "undeclared bits have one too");
  for (const kind of others) {
    t.true(patterns().includes(`id="bits-${kind}"`), kind);
    t.true(patternStyle().includes(`rect.${kind} { fill: url(#bits-${kind}); }`), kind);
  }
});
