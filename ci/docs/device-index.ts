/** The list of the devices, with the legend of their pictures. */
import type { DeviceModel, FieldModel, RegisterModel } from "../../dsl/device/model.ts";
import { bitPicture, codeOf, patterns } from "./bit-picture.ts";
import { table } from "./markdown.ts";
import { kindsInWords } from "./words.ts";

/** The list of the devices, and how their pages are read. */
export function deviceIndex(models: readonly DeviceModel[]): string {
  const kinds = Object.entries(kindsInWords).map(([kind, words]) => [
    codeOf(kind as FieldModel["kind"], "rw"),
    `\`${kind}\``,
    words,
  ]);
  return [
    "# Devices",
    "For every device: its windows, its registers with their fields, its state, and what it reports. All of it is made from the device's declaration. The MSRs and CPUID leaves of the processor itself are [the platform's](processor.md).",
    table(
      ["device", "what it is", "registers"],
      models.map((m) => [`[\`${m.name}\`](${m.name}.md)`, m.title, String(m.registers.length)]),
    ),
    "## Kinds of fields {#kinds-of-fields}",
    "A picture shows a register's bits, the highest first. Each cell has the field's name and a code for what a guest's access does to it; each kind has its own pattern.",
    patterns(),
    bitPicture(sampleOfKinds),
    table(["code", "kind", "what a guest's access does"], kinds),
    "A stored field has the code of its register's access: RW, RO or WO. A register without fields is one value. Access widths are told for each bank. A register with a weight is used so much more often than others, and found sooner.",
  ].join("\n\n");
}

const sampleKinds = Object.keys(kindsInWords) as FieldModel["kind"][];
/** A register with a field of each kind, for the legend. */
const sampleOfKinds: RegisterModel = {
  name: "sample",
  bank: "sample",
  offset: 0,
  bits: 16,
  access: "rw",
  count: 1,
  stride: 0,
  reset: "0x0",
  retained: false,
  unimplemented: false,
  when: null,
  select: null,
  apic: null,
  fields: sampleKinds.map((kind, i) => ({
    name: kind,
    kind,
    msb: i,
    lsb: i,
    reads: "0x0",
    wrongWrite: "ignore",
    about: "",
  })),
  about: "",
  section: "",
  weight: 1,
  handlers: [],
};
