/**
 * The virtual machine control block: what SVM reads at VMRUN and writes at #VMEXIT. Layout: APM vol. 2, appendix B.
 */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, at, struct, type ValueOf } from "../../../dsl/core/layout.ts";

/** A segment register with its hidden part. `attributes` are descriptor bits [55:52] over [47:40] (APM vol. 2 §15.5.1). */
export const Segment = struct("Segment", { selector: u16, attributes: u16, limit: u32, base: u64 });
export type Segment = ValueOf<typeof Segment>;

/** The control area at 0 and the state save area at 0x400, in one 4 KiB page. */
export const Vmcb = struct(
  "Vmcb",
  {
    /** CR0-15 reads in [15:0], writes in [31:16]. */
    interceptCr: at(0x000, u32),
    /** DR0-15 reads in [15:0], writes in [31:16]. */
    interceptDr: at(0x004, u32),
    /** One bit per exception vector. */
    interceptExceptions: at(0x008, u32),
    intercept3: at(0x00c, u32),
    intercept4: at(0x010, u32),
    intercept5: at(0x014, u32),
    pauseThreshold: at(0x03c, u16),
    pauseCount: at(0x03e, u16),
    iopm: at(0x040, u64),
    msrpm: at(0x048, u64),
    tscOffset: at(0x050, u64),
    asid: at(0x058, u32),
    tlbControl: at(0x05c, u32),
    /** V_TPR [7:0], V_IRQ [8], V_INTR_PRIO [19:16], V_IGN_TPR [20], V_INTR_MASKING [24]; see `virtualInterrupt`. */
    virtualInterrupt: at(0x060, u32),
    virtualVector: at(0x064, u32),
    /** INTERRUPT_SHADOW [0]. */
    interruptShadow: at(0x068, u64),
    exitCode: at(0x070, u64),
    exitInfo1: at(0x078, u64),
    exitInfo2: at(0x080, u64),
    exitIntInfo: at(0x088, u64),
    /** NP_ENABLE [0]. */
    nestedControl: at(0x090, u64),
    eventInjection: at(0x0a8, u64),
    nestedCr3: at(0x0b0, u64),
    /** LBR virtualisation [0], virtual VMLOAD and VMSAVE [1]. */
    lbrControl: at(0x0b8, u64),
    clean: at(0x0c0, u32),
    nextRip: at(0x0c8, u64),
    fetchedCount: at(0x0d0, u8),
    fetched: at(0x0d1, array(u8, 15)),

    es: at(0x400, Segment),
    cs: at(0x410, Segment),
    ss: at(0x420, Segment),
    ds: at(0x430, Segment),
    fs: at(0x440, Segment),
    gs: at(0x450, Segment),
    gdtr: at(0x460, Segment),
    ldtr: at(0x470, Segment),
    idtr: at(0x480, Segment),
    tr: at(0x490, Segment),
    cpl: at(0x4cb, u8),
    efer: at(0x4d0, u64),
    cr4: at(0x548, u64),
    cr3: at(0x550, u64),
    cr0: at(0x558, u64),
    dr7: at(0x560, u64),
    dr6: at(0x568, u64),
    rflags: at(0x570, u64),
    rip: at(0x578, u64),
    rsp: at(0x5d8, u64),
    rax: at(0x5f8, u64),
    star: at(0x600, u64),
    lstar: at(0x608, u64),
    cstar: at(0x610, u64),
    sfmask: at(0x618, u64),
    kernelGsBase: at(0x620, u64),
    sysenterCs: at(0x628, u64),
    sysenterEsp: at(0x630, u64),
    sysenterEip: at(0x638, u64),
    cr2: at(0x640, u64),
    pat: at(0x668, u64),
    debugControl: at(0x670, u64),
    branchFrom: at(0x678, u64),
    branchTo: at(0x680, u64),
    lastExceptionFrom: at(0x688, u64),
    lastExceptionTo: at(0x690, u64),
  },
  { size: 4096, align: 4096 },
);
export type Vmcb = ValueOf<typeof Vmcb>;

/** Bits of `intercept3` (APM vol. 2, table B-1, offset 00Ch). */
export const intercept3 = Object.freeze({
  intr: 1,
  nmi: 1 << 1,
  smi: 1 << 2,
  init: 1 << 3,
  vintr: 1 << 4,
  cr0Selective: 1 << 5,
  rdpmc: 1 << 15,
  cpuid: 1 << 18,
  rsm: 1 << 19,
  iret: 1 << 20,
  invd: 1 << 22,
  pause: 1 << 23,
  hlt: 1 << 24,
  invlpga: 1 << 26,
  ioio: 1 << 27,
  msr: 1 << 28,
  taskSwitch: 1 << 29,
  ferrFreeze: 1 << 30,
  shutdown: 0x8000_0000,
});

/** Bits of `intercept4` (offset 010h). */
export const intercept4 = Object.freeze({
  vmrun: 1,
  vmmcall: 1 << 1,
  vmload: 1 << 2,
  vmsave: 1 << 3,
  stgi: 1 << 4,
  clgi: 1 << 5,
  skinit: 1 << 6,
  rdtscp: 1 << 7,
  icebp: 1 << 8,
  wbinvd: 1 << 9,
  monitor: 1 << 10,
  mwait: 1 << 11,
  mwaitArmed: 1 << 12,
  xsetbv: 1 << 13,
  rdpru: 1 << 14,
});

/** Bits of `virtualInterrupt` (offset 060h). */
export const virtualInterrupt = Object.freeze({
  irq: 1 << 8,
  highestPriority: 0xf << 16,
  ignoreTpr: 1 << 20,
  masking: 1 << 24,
});

/** Fields of EVENTINJ and EXITINTINFO (APM vol. 2 §15.20). */
export const eventField = Object.freeze({
  valid: 0x8000_0000n,
  errorValid: 0x800n,
  typeMask: 0x700n,
  externalInterrupt: 0x000n,
  nmi: 0x200n,
  exception: 0x300n,
  softwareInterrupt: 0x400n,
});

/** TLB_CONTROL values (APM vol. 2 §15.16.2). */
export const tlbControl = Object.freeze({ nothing: 0, flushAll: 1, flushAsid: 3 });

/** Exit codes (APM vol. 2, appendix C). */
export const exitCode = Object.freeze({
  readCr0: 0x000,
  readCr15: 0x00f,
  writeCr0: 0x010,
  writeCr15: 0x01f,
  readDr0: 0x020,
  writeDr15: 0x03f,
  exception0: 0x040,
  exception31: 0x05f,
  intr: 0x060,
  nmi: 0x061,
  smi: 0x062,
  init: 0x063,
  vintr: 0x064,
  cr0Selective: 0x065,
  rdpmc: 0x06f,
  cpuid: 0x072,
  rsm: 0x073,
  iret: 0x074,
  invd: 0x076,
  pause: 0x077,
  hlt: 0x078,
  invlpga: 0x07a,
  ioio: 0x07b,
  msr: 0x07c,
  taskSwitch: 0x07d,
  ferrFreeze: 0x07e,
  shutdown: 0x07f,
  vmrun: 0x080,
  vmmcall: 0x081,
  skinit: 0x086,
  icebp: 0x088,
  wbinvd: 0x089,
  monitor: 0x08a,
  mwait: 0x08b,
  mwaitArmed: 0x08c,
  xsetbv: 0x08d,
  rdpru: 0x08e,
  nestedPageFault: 0x400,
});

/** EXITCODE where VMRUN refused the state: "VMEXIT_INVALID". */
export const exitInvalid = 0xffff_ffff_ffff_ffffn;
