/**
 * What CPUID tells a guest, as a table: which leaves exist, and which bits of the host's answer go through. What is not
 * listed reads as zero; a feature that the platform cannot virtualise is not in a mask. Answers are computed once when
 * the guest is built; only what depends on the guest's registers is put in at the exit.
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, type FixedArray } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { DeclaredLeaf } from "../guest/interfaces.ts";
import { CpuidResult } from "../instructions.ts";

/** Feature bits by the names that the manuals give them. */
export type Flags = Readonly<Record<string, number>>;

/** How one register of a leaf is answered: the host's value AND `keep`, OR `set`. */
export interface RegisterPolicy {
  readonly keep: number;
  readonly set: number;
  /** The bits of both that are features. */
  readonly flags?: Flags;
}

/** One leaf, or one subleaf of it. */
export interface CpuidRow {
  readonly leaf: number;
  /** Null: the leaf has no subleaves, ECX is ignored. */
  readonly subleaf: number | null;
  readonly eax: RegisterPolicy;
  readonly ebx: RegisterPolicy;
  readonly ecx: RegisterPolicy;
  readonly edx: RegisterPolicy;
  /** What it tells. */
  readonly about: string;
  /** Where the manual has it. */
  readonly section: string;
}

const bits = (...numbers: readonly number[]): number =>
  numbers.reduce((mask, n) => (mask | (1 << n)) >>> 0, 0);
const none: RegisterPolicy = Object.freeze({ keep: 0, set: 0 });
const all: RegisterPolicy = Object.freeze({ keep: 0xffff_ffff, set: 0 });
const fixed = (value: number): RegisterPolicy => Object.freeze({ keep: 0, set: value >>> 0 });
const both = (mask: number, set: number): RegisterPolicy => Object.freeze({ keep: mask, set });
const features = (host: Flags, always: Flags = {}): RegisterPolicy =>
  Object.freeze({
    keep: bits(...Object.values(host)),
    set: bits(...Object.values(always)),
    flags: Object.freeze({ ...host, ...always }),
  });
const word = (text: string, at: number): number =>
  Array.from({ length: 4 }, (_, i) => (text.charCodeAt(at + i) || 0) << (8 * i)).reduce(
    (a, b) => (a | b) >>> 0,
    0,
  );

/** The hypervisor's signature in leaf 0x40000000: EBX, ECX, EDX. */
export const signature = "Typevisor";

/** Highest leaves of each range. */
export const maxBasicLeaf = 0xd;
export const maxHypervisorLeaf = 0x4000_0001;
export const maxExtendedLeaf = 0x8000_0008;

/** Leaf 1 ECX: without PCLMUL's neighbours DTES64 (2), MONITOR (3), VMX (5), SMX, EIST, TM2, CNXT, SDBG, xTPR, PDCM, PCID, DCA. */
const features1Ecx: Flags = Object.freeze({
  ...{ SSE3: 0, PCLMULQDQ: 1, SSSE3: 9, FMA: 12, CMPXCHG16B: 13, "SSE4.1": 19, "SSE4.2": 20, MOVBE: 22 },
  ...{ POPCNT: 23, AES: 25, XSAVE: 26, AVX: 28, F16C: 29, RDRAND: 30 },
});
/** Leaf 1 EDX: without MCE (7), MCA (14), PSN, DS, ACPI, TM and PBE. */
const features1Edx: Flags = Object.freeze({
  ...{ FPU: 0, VME: 1, DE: 2, PSE: 3, TSC: 4, MSR: 5, PAE: 6, CMPXCHG8B: 8, APIC: 9, SysEnterSysExit: 11 },
  ...{
    MTRR: 12,
    PGE: 13,
    CMOV: 15,
    PAT: 16,
    PSE36: 17,
    CLFSH: 19,
    MMX: 23,
    FXSR: 24,
    SSE: 25,
    SSE2: 26,
    SS: 27,
  },
});
/** Leaf 7 EBX: without SGX, HLE, PQM, MPX, RTM, PT. */
const features7Ebx: Flags = Object.freeze({
  ...{ FSGSBASE: 0, BMI1: 3, AVX2: 5, FDP_EXCPTN_ONLY: 6, SMEP: 7, BMI2: 8, ERMS: 9, INVPCID: 10 },
  ...{ "FCS/FDS deprecated": 13, AVX512F: 16, AVX512DQ: 17, RDSEED: 18, ADX: 19, SMAP: 20, AVX512_IFMA: 21 },
  ...{
    CLFLUSHOPT: 23,
    CLWB: 24,
    AVX512PF: 26,
    AVX512ER: 27,
    AVX512CD: 28,
    SHA: 29,
    AVX512BW: 30,
    AVX512VL: 31,
  },
});
/** Leaf 7 ECX: without WAITPKG, CET and the like. */
const features7Ecx: Flags = Object.freeze({
  ...{ AVX512_VBMI: 1, UMIP: 2, PKU: 3, AVX512_VBMI2: 6, GFNI: 8, VAES: 9, VPCLMULQDQ: 10, AVX512_VNNI: 11 },
  ...{ AVX512_BITALG: 12, AVX512_VPOPCNTDQ: 14, LA57: 16, RDPID: 22 },
});
/** Leaf 7 EDX: FSRM and AVX-512 extensions; nothing that needs SPEC_CTRL. */
const features7Edx: Flags = Object.freeze({
  ...{ AVX512_4VNNIW: 2, AVX512_4FMAPS: 3, FSRM: 4, AVX512_VP2INTERSECT: 8 },
});
/** Leaf 0x80000001 ECX: without SVM (2), OSVW, IBS, SKINIT, WDT, LWP, NodeId, TopoExt, counters and MONITORX. */
const features81Ecx: Flags = Object.freeze({
  ...{ LahfSahf: 0, AltMovCr8: 4, ABM: 5, SSE4A: 6, MisAlignSse: 7, "3DNowPrefetch": 8, XOP: 11 },
  ...{ FMA4: 16, TBM: 21 },
});
/** Leaf 0x80000001 EDX: what it repeats of leaf 1, and its own. */
const features81Edx: Flags = Object.freeze({
  ...{ FPU: 0, VME: 1, DE: 2, PSE: 3, TSC: 4, MSR: 5, PAE: 6, CMPXCHG8B: 8, APIC: 9, SysCallSysRet: 11 },
  ...{ MTRR: 12, PGE: 13, CMOV: 15, PAT: 16, PSE36: 17, NX: 20, MmxExt: 22, MMX: 23, FXSR: 24, Page1GB: 26 },
  ...{ RDTSCP: 27, LM: 29, "3DNowExt": 30, "3DNow": 31 },
});

type Registers = readonly [
  eax: RegisterPolicy,
  ebx: RegisterPolicy,
  ecx: RegisterPolicy,
  edx: RegisterPolicy,
];
const row = (
  leaf: number,
  subleaf: number | null,
  [eax, ebx, ecx, edx]: Registers,
  about: string,
  section: string,
): CpuidRow => Object.freeze({ leaf, subleaf, eax, ebx, ecx, edx, about, section });

/** The rows for a guest with `vcpus` vCPUs. */
export function cpuidRows(vcpus: number): readonly CpuidRow[] {
  const many = vcpus > 1;
  const idBits = Math.ceil(Math.log2(vcpus));
  const apm = (part: string): string => `APM vol. 3 §E.${part}`;
  return Object.freeze([
    row(0, null, [fixed(maxBasicLeaf), all, all, all], "the highest leaf, and the vendor", apm("3.1")),
    // EBX: CLFLUSH size of the host; logical processors; the APIC id comes in at the exit. x2APIC and TSC-deadline are
    // the local APIC model's, whatever the host has.
    row(
      1,
      null,
      [
        all,
        both(0x0000_ff00, (many ? vcpus : 1) << 16),
        features(features1Ecx, { x2APIC: 21, "TSC deadline": 24, hypervisor: 31 }),
        features(features1Edx, many ? { HTT: 28 } : {}),
      ],
      "family, model and stepping; size of a flush, number of processors, APIC id; features",
      apm("3.2"),
    ),
    // TSC_ADJUST is software's, so every host has it.
    row(
      7,
      0,
      [fixed(0), features(features7Ebx, { TSC_ADJUST: 1 }), features(features7Ecx), features(features7Edx)],
      "more features",
      `${apm("3.6")}; Intel SDM vol. 2A, CPUID`,
    ),
    row(
      0x4000_0000,
      null,
      [
        fixed(maxHypervisorLeaf),
        fixed(word(signature, 0)),
        fixed(word(signature, 4)),
        fixed(word(signature, 8)),
      ],
      "the hypervisor's highest leaf, and its name",
      apm("3.14"),
    ),
    row(0x4000_0001, null, [none, none, none, none], "that there is no further interface", apm("3.14")),
    row(
      0x8000_0000,
      null,
      [fixed(maxExtendedLeaf), all, all, all],
      "the highest extended leaf, and the vendor",
      apm("4.1"),
    ),
    row(
      0x8000_0001,
      null,
      [all, all, features(features81Ecx, many ? { CmpLegacy: 1 } : {}), features(features81Edx)],
      "features of AMD's",
      apm("4.2"),
    ),
    ...[0x8000_0002, 0x8000_0003, 0x8000_0004].map((leaf) =>
      row(leaf, null, [all, all, all, all], "a part of the processor's name", apm("4.3")),
    ),
    row(0x8000_0005, null, [all, all, all, all], "caches and TLBs of level 1", apm("4.4")),
    row(0x8000_0006, null, [all, all, all, all], "caches and TLBs of levels 2 and 3", apm("4.5")),
    // The guest's counter is the host's plus a constant, and the timebase is of constant rate.
    row(0x8000_0007, null, [none, none, none, features({}, { TscInvariant: 8 })], "power", apm("4.6")),
    row(
      0x8000_0008,
      null,
      [all, features({ CLZERO: 0 }), fixed(((idBits << 12) | (vcpus - 1)) >>> 0), none],
      "widths of addresses, more features, number of processors",
      apm("4.7"),
    ),
  ]);
}

/** Leaf 1 EBX [31:24]. */
const apicIdShift = 24;
const osxsave = 1 << 27;
const ospke = 1 << 4;
const cr4Osxsave = 1n << 18n;
const cr4Pke = 1n << 22n;

/** CPUID of one guest. */
export interface GuestCpuid {
  /** Computes the answers on this host; before the first exit. */
  prepare(): void;
  /** Bits of a physical address, as the guest is told; after `prepare`. */
  physicalBits(): u64;
  /** Sums of the answers that are equal where guests see the same processor; after `prepare`. */
  identity(): u64;
  /** Answers `(leaf, subleaf)` for a vCPU with this dense index, CR4 and APIC id into `out`. */
  answer(vcpu: u32, leaf: u32, subleaf: u32, cr4: u64, apicId: u32, out: CpuidResult): void;
}

/** Leaves of the hypervisor's own range that say who it is, unless a device's do. */
const ownLeaves: readonly number[] = [0x4000_0000, 0x4000_0001];

/**
 * Builds CPUID for guests from rows, and from what their devices declare, which goes before those. `counts`: for each vCPU
 * how many its guest has, which alone makes the rows of guests differ. `execute` is the host's CPUID.
 */
export function guestCpuid(
  name: string,
  counts: readonly number[],
  declared: readonly DeclaredLeaf[],
  execute: (leaf: u32, subleaf: u32, result: CpuidResult) => void,
): GuestCpuid {
  const distinct = [...new Set(counts)];
  const rows = cpuidRows(distinct[0]!);
  const rowCount = rows.length;
  const answers: FixedArray<CpuidResult> = storage(
    `${name}.cpuid`,
    array(CpuidResult, distinct.length * rowCount),
  );
  const everyRow = Object.freeze(
    distinct.flatMap(cpuidRows).map((r, index) => Object.freeze({ ...r, index })),
  );
  const firsts = Object.freeze(counts.map((count) => rowCount * distinct.indexOf(count)));
  const last = counts.length - 1;
  /** Where the answers for a vCPU's guest begin. */
  const firstOf = (vcpu: u32): u32 => (distinct.length === 1 ? 0 : u32(firsts[Math.min(vcpu, last)]!));
  const numbered = rows.map((r, index) =>
    Object.freeze({ ...r, index, own: declared.length > 0 && ownLeaves.includes(r.leaf) }),
  );
  const simple = numbered.filter((r) => r.leaf !== 1 && r.leaf !== 7);
  const indexOf = (leaf: number): number => numbered.find((r) => r.leaf === leaf)!.index;
  const leaf1 = indexOf(1);
  const leaf7 = indexOf(7);
  const leafSizes = indexOf(0x8000_0008);

  const extra = Object.freeze(
    declared.map(({ leaf, first, last }) =>
      Object.freeze({ leaf: leaf.number, first, last, ...leaf.values }),
    ),
  );
  /** vCPUs whose devices say who the hypervisor is. */
  const renamed = Object.freeze(extra.filter((e) => e.leaf === 0x4000_0000));
  const isRenamed = (vcpu: u32): boolean => {
    for (const e of renamed) if (vcpu >= e.first && vcpu <= e.last) return true;
    return false;
  };

  const copy = (from: CpuidResult, out: CpuidResult): void => {
    out.eax = from.eax;
    out.ebx = from.ebx;
    out.ecx = from.ecx;
    out.edx = from.edx;
  };

  return {
    prepare(): void {
      for (const r of everyRow) {
        const out = answers[r.index];
        execute(r.leaf, r.subleaf === null ? 0 : r.subleaf, out);
        out.eax = u32((out.eax & r.eax.keep) | r.eax.set);
        out.ebx = u32((out.ebx & r.ebx.keep) | r.ebx.set);
        out.ecx = u32((out.ecx & r.ecx.keep) | r.ecx.set);
        out.edx = u32((out.edx & r.edx.keep) | r.edx.set);
      }
    },
    identity(): u64 {
      let words: u64 = 0n;
      let sums: u64 = 0n;
      for (let i = 0; i < everyRow.length; i++) {
        const { eax, ebx, ecx, edx } = answers[i];
        words = u64(words + (BigInt(eax) | (BigInt(ebx) << 32n)));
        sums = u64(sums + words);
        words = u64(words + (BigInt(ecx) | (BigInt(edx) << 32n)));
        sums = u64(sums + words);
      }
      return sums;
    },
    physicalBits(): u64 {
      return u64(answers[leafSizes].eax & 0xff);
    },
    answer(vcpu: u32, leaf: u32, subleaf: u32, cr4: u64, apicId: u32, out: CpuidResult): void {
      const first = firstOf(vcpu);
      if (leaf === 1) {
        const known = answers[first + leaf1];
        out.eax = known.eax;
        out.ebx = u32(known.ebx | (apicId << apicIdShift));
        out.ecx = (cr4 & cr4Osxsave) !== 0n ? u32(known.ecx | osxsave) : known.ecx;
        out.edx = known.edx;
        return;
      }
      if (leaf === 7) {
        if (subleaf === 0) {
          copy(answers[first + leaf7], out);
          if ((cr4 & cr4Pke) !== 0n && (out.ecx & 8) !== 0) out.ecx = u32(out.ecx | ospke);
          return;
        }
      }
      // The sizes in leaf 0xd depend on XCR0, and the CPU holds the guest's.
      if (leaf === 0xd) {
        execute(leaf, subleaf, out);
        // XSAVES and the supervisor states need MSRs that no guest has.
        if (subleaf === 1) {
          out.eax = u32(out.eax & 0x7);
          out.ecx = 0;
          out.edx = 0;
        }
        return;
      }
      for (const e of extra) {
        if (leaf === e.leaf && vcpu >= e.first && vcpu <= e.last) {
          out.eax = u32(e.eax);
          out.ebx = u32(e.ebx);
          out.ecx = u32(e.ecx);
          out.edx = u32(e.edx);
          return;
        }
      }
      for (const r of simple) {
        if (leaf === r.leaf) {
          if (r.own && isRenamed(vcpu)) break;
          copy(answers[first + r.index], out);
          return;
        }
      }
      out.eax = 0;
      out.ebx = 0;
      out.ecx = 0;
      out.edx = 0;
    },
  };
}
