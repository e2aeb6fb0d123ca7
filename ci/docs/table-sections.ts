/** The parts of a device's page that are about its CPUID leaves and its hypercalls. */
import { leafRegisters } from "../../dsl/device/leaf.ts";
import type { HypercallModel, LeafModel } from "../../dsl/device/model.ts";
import { table } from "./markdown.ts";
import { sentence } from "./words.ts";

/** A CPUID leaf: what each register reads as, by field. */
export function leafSection(leaf: LeafModel): string {
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
    `${[`Leaf ${leaf.number}`, leaf.section].filter((s) => s !== "").join("; ")}. ${sentence(leaf.about)}`,
    table(["register", "bits", "field", "reads"], rows),
  ].join("\n\n");
}

/** A hypercall: its code, what goes in and what comes out. */
export function hypercallSection(call: HypercallModel): string {
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
    `${[`Call code ${call.code}`, call.section].filter((s) => s !== "").join("; ")}. ${sentence(call.about)}`,
    ...parameters("input", call.input),
    ...parameters("output", call.output),
  ].join("\n\n");
}
