/** What a save keeps of a vCPU under SVM: all that a guest can see, and nothing of how this host runs it. */
import { savedPart, type SavedPart } from "../../../kernel/saved-part.ts";
import type { ExtendedState } from "./registers.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** The parts of a vCPU and of its registers that `kept` holds while it does not run. Build time. */
export function savedVcpu(name: string, v: SvmVcpu, kept: ExtendedState): readonly SavedPart[] {
  return Object.freeze([
    savedPart(`${name}.registers`, v.vmcb, { from: "es" }),
    savedPart(`${name}.shadow`, v.vmcb, { from: "interruptShadow", before: "exitCode" }),
    // From the general registers to what MSRs keep.
    savedPart(`${name}.processor`, v, { from: "gpr", before: "codePages" }),
    savedPart(`${name}.nmi`, v, { from: "iretRip", before: "cpuid" }),
    savedPart(`${name}.events`, v.core.injection),
    savedPart(`${name}.run`, v.core, { from: "state", before: "index" }),
    savedPart(`${name}.extended`, kept),
  ]);
}
