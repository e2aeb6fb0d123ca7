/**
 * SVM on one CPU: whether it is there, switching it on, and the maps and the control block that every vCPU starts with
 * (APM vol. 2 §15.4, §15.10, §15.11).
 */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, fillBytes, load8, store8 } from "../../../dsl/core/intrinsics.ts";
import { array, bool, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { cpuidEax, cpuidEbx, cpuidEcx, cpuidEdx, readMsr, vmsave, writeMsr } from "../instructions.ts";
import { efer, msr } from "../registers.ts";
import { passedThrough, permissionBit } from "./msr.ts";
import type { SvmVcpu } from "./vcpu.ts";
import { intercept3, intercept4, virtualInterrupt } from "./vmcb.ts";

/** Why SVM cannot be used. */
export enum SvmProblem {
  none = 0,
  /** CPUID does not show SVM. */
  absent = 1,
  /** The firmware switched it off and locked it (VM_CR.SVMDIS). */
  disabled = 2,
  /** There is no nested paging. */
  noNestedPaging = 3,
}

/** What this host's SVM can do beyond what is required. */
export const SvmFeatures = struct("SvmFeatures", {
  /** The exit stores the address of the next instruction. */
  nextRip: bool,
  flushByAsid: bool,
  /** 1 GiB nested pages. */
  gigabytePages: bool,
  rdtscp: bool,
  protectionKeys: bool,
  spare: array(u8, 3),
  asids: u32,
  /** XCR0 bits of the CPU; 0 without XSAVE. */
  xcr0: u64,
});
export const features = storage("svmFeatures", SvmFeatures);

const cr4Allowed = struct("Cr4Allowed", { bits: u64 });
/** Bits of CR4 that a guest may set on this host. */
export const guestCr4 = storage("guestCr4", cr4Allowed);

const vmHsavePa = 0xc001_0117;
const vmCrSvmDisable = 1n << 4n;

/** Looks whether SVM with nested paging can be used, and notes what it can do; a `SvmProblem`. */
export function detectSvm(): u32 {
  const maxExtended = cpuidEax(0x8000_0000, 0);
  if (maxExtended < 0x8000_000a || (cpuidEcx(0x8000_0001, 0) & 4) === 0) return SvmProblem.absent;
  if ((readMsr(msr.vmCr) & vmCrSvmDisable) !== 0n) return SvmProblem.disabled;
  const bits = cpuidEdx(0x8000_000a, 0);
  if ((bits & 1) === 0) return SvmProblem.noNestedPaging;
  features.nextRip = (bits & (1 << 3)) !== 0;
  features.flushByAsid = (bits & (1 << 6)) !== 0;
  features.asids = cpuidEbx(0x8000_000a, 0);
  const extended = cpuidEdx(0x8000_0001, 0);
  features.gigabytePages = (extended & (1 << 26)) !== 0;
  features.rdtscp = (extended & (1 << 27)) !== 0;
  const hasXsave = (cpuidEcx(1, 0) & (1 << 26)) !== 0;
  features.xcr0 = hasXsave ? u64(BigInt(cpuidEax(0xd, 0)) | (BigInt(cpuidEdx(0xd, 0)) << 32n)) : 0n;
  prepareCr4();
  return SvmProblem.none;
}

/** CR4 bits whose feature CPUID leaf 7 shows: leaf-7 register, its bit, the CR4 bit. */
const cr4OfLeaf7Ebx = [
  { bit: 0, cr4: 16 },
  { bit: 7, cr4: 20 },
  { bit: 20, cr4: 21 },
] as const;
const cr4OfLeaf7Ecx = [
  { bit: 2, cr4: 11 },
  { bit: 3, cr4: 22 },
  { bit: 16, cr4: 12 },
] as const;
/** VME, PVI, TSD, DE, PSE, PAE, MCE, PGE, PCE, OSFXSR, OSXMMEXCPT. */
const cr4Always = 0x7ffn;

function prepareCr4(): void {
  let allowed: u64 = cr4Always;
  const maxBasic = cpuidEax(0, 0);
  if (maxBasic >= 7) {
    const ebx = cpuidEbx(7, 0);
    const ecx = cpuidEcx(7, 0);
    features.protectionKeys = (ecx & 8) !== 0;
    for (const f of cr4OfLeaf7Ebx)
      if ((ebx & (1 << f.bit)) !== 0) allowed = u64(allowed | (1n << BigInt(f.cr4)));
    for (const f of cr4OfLeaf7Ecx)
      if ((ecx & (1 << f.bit)) !== 0) allowed = u64(allowed | (1n << BigInt(f.cr4)));
  }
  if (features.xcr0 !== 0n) allowed = u64(allowed | (1n << 18n));
  guestCr4.bits = allowed;
}

const Page = struct("SvmPage", { bytes: array(u8, 4096) }, { align: 4096 });
/** Intercepts every port: 64 Ki bits and the three that follow. */
const ioPermissions = storage("ioPermissions", array(Page, 3), { align: 4096 });
/** Intercepts every MSR but those that are passed through. */
const msrPermissions = storage("msrPermissions", array(Page, 2), { align: 4096 });
/** Both maps, which all guests share and none has in its memory. */
export const permissionMaps = Object.freeze({ ports: ioPermissions, msrs: msrPermissions });
const openBits = Object.values(passedThrough).map(permissionBit);

/** Fills the maps that all vCPUs share; once, before any of them runs. */
export function fillPermissions(): void {
  fillBytes(addressOf(ioPermissions), 0xff, 3n * 4096n);
  fillBytes(addressOf(msrPermissions), 0xff, 2n * 4096n);
  for (const open of openBits) {
    const at = u64(addressOf(msrPermissions) + BigInt(open.byte));
    store8(at, load8(at) & ~(3 << open.bit) & 0xff);
  }
}

/** The pages in which the CPUs keep their own state while a guest runs. */
export interface HostPages {
  /** Switches SVM on on the CPU that calls this, which has an index. */
  enable(cpu: u32): void;
  /** What `enterGuest` takes as `host` on a CPU. */
  of(cpu: u32): u64;
}

/** Lays them out. Build time. */
export function hostPages(cpuCount: number): HostPages {
  /** Host state of VMRUN, and of VMLOAD. */
  const save = storage("hostSave", array(Page, cpuCount), { align: 4096 });
  const extra = storage("hostExtra", array(Page, cpuCount), { align: 4096 });
  const of = (cpu: u32): u64 => (cpuCount === 1 ? addressOf(extra[0]) : addressOf(extra[cpu]));
  return Object.freeze({
    of,
    enable(cpu: u32): void {
      writeMsr(msr.efer, u64(readMsr(msr.efer) | efer.svm));
      writeMsr(vmHsavePa, cpuCount === 1 ? addressOf(save[0]) : addressOf(save[cpu]));
      vmsave(of(cpu));
    },
  });
}

const exceptions = ((1 << 1) | (1 << 17) | (1 << 18)) >>> 0;
const events3 =
  (intercept3.intr |
    intercept3.nmi |
    intercept3.smi |
    intercept3.init |
    intercept3.rdpmc |
    intercept3.cpuid |
    intercept3.rsm |
    intercept3.invd |
    intercept3.hlt |
    intercept3.invlpga |
    intercept3.ioio |
    intercept3.msr |
    intercept3.taskSwitch |
    intercept3.shutdown) >>>
  0;
const events4 =
  (intercept4.vmrun |
    intercept4.vmmcall |
    intercept4.vmload |
    intercept4.vmsave |
    intercept4.stgi |
    intercept4.clgi |
    intercept4.skinit |
    intercept4.wbinvd |
    intercept4.monitor |
    intercept4.mwait |
    intercept4.rdpru) >>>
  0;
/** CR0, CR4 and CR8 writes; CR4 and CR8 reads. */
const crWrites = ((1 << 0) | (1 << 4) | (1 << 8)) << 16;
const crReads = (1 << 4) | (1 << 8);

/** Sets the control area of a vCPU for its domain; the guest's registers come with a reset. */
export function prepareControl(v: SvmVcpu): void {
  const vmcb = v.vmcb;
  const domain = v.core.domain!;
  fillBytes(addressOf(vmcb), 0, 4096n);
  vmcb.interceptCr = crWrites | crReads;
  vmcb.interceptDr = 0;
  vmcb.interceptExceptions = exceptions;
  // Who spins waits for a vCPU that has no CPU while it spins.
  vmcb.intercept3 = domain.vcpuCount > 1 ? u32(events3 | intercept3.pause) : events3;
  vmcb.intercept4 = events4;
  vmcb.iopm = addressOf(ioPermissions);
  vmcb.msrpm = addressOf(msrPermissions);
  vmcb.asid = 1;
  vmcb.tlbControl = 1;
  vmcb.virtualInterrupt = virtualInterrupt.masking;
  vmcb.nestedControl = 1n;
  vmcb.nestedCr3 = domain.translationRoot;
}
