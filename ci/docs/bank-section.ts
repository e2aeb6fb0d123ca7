/** The part of a device's page that is about one bank. */
import type { BankModel, RegisterModel } from "../../dsl/device/model.ts";
import { registerTable } from "./register-section.ts";
import { hex, sentence } from "./words.ts";

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

/** Widths of accesses that are not the unit's; MSRs have but one. */
function otherWidths(bank: BankModel): readonly string[] {
  if (bank.passes || bank.space === "msr" || bank.space === "indirect" || bank.space === "overlay") return [];
  const narrower = `A narrower access ${narrows[bank.narrow]}${bank.bytes === null ? "" : ` \`${bank.bytes}\``}.`;
  return [...(bank.unitBits > 8 ? [narrower] : []), `A wider access ${wides[bank.wide]}.`];
}

function holesOf(bank: BankModel): string {
  if (bank.passes) return "It has no registers: its accesses go on to PCI configuration space.";
  if (bank.answers) return "It has no registers: the device answers at every offset.";
  if (bank.space === "msr") return "An MSR that is not listed is refused with #GP.";
  return `Where there is no register it reads as ${bank.hole}.`;
}

function extentOf({ space, sizeBytes }: BankModel): string {
  const bytes = space === "port" || space === "mmio" || space === "configuration";
  return `${hex(sizeBytes)} ${bytes ? "bytes" : space === "msr" ? "numbers" : "offsets"}`;
}

/** A bank: its window, what accesses reach, and its registers. */
export function bankSection(bank: BankModel, registers: readonly RegisterModel[]): string {
  const own = registers.filter((r) => r.bank === bank.name);
  return [
    `### Bank ${bank.name} {#bank-${bank.name}}`,
    [
      sentence(`${placeOf(bank)}, ${extentOf(bank)} in units of ${bank.unitBits} bits`),
      ...otherWidths(bank),
      ...(bank.placedBy === null ? [] : [`[\`${bank.placedBy}\`](#${bank.placedBy}) places it.`]),
      ...(bank.aperture === null
        ? []
        : [
            `Through [\`${bank.aperture}\`](#${bank.aperture}) windows that the guest places are reached too.`,
          ]),
      holesOf(bank),
    ].join(" "),
    ...(own.length === 0 ? [] : [registerTable(own)]),
  ].join("\n\n");
}
