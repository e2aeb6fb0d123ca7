/** The kinds that exits are counted by for the operator. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { exitCode } from "./vmcb.ts";

const rows = Object.freeze(
  [
    { code: exitCode.ioio, kind: 1 },
    { code: exitCode.msr, kind: 2 },
    { code: exitCode.cpuid, kind: 3 },
    { code: exitCode.hlt, kind: 4 },
    { code: exitCode.nestedPageFault, kind: 5 },
    { code: exitCode.intr, kind: 6 },
    { code: exitCode.vintr, kind: 7 },
    { code: exitCode.vmmcall, kind: 8 },
  ].map((row) => Object.freeze(row)),
);

/** Their names; the first is for all others. */
export const exitKinds: readonly string[] = Object.freeze([
  ...["other", "io", "msr", "cpuid", "hlt", "nestedFault", "interrupt", "window", "hypercall"],
]);

/** The kind of an exit code (APM vol. 2, appendix C). */
export function kindOfExit(code: u64): u32 {
  const low = u32(code);
  for (const row of rows) if (low === row.code) return row.kind;
  return 0;
}
