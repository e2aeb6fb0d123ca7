/** The page about the processor that a guest sees: its MSRs and its CPUID leaves, from the rows that the platform answers by. */
import type { LocalApics } from "../../platforms/x86_64/guest/local-apic.ts";
import { cpuidRows, type CpuidRow, type RegisterPolicy } from "../../platforms/x86_64/svm/cpuid.ts";
import { msrRows } from "../../platforms/x86_64/svm/msr-rows.ts";
import { passedThrough, type MsrRow } from "../../platforms/x86_64/svm/msr.ts";
import { table } from "./markdown.ts";

/** A page of what `rows`, and by default the platform, answer a guest with one processor. */
export function processorPage(
  // The rows are read here and not called, so nobody has to be behind them.
  msrs: readonly MsrRow[] = msrRows({} as LocalApics),
  leaves: readonly CpuidRow[] = cpuidRows(1),
): string {
  const straight = Object.entries(passedThrough).map(([name, first]): MsrLine => ({
    name,
    first,
    last: first,
  }));
  const lines = [...msrs.map(lineOf), ...straight].sort((a, b) => a.first - b.first);
  return [
    "# The processor",
    "What the processor of a guest answers by itself. What the devices of a guest declare comes besides: the [local APIC](local-apic.md), and the [Viridian interface](viridian.md) where the guest has it.",
    "## MSRs {#msrs}",
    "An MSR that is neither here nor declared by a device raises #GP, and so does a value that a register refuses. Those without an exit are the guest's own in the processor.",
    table(
      ["MSR", "register", "read", "write"],
      lines.map(({ name, first, last, read = "no exit", write = "no exit" }) => [
        first === last ? code(first) : `${code(first)} to ${code(last)}`,
        `\`${name}\``,
        read,
        write,
      ]),
    ),
    "## CPUID leaves {#cpuid}",
    "What a guest with one processor reads; a leaf that is neither here nor declared by a device reads as 0. `host` is the host's answer, of which only the bits of the mask go through; what is behind `|` is always set. The APIC number, and the bits that tell of CR4, are put in when the guest asks. The sizes of leaf 0xd are those of the guest's XCR0.",
    table(
      ["leaf", "subleaf", "EAX", "EBX", "ECX", "EDX"],
      leaves.map(({ leaf, subleaf, eax, ebx, ecx, edx }) => [
        code(leaf),
        subleaf === null ? "" : String(subleaf),
        ...[eax, ebx, ecx, edx].map(policyText),
      ]),
    ),
  ].join("\n\n");
}

interface MsrLine {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly read?: string;
  readonly write?: string;
}

function lineOf({ name, first, last, read, readChecked, write }: MsrRow): MsrLine {
  return {
    ...{ name, first, last },
    read: readChecked !== undefined ? "where the register is there" : read === null ? "#GP" : "yes",
    write: write === null ? "#GP" : "yes",
  };
}

const code = (value: number): string => `\`0x${value.toString(16)}\``;

function policyText({ keep, set }: RegisterPolicy): string {
  const host = keep === 0xffff_ffff ? ["host"] : keep === 0 ? [] : [`host & 0x${keep.toString(16)}`];
  const parts = [...host, ...(set === 0 ? [] : [`0x${set.toString(16)}`])];
  return parts.length === 0 ? "0" : `\`${parts.join(" | ")}\``;
}
