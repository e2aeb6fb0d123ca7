/** What the CPU must have, and how it is set for the hypervisor's own code. */
import { u32, u64 } from "../../dsl/core/int.ts";
import {
  cpuidEax,
  cpuidEbx,
  cpuidEcx,
  cpuidEdx,
  readCr0,
  readCr4,
  readMsr,
  wbinvd,
  writeCr0,
  writeCr3,
  writeCr4,
  writeMsr,
} from "./instructions.ts";
import { cr0, cr4, efer, msr, patAfterReset } from "./registers.ts";

const extended: u32 = 0x8000_0000;
const extendedFeatures: u32 = 0x8000_0001;
const svmFeatures: u32 = 0x8000_000a;

/** Why a CPU cannot run guests. */
export enum CpuProblem {
  none = 0,
  noSvm = 1,
  svmDisabled = 2,
  noNestedPaging = 3,
}

/** Looks for SVM with nested paging (APM vol. 2 §15.4). */
export function cpuProblem(): u32 {
  if (cpuidEax(extended, 0) < svmFeatures || (cpuidEcx(extendedFeatures, 0) & 4) === 0)
    return CpuProblem.noSvm;
  if ((cpuidEdx(svmFeatures, 0) & 1) === 0) return CpuProblem.noNestedPaging;
  const isDisabled = (readMsr(msr.vmCr) & (1n << 4n)) !== 0n;
  return isDisabled ? CpuProblem.svmDisabled : CpuProblem.none;
}

/** A number that is equal on CPUs that offer the hypervisor and its guests the same features. */
export function cpuSignature(): u64 {
  // Without what software switches on: OSXSAVE, OSPKE.
  const basic = u32(cpuidEcx(1, 0) & ~(1 << 27));
  let sum: u64 = BigInt(basic);
  sum = u64(sum * 31n + BigInt(cpuidEdx(1, 0)));
  if (cpuidEax(0, 0) >= 7) {
    sum = u64(sum * 31n + BigInt(cpuidEbx(7, 0)));
    sum = u64(sum * 31n + BigInt(u32(cpuidEcx(7, 0) & ~(1 << 4))));
  }
  if ((basic & (1 << 26)) !== 0) sum = u64(sum * 31n + BigInt(cpuidEax(0xd, 0)));
  sum = u64(sum * 31n + BigInt(cpuidEcx(extendedFeatures, 0)));
  sum = u64(sum * 31n + BigInt(cpuidEdx(extendedFeatures, 0)));
  sum = u64(sum * 31n + BigInt(cpuidEbx(svmFeatures, 0)));
  return u64(sum * 31n + BigInt(cpuidEdx(svmFeatures, 0)));
}

/** Whether the CPU maps pages of 1 GiB. */
export function hasGigabytePages(): boolean {
  return cpuidEax(extended, 0) >= extendedFeatures && (cpuidEdx(extendedFeatures, 0) & (1 << 26)) !== 0;
}

/** Levels of page tables in use: the firmware chose, and long mode cannot change it. */
export function pagingLevels(): u32 {
  return (readCr4() & cr4.fiveLevelPaging) !== 0n ? 5 : 4;
}

/** Sets this CPU's control registers, and loads its page tables. Interrupts are off. */
export function setUpProcessor(root: u64): void {
  writeMsr(msr.efer, u64(readMsr(msr.efer) | efer.noExecute));
  writeMsr(msr.pat, patAfterReset);
  writeCr3(root);
  writeCr0(
    u64(
      (readCr0() | cr0.writeProtect | cr0.numericError | cr0.monitorCoprocessor) &
        ~(cr0.emulation | cr0.taskSwitched | cr0.notWriteThrough | cr0.cacheDisable),
    ),
  );
  writeCr4(u64((readCr4() & cr4.fiveLevelPaging) | controlBits()));
  wbinvd();
}

/** CR4 for the hypervisor: what this CPU has of what protects it or is needed to keep guests' state apart. */
function controlBits(): u64 {
  let bits: u64 = cr4.physicalAddressExtension | cr4.machineCheck | cr4.fxsave | cr4.simdExceptions;
  if ((cpuidEcx(1, 0) & (1 << 26)) !== 0) bits = u64(bits | cr4.xsave);
  if (cpuidEax(0, 0) >= 7) {
    const features = cpuidEbx(7, 0);
    if ((features & 1) !== 0) bits = u64(bits | cr4.fsGsBase);
    if ((features & (1 << 7)) !== 0) bits = u64(bits | cr4.supervisorExecutionPrevention);
    if ((features & (1 << 20)) !== 0) bits = u64(bits | cr4.supervisorAccessPrevention);
    if ((cpuidEcx(7, 0) & (1 << 3)) !== 0) bits = u64(bits | cr4.protectionKeys);
  }
  return bits;
}
