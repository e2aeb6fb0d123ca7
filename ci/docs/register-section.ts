/** The part of a device's page that is about one register, and its row in the table of its bank. */
import type { FieldModel, RegisterModel } from "../../dsl/device/model.ts";
import { bitPicture, codeOf } from "./bit-picture.ts";
import { table } from "./markdown.ts";
import { accesses, handlersInWords, hex, kindsInWords, sentence, wrongWrites } from "./words.ts";

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

function fieldTable(register: RegisterModel, kept: boolean): string {
  const rows = [...register.fields]
    .sort((a, b) => b.msb - a.msb)
    .map((field) => [
      field.msb === field.lsb ? `${field.msb}` : `${field.msb}:${field.lsb}`,
      `\`${field.name}\``,
      codeOf(field.kind, register.access),
      ...(kept ? [resetOf(field, register)] : []),
      [sentence(field.about), field.about !== "" && field.kind === "stored" ? "" : sentence(meaningOf(field))]
        .filter((text) => text !== "")
        .join(" "),
    ]);
  return table(["bits", "field", "kind", ...(kept ? ["reset"] : []), "meaning"], rows);
}

/** Bits between declared fields, of which there is no field to say it. */
function hasGaps(register: RegisterModel): boolean {
  const declared = register.fields.reduce((sum, f) => sum + f.msb - f.lsb + 1, 0);
  return register.fields.length > 0 && declared < register.bits;
}

/**
 * A register: where it lies, what accesses do, its picture and its fields; without `kept` nothing of what it
 * holds, which is somewhere else.
 */
export function registerSection(register: RegisterModel, kept = true): string {
  const facts = [
    `${register.bits} bits, ${accesses[register.access]}, at ${offsetOf(register)}`,
    ...(conditionOf(register) === "" ? [] : [`seen: ${conditionOf(register)}`]),
    ...(kept
      ? [
          `${register.reset} after a reset${register.retained ? " when the power comes on; any other reset leaves it" : ""}`,
        ]
      : []),
    ...(register.weight === 1 ? [] : [`weight ${register.weight}`]),
    ...(register.section === "" ? [] : [`manual: ${register.section}`]),
  ];
  const said = [
    sentence(register.about),
    ...register.handlers.map((kind) => handlersInWords[kind]),
    ...(register.apic === null
      ? []
      : [`It is another way to register 0x${register.apic.toString(16)} of the processor's local APIC.`]),
    ...(register.unimplemented
      ? ["Not implemented: every access is counted, and the first one reported."]
      : []),
    ...(kept &&
    register.fields.length === 0 &&
    !register.unimplemented &&
    !register.handlers.includes("write")
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
    ...(register.fields.length === 0 ? [] : [fieldTable(register, kept)]),
  ].join("\n\n");
}

/** The registers of a bank as a table. */
export function registerTable(registers: readonly RegisterModel[]): string {
  return table(
    ["offset", "register", "bits", "access", "reset", "seen", "about"],
    registers.map((r) => [
      offsetOf(r),
      `[\`${nameOf(r)}\`](#${r.name})`,
      String(r.bits),
      r.access,
      r.reset,
      conditionOf(r),
      sentence(r.about),
    ]),
  );
}
