/** The register reference of a device: a page in Markdown, made from its frozen model and nothing else. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../compiler/root.ts";
import { leafRegisters } from "../../dsl/device/leaf.ts";
import type {
  BankModel,
  DeviceModel,
  FieldModel,
  HandlerKind,
  HypercallModel,
  LeafModel,
  RegisterModel,
  StateModel,
} from "../../dsl/device/model.ts";
import { bitPicture, codeOf, patterns } from "./bit-picture.ts";
import { table } from "./markdown.ts";
import type { Fitting } from "./fitting.ts";

/** What a guest's access does to each kind of field, in words. */
export const kindsInWords: Readonly<Record<FieldModel["kind"], string>> = {
  stored: "stored: reads as what was written",
  readOnly: "read-only: the device puts it there, a write leaves it",
  constant: "constant: always reads the same, a write leaves it",
  reserved: "reserved: reads as given, a write leaves it",
  writeOneToClear: "a written 1 clears it, a written 0 leaves it",
  writeOneToSet: "a written 1 sets it, a written 0 leaves it",
  readToClear: "a read clears it after it was taken, a write leaves it",
  selfClearing: "a written 1 acts once; it reads as 0",
  unimplemented:
    "not implemented: reads as 0, a write of anything else is counted, and the first one reported",
};

const wrongWrites: Readonly<Record<FieldModel["wrongWrite"], string>> = {
  ignore: "",
  report: "; a write of anything else is counted, and the first one reported",
  refuse: "; a write of anything else is refused with #GP",
};

const accesses: Readonly<Record<RegisterModel["access"], string>> = {
  ro: "read-only",
  wo: "write-only",
  rw: "read and write",
};

const handlersInWords: Readonly<Record<HandlerKind, string>> = {
  peek: "What it reads as is computed when it is read.",
  read: "Reading it acts.",
  write: "A write acts instead of being stored.",
  written: "A write is stored, and then acts.",
};

const wires: Readonly<Record<NonNullable<StateModel["wire"]>, string>> = {
  line: "an interrupt line or another level, out",
  timer: "a timer of the board",
  sink: "bytes out to the host",
  source: "bytes in from the host",
  messages: "interrupt messages, out",
  signal: "events without a level, out: reset, power-off, NMI, end of interrupt",
  page: "a page that the guest lays over its memory",
  report: "what the guest reports to the administrator",
  unimplemented: "reports of what is not implemented",
};

/** A number of an offset or a value: small ones as they are. */
function hex(value: number): string {
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}

function unitsOf(bits: number): string {
  return `${bits} bits`;
}

/** Where a register lies in its bank, all of an array. */
function offsetOf(register: RegisterModel): string {
  const first = hex(register.offset);
  if (register.count === 1 || register.select !== null) return first;
  const last = hex(register.offset + (register.count - 1) * register.stride);
  return `${first} to ${last}, every ${hex(register.stride)}`;
}

function nameOf(register: RegisterModel): string {
  return register.count === 1 ? register.name : `${register.name}[0…${register.count - 1}]`;
}

function conditionOf({ when, select }: RegisterModel): string {
  const field = (of: { readonly register: string; readonly field: string }): string =>
    `[${of.register}](#${of.register}).${of.field}`;
  if (select !== null) return `the one that ${field(select)} picks`;
  return when === null ? "" : `while ${field(when)} is ${when.value}`;
}

function meaningOf(field: FieldModel): string {
  const { kind } = field;
  const reads = kind === "constant" || kind === "reserved" ? ` (${field.reads})` : "";
  return `${kindsInWords[kind]}${reads}${wrongWrites[field.wrongWrite]}`;
}

/** A field's value after a reset. */
function resetOf(field: FieldModel, register: RegisterModel): string {
  const width = BigInt(field.msb - field.lsb + 1);
  return `0x${((BigInt(register.reset) >> BigInt(field.lsb)) & ((1n << width) - 1n)).toString(16)}`;
}

function fieldTable(register: RegisterModel): string {
  const rows = [...register.fields]
    .sort((a, b) => b.msb - a.msb)
    .map((field) => [
      field.msb === field.lsb ? `${field.msb}` : `${field.msb}:${field.lsb}`,
      `\`${field.name}\``,
      codeOf(field.kind, register.access),
      resetOf(field, register),
      [field.about, field.about !== "" && field.kind === "stored" ? "" : sentence(meaningOf(field))]
        .filter((text) => text !== "")
        .join(" "),
    ]);
  return table(["bits", "field", "kind", "reset", "meaning"], rows);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Bits between declared fields, of which there is no field to say it. */
function hasGaps(register: RegisterModel): boolean {
  const declared = register.fields.reduce((sum, f) => sum + f.msb - f.lsb + 1, 0);
  return register.fields.length > 0 && declared < register.bits;
}

function registerSection(register: RegisterModel): string {
  const facts = [
    `${unitsOf(register.bits)}, ${accesses[register.access]}, at ${offsetOf(register)}`,
    ...(conditionOf(register) === "" ? [] : [`seen: ${conditionOf(register)}`]),
    `${register.reset} after a reset${register.retained ? " when the power comes on; any other reset leaves it" : ""}`,
    ...(register.section === "" ? [] : [`manual: ${register.section}`]),
  ];
  const said = [
    register.about,
    ...register.handlers.map((kind) => handlersInWords[kind]),
    ...(register.apic === null
      ? []
      : [`It is another way to register 0x${register.apic.toString(16)} of the processor's local APIC.`]),
    ...(register.unimplemented
      ? ["Not implemented: every access is counted, and the first one reported."]
      : []),
    ...(register.fields.length === 0 && !register.unimplemented && !register.handlers.includes("write")
      ? [register.access === "ro" ? "" : "It is stored as a whole."]
      : []),
    ...(hasGaps(register)
      ? ["Bits without a field read as the reset value says, and writes leave them."]
      : []),
  ].filter((text) => text !== "");
  return [
    `### ${register.name} {#${register.name}}`,
    `${facts.join("; ")}.`,
    ...(said.length === 0 ? [] : [said.join(" ")]),
    bitPicture(register),
    ...(register.fields.length === 0 ? [] : [fieldTable(register)]),
  ].join("\n\n");
}

const narrows: Readonly<Record<BankModel["narrow"], string>> = {
  merge: "reads its part, writes with the rest as it is",
  ignore: "reads as a hole, writes nothing",
  overlay: "reaches the overlay",
};
const wides: Readonly<Record<BankModel["wide"], string>> = {
  split: "is split into units, the lowest first",
  ignore: "reads as a hole, writes nothing",
};

function placeOf(bank: BankModel): string {
  switch (bank.space) {
    case "port":
      return "I/O ports";
    case "mmio":
      return "memory";
    case "msr":
      return "MSRs";
    case "configuration":
      return "PCI configuration space";
    case "indirect":
      return `behind \`${bank.index}\` and \`${bank.data}\``;
    case "overlay":
      return "bytes within another window";
  }
}

function bankSection(bank: BankModel, registers: readonly RegisterModel[]): string {
  const own = registers.filter((r) => r.bank === bank.name);
  const rows = own.map((r) => [
    offsetOf(r),
    `[\`${nameOf(r)}\`](#${r.name})`,
    String(r.bits),
    r.access,
    r.reset,
    conditionOf(r),
    r.about,
  ]);
  const direct = bank.space !== "indirect" && bank.space !== "overlay";
  const decoded = direct && !bank.passes;
  return [
    `### Bank ${bank.name} {#bank-${bank.name}}`,
    [
      `${sentence(`${placeOf(bank)}, ${hex(bank.sizeBytes)} ${direct ? "bytes" : "offsets"} in units of ${unitsOf(bank.unitBits)}`)}`,
      ...(decoded && bank.unitBits > 8
        ? [`A narrower access ${narrows[bank.narrow]}${bank.bytes === null ? "" : ` \`${bank.bytes}\``}.`]
        : []),
      ...(decoded ? [`A wider access ${wides[bank.wide]}.`] : []),
      ...(bank.placedBy === null ? [] : [`[\`${bank.placedBy}\`](#${bank.placedBy}) places it.`]),
      bank.passes
        ? "It has no registers: its accesses go on to PCI configuration space."
        : `Where there is no register it reads as ${bank.hole}.`,
    ].join(" "),
    ...(own.length === 0
      ? []
      : [table(["offset", "register", "bits", "access", "reset", "seen", "about"], rows)]),
  ].join("\n\n");
}

function stateSection(model: DeviceModel): string {
  if (model.state.length === 0) return "There is none beside the registers.";
  const rows = model.state.map((state) => [
    `\`${state.name}\``,
    state.wire === null
      ? state.inputPins > 0
        ? `${state.inputPins} input lines`
        : state.fifo
          ? `\`${state.type}\`, a queue`
          : `\`${state.type}\``
      : `${wires[state.wire]}${/\[(\d+)\]$/.exec(state.type) === null ? "" : `, ${/\[(\d+)\]$/.exec(state.type)![1]} of them`}`,
    state.saved ? "yes" : "no",
    state.retained ? "stays" : "cleared",
  ]);
  return table(["name", "what it is", "saved", "after a reset"], rows);
}

function eventsSection(model: DeviceModel): string {
  if (model.reported.length === 0)
    return "None: there is no register or field that is declared and not implemented, or that reports wrong writes.";
  const names = model.reported.map((name) => `[\`${name}\`](#${name})`).join(", ");
  return `The first use of each of these by a guest is an event \`unimplemented\` with the register's name, and every use is counted: ${names}.`;
}

/** Where the guests of a q35 find it. */
function fittingSection(fittings: readonly Fitting[]): string {
  const windows = fittings.flatMap((f) =>
    f.windows.map((w) => [`\`${f.name}\``, w.name, w.space, w.from, w.to]),
  );
  const lines = fittings.flatMap((f) =>
    f.lines.map((l) => [`\`${f.name}\``, l.name, l.irq, l.gsi, l.signalled]),
  );
  const named = fittings.flatMap((f) =>
    f.acpi === undefined ? [] : [`\`${f.name}\` is \`${f.acpi}\` in ACPI's namespace.`],
  );
  return [
    ...(windows.length === 0 ? [] : [table(["device", "window", "space", "first", "last"], windows)]),
    ...(lines.length === 0 ? [] : [table(["device", "line", "IRQ", "I/O APIC pin", "signalled"], lines)]),
    ...named,
  ].join("\n\n");
}

function leafSection(leaf: LeafModel): string {
  const rows = leafRegisters.flatMap((register) => {
    const fields = leaf.fields.filter((f) => f.register === register);
    if (fields.length === 0) {
      const value = leaf.values[register];
      return value === "0x0" ? [] : [[register.toUpperCase(), "31:0", "", value]];
    }
    return fields.map((f) => [
      register.toUpperCase(),
      f.msb === f.lsb ? `${f.msb}` : `${f.msb}:${f.lsb}`,
      `\`${f.name}\``,
      f.reads,
    ]);
  });
  return [
    `### ${leaf.name} {#leaf-${leaf.name}}`,
    `${[`Leaf ${leaf.number}`, leaf.section].filter((s) => s !== "").join("; ")}. ${leaf.about}.`,
    table(["register", "bits", "field", "reads"], rows),
  ].join("\n\n");
}

function hypercallSection(call: HypercallModel): string {
  const parameters = (what: string, list: HypercallModel["input"]): readonly string[] =>
    list.length === 0
      ? [`No ${what}.`]
      : [
          table(
            [what, "byte", "type"],
            list.map((f) => [`\`${f.name}\``, String(f.offset), `\`${f.type}\``]),
          ),
        ];
  return [
    `### ${call.name} {#hypercall-${call.name}}`,
    `${[`Call code ${call.code}`, call.section].filter((s) => s !== "").join("; ")}. ${call.about}.`,
    ...parameters("input", call.input),
    ...parameters("output", call.output),
  ].join("\n\n");
}

/** Where a device is declared: a part of an interface lies in that one's folder. */
function sourceOf({ name }: DeviceModel): string {
  const whole = `devices/${name}.ts`;
  return existsSync(join(repositoryRoot, whole)) ? whole : `devices/${name.replace("-", "/")}.ts`;
}

/** The page of a device, with its places in a q35 where it is part of one. */
export function devicePage(model: DeviceModel, fittings: readonly Fitting[]): string {
  return [
    `# ${model.title}`,
    `Device \`${model.name}\`, declared in [\`${sourceOf(model)}\`](../../${sourceOf(model)}).`,
    ...(model.about === "" ? [] : [model.about]),
    ...(model.manuals.length === 0 ? [] : [`Manuals:`, model.manuals.map((m) => `- ${m}`).join("\n")]),
    "How to read the pictures and the kinds of fields is told [here](index.md#kinds-of-fields).",
    patterns(),
    ...(fittings.length === 0 ? [] : ["## In a q35 {#in-a-q35}", fittingSection(fittings)]),
    ...(model.banks.length === 0
      ? []
      : [
          "## Windows and banks {#windows-and-banks}",
          ...model.banks.map((bank) => bankSection(bank, model.registers)),
          "## Registers {#all-registers}",
          ...model.registers.map(registerSection),
        ]),
    ...(model.leaves.length === 0 ? [] : ["## CPUID leaves {#all-leaves}", ...model.leaves.map(leafSection)]),
    ...(model.hypercalls.length === 0
      ? []
      : ["## Hypercalls {#all-hypercalls}", ...model.hypercalls.map(hypercallSection)]),
    "## State {#all-state}",
    stateSection(model),
    "## Events {#all-events}",
    eventsSection(model),
  ].join("\n\n");
}

/** The list of the devices, and how their pages are read. */
export function deviceIndex(models: readonly DeviceModel[]): string {
  const kinds = Object.entries(kindsInWords).map(([kind, words]) => [
    codeOf(kind as FieldModel["kind"], "rw"),
    `\`${kind}\``,
    words,
  ]);
  return [
    "# Devices",
    "For every device: its windows, its registers with their fields, its state, and what it reports. All of it is made from the device's declaration.",
    table(
      ["device", "what it is", "registers"],
      models.map((m) => [`[\`${m.name}\`](${m.name}.md)`, m.title, String(m.registers.length)]),
    ),
    "## Kinds of fields {#kinds-of-fields}",
    "A picture shows a register's bits, the highest first. Each cell has the field's name and a code for what a guest's access does to it; each kind has its own pattern.",
    patterns(),
    bitPicture(sampleOfKinds),
    table(["code", "kind", "what a guest's access does"], kinds),
    "A stored field has the code of its register's access: RW, RO or WO. A register without fields is one value. Access widths are told for each bank.",
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
