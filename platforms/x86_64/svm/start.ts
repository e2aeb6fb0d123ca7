/** The registers of the vCPU that a loader's kernel starts on. */
import type { u64 } from "../../../dsl/core/int.ts";
import type { StartState } from "../guest/loader.ts";
import { setSegment } from "./registers.ts";
import type { SvmVcpu } from "./vcpu.ts";

/**
 * Makes the state after RESET the one in which every loader's kernel starts: 32-bit protected mode, flat segments, no
 * paging, interrupts off.
 */
export function startFlat(v: SvmVcpu, entry: u64, start: StartState): void {
  const vmcb = v.vmcb;
  setSegment(vmcb.cs, 0x10, 0n, 0xffff_ffff, 0xc9b);
  setSegment(vmcb.ds, 0x18, 0n, 0xffff_ffff, 0xc93);
  setSegment(vmcb.es, 0x18, 0n, 0xffff_ffff, 0xc93);
  setSegment(vmcb.ss, 0x18, 0n, 0xffff_ffff, 0xc93);
  setSegment(vmcb.fs, 0x18, 0n, 0xffff_ffff, 0xc93);
  setSegment(vmcb.gs, 0x18, 0n, 0xffff_ffff, 0xc93);
  setSegment(vmcb.gdtr, 0, start.gdtGpa, 31, 0);
  if (start.taskState) setSegment(vmcb.tr, 0, 0n, 0x67, 0x8b);
  // PE, and ET, which is fixed to 1.
  vmcb.cr0 = 0x11n;
  vmcb.rip = entry;
  v.gpr[2] = 0n;
  for (const r of start.registers) v.gpr[r.index] = r.value;
}
