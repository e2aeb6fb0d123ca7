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

/** How one register of a leaf is answered: the host's value AND `keep`, OR `set`. */
export interface RegisterPolicy {
  readonly keep: number;
  readonly set: number;
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
}

const bits = (...numbers: readonly number[]): number =>
  numbers.reduce((mask, n) => (mask | (1 << n)) >>> 0, 0);
const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);
const none: RegisterPolicy = Object.freeze({ keep: 0, set: 0 });
const all: RegisterPolicy = Object.freeze({ keep: 0xffff_ffff, set: 0 });
const keep = (mask: number): RegisterPolicy => Object.freeze({ keep: mask, set: 0 });
const fixed = (value: number): RegisterPolicy => Object.freeze({ keep: 0, set: value >>> 0 });
const both = (mask: number, set: number): RegisterPolicy => Object.freeze({ keep: mask, set });
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
const features1Ecx = bits(0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 26, 28, 29, 30);
/** Leaf 1 EDX: without MCE (7), MCA (14), PSN, DS, ACPI, TM and PBE. */
const features1Edx = bits(0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 25, 26, 27);
/** Leaf 7 EBX: without SGX, HLE, PQM, MPX, RTM, PT. */
const features7Ebx = bits(
  0,
  3,
  5,
  6,
  7,
  8,
  9,
  10,
  13,
  16,
  17,
  18,
  19,
  20,
  21,
  23,
  24,
  26,
  27,
  28,
  29,
  30,
  31,
);
/** Leaf 7 ECX: without WAITPKG, CET and the like. */
const features7Ecx = bits(1, 2, 3, 6, 8, 9, 10, 11, 12, 14, 16, 22);
/** Leaf 7 EDX: FSRM and AVX-512 extensions; nothing that needs SPEC_CTRL. */
const features7Edx = bits(2, 3, 4, 8);
/** Leaf 0x80000001 ECX: without SVM (2), OSVW, IBS, SKINIT, WDT, LWP, NodeId, TopoExt, counters and MONITORX. */
const features81Ecx = bits(0, 4, 5, 6, 7, 8, 11, 16, 21);
/** Leaf 0x80000001 EDX: the low half mirrors leaf 1; SYSCALL, NX, MMXEXT, 1 GiB pages, RDTSCP, long mode, 3DNow!. */
const features81Edx = bits(...range(0, 6), 8, 9, 11, 12, 13, 15, 16, 17, 20, 22, 23, 24, 26, 27, 29, 30, 31);

const row = (
  leaf: number,
  subleaf: number | null,
  eax: RegisterPolicy,
  ebx: RegisterPolicy,
  ecx: RegisterPolicy,
  edx: RegisterPolicy,
): CpuidRow => Object.freeze({ leaf, subleaf, eax, ebx, ecx, edx });

/** The rows for a guest with `vcpus` vCPUs. */
export function cpuidRows(vcpus: number): readonly CpuidRow[] {
  const many = vcpus > 1;
  const idBits = Math.ceil(Math.log2(vcpus));
  return Object.freeze([
    row(0, null, fixed(maxBasicLeaf), all, all, all),
    // EBX: CLFLUSH size of the host; logical processors; the APIC id comes in at the exit. x2APIC and TSC-deadline are
    // the local APIC model's, whatever the host has.
    row(
      1,
      null,
      all,
      both(0x0000_ff00, (many ? vcpus : 1) << 16),
      both(features1Ecx, bits(21, 24, 31)),
      both(features1Edx, many ? bits(28) : 0),
    ),
    // TSC_ADJUST is software's, so every host has it.
    row(7, 0, fixed(0), both(features7Ebx, bits(1)), keep(features7Ecx), keep(features7Edx)),
    row(
      0x4000_0000,
      null,
      fixed(maxHypervisorLeaf),
      fixed(word(signature, 0)),
      fixed(word(signature, 4)),
      fixed(word(signature, 8)),
    ),
    row(0x4000_0001, null, none, none, none, none),
    row(0x8000_0000, null, fixed(maxExtendedLeaf), all, all, all),
    row(0x8000_0001, null, all, all, both(features81Ecx, many ? bits(1) : 0), keep(features81Edx)),
    row(0x8000_0002, null, all, all, all, all),
    row(0x8000_0003, null, all, all, all, all),
    row(0x8000_0004, null, all, all, all, all),
    row(0x8000_0005, null, all, all, all, all),
    row(0x8000_0006, null, all, all, all, all),
    // The guest's counter is the host's plus a constant, and the timebase is of constant rate.
    row(0x8000_0007, null, none, none, none, fixed(bits(8))),
    row(0x8000_0008, null, all, keep(bits(0)), fixed(((idBits << 12) | (vcpus - 1)) >>> 0), none),
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
