/** The page about the processor that a guest sees: its MSRs and its CPUID leaves, from the rows that the platform answers by. */
import type { RegisterModel } from "../../dsl/device/model.ts";
import type { LocalApics } from "../../platforms/x86_64/guest/local-apic.ts";
import { cpuidRows, type CpuidRow, type RegisterPolicy } from "../../platforms/x86_64/svm/cpuid.ts";
import { msrRows } from "../../platforms/x86_64/svm/msr-rows.ts";
import { passedThrough, type MsrRow } from "../../platforms/x86_64/svm/msr.ts";
import { processorShape } from "../../platforms/x86_64/svm/processor.ts";
import { patterns } from "./bit-picture.ts";
import { table } from "./markdown.ts";
import { registerSection } from "./register-section.ts";
import { sentence } from "./words.ts";

/** A page of what `rows`, and by default the platform, answer a guest with one processor. */
export function processorPage(
  // The rows are read here and not called, so nobody has to be behind them.
  msrs: readonly MsrRow[] = msrRows({ apics: {} as LocalApics, counter: () => 0n }),
  leaves: readonly CpuidRow[] = cpuidRows(1),
): string {
  const straight = Object.entries(passedThrough).map(([name, offset]) => ({
    offset,
    cells: [code(offset), `\`${name}\``, "no exit", "no exit", ""],
  }));
  const { model } = processorShape(msrs);
  const registers = [...model.registers].sort((a, b) => a.offset - b.offset);
  const absent = new Set(msrs.filter((row) => row.readChecked !== undefined).map((row) => row.name));
  const lines = [
    ...registers.map((r) => ({ offset: r.offset, cells: cellsOf(r, absent.has(r.name)) })),
    ...straight,
  ].sort((a, b) => a.offset - b.offset);
  return [
    `# ${model.title}`,
    `${model.about} What the devices of a guest declare comes besides: the [local APIC](local-apic.md), and the [Viridian interface](viridian.md) where the guest has it.`,
    "Manuals:",
    model.manuals.map((m) => `- ${m}`).join("\n"),
    "How to read the pictures and the kinds of fields is told [here](index.md#kinds-of-fields).",
    patterns(),
    "## MSRs {#msrs}",
    "An MSR that is neither here nor declared by a device raises #GP, and so does a value that a register refuses. Those without an exit are the guest's own in the processor.",
    table(
      ["MSR", "register", "read", "write", "about"],
      lines.map(({ cells }) => cells),
    ),
    ...registers.map((register) => registerSection(register, false)),
    "## CPUID leaves {#cpuid}",
    "What a guest with one processor reads; a leaf that is neither here nor declared by a device reads as 0. `host` is the host's answer, of which only the bits of the mask go through; what is behind `|` is always set. The APIC number, and the bits that tell of CR4, are put in when the guest asks. The sizes of leaf 0xd are those of the guest's XCR0.",
    table(
      ["leaf", "subleaf", "EAX", "EBX", "ECX", "EDX", "tells", "manual"],
      leaves.map((row) => [
        code(row.leaf),
        row.subleaf === null ? "" : String(row.subleaf),
        ...policies(row).map(([, policy]) => policyText(policy)),
        sentence(row.about),
        row.section,
      ]),
    ),
    "The features among those bits, by the manuals' names:",
    table(
      ["in", "where the host has it", "always"],
      leaves.flatMap((row) =>
        policies(row).flatMap(([register, { flags, set }]) => {
          if (flags === undefined) return [];
          const named = (always: boolean): string =>
            Object.entries(flags)
              .filter(([, bit]) => ((set >>> bit) & 1) === Number(always))
              .sort(([, a], [, b]) => a - b)
              .map(([name, bit]) => `${name} (${bit})`)
              .join(", ");
          return [[`${code(row.leaf)} ${register}`, named(false), named(true)]];
        }),
      ),
    ),
  ].join("\n\n");
}

/** A register's line: its numbers, its name, what reads and writes do, what it is. */
function cellsOf({ name, offset, count, stride, access, about }: RegisterModel, mayBeAbsent: boolean) {
  const last = offset + (count - 1) * stride;
  const numbers = count === 1 ? code(offset) : `${code(offset)} to ${code(last)}`;
  return [
    stride > 1 ? `${numbers}, every ${stride}` : numbers,
    `[\`${name}\`](#${name})`,
    access === "wo" ? "#GP" : mayBeAbsent ? "where the register is there" : "yes",
    access === "ro" ? "#GP" : "yes",
    sentence(about),
  ];
}

const policies = ({ eax, ebx, ecx, edx }: CpuidRow) =>
  [
    ["EAX", eax],
    ["EBX", ebx],
    ["ECX", ecx],
    ["EDX", edx],
  ] as const;

const code = (value: number): string => `\`0x${value.toString(16)}\``;

function policyText({ keep, set }: RegisterPolicy): string {
  const host = keep === 0xffff_ffff ? ["host"] : keep === 0 ? [] : [`host & 0x${keep.toString(16)}`];
  const parts = [...host, ...(set === 0 ? [] : [`0x${set.toString(16)}`])];
  return parts.length === 0 ? "0" : `\`${parts.join(" | ")}\``;
}
