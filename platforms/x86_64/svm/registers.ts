/**
 * The registers of a vCPU at a start: after RESET (APM vol. 2 §14.1.3), and what of them lives in the CPU rather than
 * in the VMCB: vector and x87 state, XCR0, PKRU, the debug address registers and TSC_AUX.
 */
import { u16, u32, u64, type u8 } from "../../../dsl/core/int.ts";
import { addressOf, fillBytes, store32 } from "../../../dsl/core/intrinsics.ts";
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { forgetCode } from "../guest/code-page.ts";
import {
  readCr4,
  readDr0,
  readDr1,
  readDr2,
  readDr3,
  readMsr,
  readXcr,
  writeCr4,
  writeDr0,
  writeDr1,
  writeDr2,
  writeDr3,
  writeMsr,
  writeXcr,
  xrstor,
  xsave,
} from "../instructions.ts";
import { patAfterReset } from "../registers.ts";
import { features } from "./setup.ts";
import { mtrrCount, type SvmVcpu } from "./vcpu.ts";
import type { Segment } from "./vmcb.ts";

const eferSvme = 1n << 12n;
const cr4Mce = 1n << 6n;
const cr4Osfxsr = 1n << 9n;
const cr4Osxsave = 1n << 18n;
const tscAux = 0xc000_0103;

/** Sets a segment register. */
export function setSegment(segment: Segment, selector: u16, base: u64, limit: u32, attributes: u16): void {
  segment.selector = selector;
  segment.base = base;
  segment.limit = limit;
  segment.attributes = attributes;
}

/** Keeps the guest's CR4 and gives the CPU one in which machine checks are on. */
export function setCr4(v: SvmVcpu, value: u64): void {
  v.cr4 = value;
  v.vmcb.cr4 = u64(value | cr4Mce);
}

/** Keeps the guest's EFER and gives the CPU one with SVME, which VMRUN demands. */
export function setEfer(v: SvmVcpu, value: u64): void {
  v.efer = value;
  v.vmcb.efer = u64(value | eferSvme);
}

const extendedBytes = 4096n + 48n;

const XsaveArea = struct("XsaveArea", { bytes: array(u32, 2048) }, { align: 64 });
/** Initial extended state: a header that says so, and MXCSR. */
const initialState = storage("initialXsave", XsaveArea, { align: 64 });

/** Puts vector, x87, XCR0, PKRU, debug address registers and TSC_AUX into their state after RESET, on this CPU. */
function resetExtendedState(): void {
  if (features.xcr0 !== 0n) {
    writeCr4(u64(readCr4() | cr4Osfxsr | cr4Osxsave));
    writeXcr(0, features.xcr0);
    store32(u64(addressOf(initialState) + 24n), 0x1f80);
    xrstor(addressOf(initialState), u32(features.xcr0), u32(features.xcr0 >> 32n));
    writeXcr(0, 1n);
  }
  writeDr0(0n);
  writeDr1(0n);
  writeDr2(0n);
  writeDr3(0n);
  if (features.rdtscp) writeMsr(tscAux, 0n);
}

/** What a vCPU that does not run has of the CPU's own registers. */
export const ExtendedState = struct(
  "ExtendedState",
  {
    /** XSAVE area of the standard format, with room for AVX-512 and the protection keys. */
    area: array(u64, 512),
    xcr0: u64,
    debug: array(u64, 4),
    tscAux: u64,
  },
  { align: 64 },
);
export type ExtendedState = ValueOf<typeof ExtendedState>;

/** Makes a kept state that of a RESET. */
function initialiseExtendedState(state: ExtendedState): void {
  fillBytes(addressOf(state), 0, extendedBytes);
  store32(u64(addressOf(state.area) + 24n), 0x1f80);
  state.xcr0 = 1n;
}

/** Keeps the CPU's own registers, and leaves it with every component switched on. XCR0 is read, never remembered: a guest may set it without an exit. */
function saveExtendedState(state: ExtendedState): void {
  if (features.xcr0 !== 0n) {
    state.xcr0 = readXcr(0);
    writeXcr(0, features.xcr0);
    xsave(addressOf(state.area), u32(features.xcr0), u32(features.xcr0 >> 32n));
  }
  state.debug[0] = readDr0();
  state.debug[1] = readDr1();
  state.debug[2] = readDr2();
  state.debug[3] = readDr3();
  if (features.rdtscp) state.tscAux = readMsr(tscAux);
}

/** Keeps the CPU's own registers, which stay in it as they are. */
function copyExtendedState(state: ExtendedState): void {
  saveExtendedState(state);
  if (features.xcr0 !== 0n) writeXcr(0, state.xcr0);
}

/** Gives the CPU a kept state. */
function loadExtendedState(state: ExtendedState): void {
  if (features.xcr0 !== 0n) {
    writeXcr(0, features.xcr0);
    xrstor(addressOf(state.area), u32(features.xcr0), u32(features.xcr0 >> 32n));
    writeXcr(0, state.xcr0);
  }
  writeDr0(state.debug[0]);
  writeDr1(state.debug[1]);
  writeDr2(state.debug[2]);
  writeDr3(state.debug[3]);
  if (features.rdtscp) writeMsr(tscAux, state.tscAux);
}

/** They, for `residency`. */
export const extendedRegisters = Object.freeze({
  save: saveExtendedState,
  copy: copyExtendedState,
  load: loadExtendedState,
  initialise: initialiseExtendedState,
  reset: resetExtendedState,
});

/** The state in which a start-up message lets a vCPU begin: real mode at `vector << 12` (APM vol. 2 §15.27, §16.5). */
export function startAt(v: SvmVcpu, vector: u8): void {
  const page = u64(BigInt(vector) << 12n);
  setSegment(v.vmcb.cs, u16(vector << 8), page, 0xffff, 0x9b);
  v.vmcb.rip = 0n;
}

/** Sets every register of the save area, and the guest's own registers, to their values after RESET. */
export function resetRegisters(v: SvmVcpu): void {
  const vmcb = v.vmcb;
  fillBytes(u64(addressOf(vmcb) + 0x400n), 0, 0xc00n);
  // Present, accessed; data writable, code readable: real mode checks the limit alone.
  setSegment(vmcb.cs, 0xf000, 0xffff_0000n, 0xffff, 0x9b);
  setSegment(vmcb.ds, 0, 0n, 0xffff, 0x93);
  setSegment(vmcb.es, 0, 0n, 0xffff, 0x93);
  setSegment(vmcb.ss, 0, 0n, 0xffff, 0x93);
  setSegment(vmcb.fs, 0, 0n, 0xffff, 0x93);
  setSegment(vmcb.gs, 0, 0n, 0xffff, 0x93);
  setSegment(vmcb.gdtr, 0, 0n, 0xffff, 0);
  setSegment(vmcb.idtr, 0, 0n, 0xffff, 0);
  setSegment(vmcb.ldtr, 0, 0n, 0xffff, 0x82);
  setSegment(vmcb.tr, 0, 0n, 0xffff, 0x8b);
  vmcb.cr0 = 0x6000_0010n;
  setCr4(v, 0n);
  setEfer(v, 0n);
  vmcb.rflags = 2n;
  vmcb.rip = 0xfff0n;
  vmcb.dr6 = 0xffff_0ff0n;
  vmcb.dr7 = 0x400n;
  vmcb.pat = patAfterReset;
  for (let i = 0; i < 16; i++) v.gpr[i] = 0n;
  // RDX holds the family, model and stepping.
  v.gpr[2] = 0x600n;
  v.tscAdjust = 0n;
  for (let i = 0; i < mtrrCount; i++) v.mtrr[i] = 0n;
  for (let i = 0; i < 8; i++) v.storedMsr[i] = 0n;
  forgetCode(v.codePages);
  v.iretCaught = false;
  v.entered = false;
}
