import test from "ava";
import { make } from "../../../dsl/core/layout.ts";
import { bits, reserved } from "../../../dsl/device/field.ts";
import { repeat, ro, rw, wo, type Register } from "../../../dsl/device/register.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { CpuidResult } from "../instructions.ts";
import { cpuidRows, guestCpuid, signature } from "./cpuid.ts";
import { guestMsrs, passedThrough, permissionBit, type MsrRow } from "./msr.ts";
import { msrRows } from "./msr-rows.ts";
import { isCr0Valid, isCr4Valid, isEferChangeValid, normaliseCr0 } from "./state.ts";
import { SvmVcpu } from "./vcpu.ts";
import { Vmcb } from "./vmcb.ts";

const apics: LocalApics = {
  id: () => 0,
  readBase: () => 0xfee0_0900n,
  writeBase: (_, value) => value === 0xfee0_0900n,
  readRegister: (_, register) => ({ ok: register === 2, value: 7n }),
  writeRegister: (_, register) => register === 8,
  readSynthetic: () => 0n,
  writeSynthetic: () => true,
  readDeadline: () => 0n,
  writeDeadline: () => undefined,
  readTaskPriority: () => 0,
  writeTaskPriority: () => undefined,
};
const msrs = guestMsrs(msrRows({ apics, counter: () => 0n }), null);
const rowOf = (leaf: number, vcpus = 1) => cpuidRows(vcpus).find((r) => r.leaf === leaf)!;
const has = (mask: { keep: number; set: number }, bit: number) =>
  (((mask.keep | mask.set) >>> bit) & 1) === 1;

test("CPUID hides what cannot be virtualised", (t) => {
  for (const bit of [3, 5, 6]) t.false(has(rowOf(1).ecx, bit), `leaf 1 ECX ${bit}`);
  for (const bit of [7, 14]) t.false(has(rowOf(1).edx, bit), `leaf 1 EDX ${bit}`);
  for (const bit of [2, 10, 12, 13, 29])
    t.false(has(rowOf(0x8000_0001).ecx, bit), `leaf 0x80000001 ECX ${bit}`);
  for (const bit of [26, 27, 29, 31]) t.false(has(rowOf(7).edx, bit), `leaf 7 EDX ${bit}`);
  t.is(
    cpuidRows(1).find((r) => r.leaf === 0x8000_000a),
    undefined,
  );
});

test("CPUID tells of the hypervisor by its own signature", (t) => {
  t.true(has(rowOf(1).ecx, 31));
  const { ebx, ecx, edx } = rowOf(0x4000_0000);
  const bytes = [ebx.set, ecx.set, edx.set].flatMap((w) => [0, 8, 16, 24].map((s) => (w >>> s) & 0xff));
  t.is(String.fromCharCode(...bytes).replace(/\0+$/, ""), signature);
});

test("CPUID tells of several vCPUs only where there are", (t) => {
  t.false(has(rowOf(1).edx, 28));
  t.true(has(rowOf(1, 4).edx, 28));
  t.is((rowOf(1, 4).ebx.set >>> 16) & 0xff, 4);
  t.is(rowOf(0x8000_0008, 4).ecx.set, (2 << 12) | 3);
});

test("an MSR that is not listed is refused, to read and to write", (t) => {
  const v = make(SvmVcpu);
  for (const msr of [0x0, 0x3a, 0x48, 0xc000_0104, 0xc001_0117, 0xffff_ffff, 0x801]) {
    t.false(msrs.read(v, msr).ok, `read 0x${msr.toString(16)}`);
    t.false(msrs.write(v, msr, 0n), `write 0x${msr.toString(16)}`);
  }
  t.false(msrs.write(v, 0xfe, 0n));
  t.deepEqual(msrs.read(v, 0xfe), { ok: true, value: 0x508n });
});

test("x2APIC registers are those that the APIC has", (t) => {
  const v = make(SvmVcpu);
  t.deepEqual(msrs.read(v, 0x802), { ok: true, value: 7n });
  t.false(msrs.read(v, 0x803).ok);
  t.true(msrs.write(v, 0x808, 0n));
  t.false(msrs.write(v, 0x802, 0n));
});

test("MTRRs keep what they are given and refuse types that do not exist", (t) => {
  const v = make(SvmVcpu);
  for (const msr of [0x200, 0x20e, 0x250, 0x258, 0x259, 0x268, 0x26f, 0x2ff]) {
    t.true(msrs.write(v, msr, 6n), `0x${msr.toString(16)}`);
    t.is(msrs.read(v, msr).value, 6n);
    t.false(msrs.write(v, msr, 2n), `0x${msr.toString(16)}`);
  }
  const values = new Set(
    [0x250, 0x258, 0x259, 0x268, 0x26f].map((msr, i) => {
      msrs.write(v, msr, BigInt([0, 1, 4, 5, 6][i]!));
      return msr;
    }),
  );
  t.deepEqual(
    [...values].map((msr) => msrs.read(v, msr).value),
    [0n, 1n, 4n, 5n, 6n],
  );
  t.true(msrs.write(v, 0x201, 0xff_ffc0_0800n));
  t.false(msrs.write(v, 0x201, 1n));
});

test("PAT takes its eight types and no others", (t) => {
  const v = make(SvmVcpu);
  t.true(msrs.write(v, 0x277, 0x0007_0406_0105_0700n));
  t.is(v.vmcb.pat, 0x0007_0406_0105_0700n);
  for (const type of [2n, 3n, 8n]) t.false(msrs.write(v, 0x277, type << 56n));
});

test("IA32_TSC_ADJUST shifts the guest's counter by as much as it changes", (t) => {
  const v = make(SvmVcpu);
  v.vmcb.tscOffset = 1000n;
  t.true(msrs.write(v, 0x3b, 50n));
  t.is(v.vmcb.tscOffset, 1050n);
  t.true(msrs.write(v, 0x3b, 0n));
  t.is(v.vmcb.tscOffset, 1000n);
  t.is(msrs.read(v, 0x3b).value, 0n);
});

test("EFER takes SCE, LME and NXE; LME cannot change while paging is on; SVME stays the CPU's own", (t) => {
  const v = make(SvmVcpu);
  t.true(msrs.write(v, 0xc000_0080, 0x901n));
  t.is(msrs.read(v, 0xc000_0080).value, 0x901n);
  t.is(v.vmcb.efer, 0x1901n);
  t.false(msrs.write(v, 0xc000_0080, 0x1000n));
  v.vmcb.cr0 = 0x8000_0001n;
  t.false(msrs.write(v, 0xc000_0080, 0x801n));
  t.true(isEferChangeValid(0x101n, 0x901n, 0x8000_0001n));
});

test("rows that overlap, or handle what they do not declare, are refused when the image is built", (t) => {
  const row = (name: string, register: Register, written: boolean) =>
    ({ name, register, read: () => 0n, write: written ? () => true : null }) satisfies MsrRow;
  const even = repeat(8, 2, rw(0x10, {}));
  t.notThrows(() => guestMsrs([row("even", even, true), row("odd", repeat(8, 2, rw(0x11, {})), true)], null));
  t.throws(() => guestMsrs([row("even", even, true), row("one", ro(0x1e, {}), false)], null), {
    message: "msr row one overlaps even",
  });
  t.throws(() => guestMsrs([row("one", ro(0x1e, {}), true)], null), {
    message: "msr row one is declared ro, and its handlers say otherwise",
  });
  t.throws(() => guestMsrs([row("one", rw(0x1e, {}), false)], null), {
    message: "msr row one is declared rw, and its handlers say otherwise",
  });
  t.throws(() => guestMsrs([{ ...row("one", ro(0x1e, {}), false), read: null }], null), {
    message: "msr row one is declared ro, and its handlers say otherwise",
  });
  t.throws(() => guestMsrs([row("one", wo(0x1e, {}), true)], null), {
    message: "msr row one is declared wo, and its handlers say otherwise",
  });
});

test("of a run only its own numbers are there", (t) => {
  const register = repeat(4, 2, ro(0x10, {}));
  const run = guestMsrs([{ name: "run", register, read: (_, msr) => BigInt(msr), write: null }], null);
  const v = make(SvmVcpu);
  const there = [...Array(16).keys()].map((i) => 0xc + i).filter((msr) => run.read(v, msr).ok);
  t.deepEqual(there, [0x10, 0x12, 0x14, 0x16]);
});

test("reserved bits that refuse are refused before the row is asked", (t) => {
  const asked: bigint[] = [];
  const register = rw(0x10, { low: bits(3, 0), none: reserved(63, 4, { reads: 2, wrongWrite: "refuse" }) });
  const write = (_: SvmVcpu, __: number, value: bigint) => asked.push(value) > 0;
  const one = guestMsrs([{ name: "one", register, read: () => 0n, write }], null);
  const v = make(SvmVcpu);
  t.true(one.write(v, 0x10, 0x2fn));
  t.false(one.write(v, 0x10, 0xfn));
  t.false(one.write(v, 0x10, 0x8000_0000_0000_002fn));
  t.deepEqual(asked, [0x2fn]);
});

test("a refused bit of each register that has some is refused, and nothing changes", (t) => {
  const v = make(SvmVcpu);
  for (const [msr, good, refused] of [
    [0xc000_0080, 0x901n, [1, 9, 12, 63]],
    [0x277, 0n, [3, 7, 11, 63]],
    [0x200, 6n, [8, 11]],
    [0x201, 0x800n, [0, 10]],
    [0x20e, 6n, [8, 11]],
    [0x2ff, 6n, [8, 9, 12, 63]],
    [0x1b, 0xfee0_0900n, [0, 7, 9, 52, 63]],
  ] as const) {
    t.true(msrs.write(v, msr, good), `0x${msr.toString(16)}`);
    const before = msrs.read(v, msr).value;
    for (const bit of refused)
      t.false(msrs.write(v, msr, good | (1n << BigInt(bit))), `0x${msr.toString(16)} bit ${bit}`);
    t.is(msrs.read(v, msr).value, before);
  }
});

test("CPUID answers every leaf with what its row lets through, and the rest with 0, whatever the host says", (t) => {
  const host = (_: number, __: number, out: CpuidResult) =>
    Object.assign(out, { eax: 0xffff_ffff, ebx: 0xffff_ffff, ecx: 0xffff_ffff, edx: 0xffff_ffff });
  const rows = cpuidRows(4);
  const answers = guestCpuid("tested", [4], [], host);
  answers.prepare();
  const out = make(CpuidResult);
  const cr4 = (1n << 18n) | (1n << 22n);
  for (const leaf of [0, 0x4000_0000, 0x8000_0000, 0xc000_0000].flatMap((first) =>
    Array.from({ length: 64 }, (_, i) => first + i),
  )) {
    for (const subleaf of [0, 1, 63, 0xffff_ffff]) {
      answers.answer(0, leaf, subleaf, cr4, 3, out);
      const row = rows.find((r) => r.leaf === leaf && (r.subleaf === null || r.subleaf === subleaf));
      const host = leaf === 0xd && subleaf !== 1 ? 0xffff_ffff : 0;
      const of = (name: "eax" | "ebx" | "ecx" | "edx") =>
        row === undefined ? host : (row[name].keep | row[name].set) >>> 0;
      const dynamic = leaf === 1 ? 3 << 24 : 0;
      const enabled = leaf === 1 ? 1 << 27 : leaf === 7 && subleaf === 0 ? 1 << 4 : 0;
      const wanted = [of("eax"), (of("ebx") | dynamic) >>> 0, (of("ecx") | enabled) >>> 0, of("edx")];
      // Supervisor states need MSRs that no guest has.
      if (leaf === 0xd && subleaf === 1) wanted.splice(0, 4, 7, 0xffff_ffff, 0, 0);
      t.deepEqual([out.eax, out.ebx, out.ecx, out.edx], wanted, `0x${leaf.toString(16)}, ${subleaf}`);
    }
  }
});

test("CPUID tells a guest how many vCPUs it has, whatever guests it is beside", (t) => {
  const host = (_: number, __: number, out: CpuidResult) =>
    Object.assign(out, { eax: 0, ebx: 0, ecx: 0, edx: 0 });
  const answers = guestCpuid("beside", [1, 4, 4, 4, 4, 1], [], host);
  answers.prepare();
  const out = make(CpuidResult);
  const told = (vcpu: number, leaf: number) => {
    answers.answer(vcpu, leaf, 0, 0n, 0, out);
    return [(out.ebx >>> 16) & 0xff, (out.edx >>> 28) & 1, out.ecx];
  };
  for (const [vcpu, count] of [1, 4, 4, 4, 4, 1].entries()) {
    t.deepEqual(told(vcpu, 1).slice(0, 2), count === 1 ? [1, 0] : [4, 1], `leaf 1 of ${vcpu}`);
    t.is(told(vcpu, 0x8000_0001)[2], count === 1 ? 0 : 2);
    t.is(told(vcpu, 0x8000_0008)[2], count === 1 ? 0 : (2 << 12) | 3);
  }
});

test("the permission map has two bits for each MSR of its ranges", (t) => {
  t.deepEqual(permissionBit(0x174), { byte: 0x5d, bit: 0 });
  t.deepEqual(permissionBit(0xc000_0081), { byte: 0x820, bit: 2 });
  t.deepEqual(permissionBit(0xc001_0003), { byte: 0x1000, bit: 6 });
  t.throws(() => permissionBit(0x4000_0000));
  for (const msr of Object.values(passedThrough)) t.notThrows(() => permissionBit(msr));
});

test("CR0 takes what the manual allows", (t) => {
  const pe = 1n;
  const pg = 1n << 31n;
  t.true(isCr0Valid(pe, 0n, 0n, false));
  t.true(isCr0Valid(pe | pg, 0n, 0n, false));
  t.false(isCr0Valid(pg, 0n, 0n, false), "PG without PE");
  t.false(isCr0Valid(pe | (1n << 29n), 0n, 0n, false), "NW without CD");
  t.false(isCr0Valid(1n << 32n, 0n, 0n, false), "upper half");
  t.false(isCr0Valid(pe | pg, 0x100n, 0n, false), "long mode without PAE");
  t.true(isCr0Valid(pe | pg, 0x100n, 0x20n, false));
  t.false(isCr0Valid(pe | pg, 0x100n, 0x20n, true), "CS.L at the change to long mode");
  t.true(isCr0Valid(pe | pg, 0x500n, 0x20n, true), "in long mode");
  t.false(isCr0Valid(pe, 0x500n, 0x20n, true), "64-bit code that leaves long mode");
  t.true(isCr0Valid(pe, 0x500n, 0x20n, false), "compatibility mode that leaves long mode");
  t.is(normaliseCr0(0xffff_ffffn), 0xe005_003fn);
  t.is(normaliseCr0(0n), 0x10n);
});

test("CR4 takes the bits that are offered, keeps PAE and the number of levels in long mode", (t) => {
  const allowed = 0x1_0ff0n;
  t.true(isCr4Valid(0x20n, 0n, allowed, 0n));
  t.false(isCr4Valid(1n << 20n, 0n, allowed, 0n));
  t.false(isCr4Valid(0n, 0x20n, allowed, 0x500n));
  t.false(isCr4Valid(0x1020n, 0x20n, allowed | 0x1000n, 0x500n));
  t.true(isCr4Valid(0x1020n, 0x20n, allowed | 0x1000n, 0n));
});

test("the control block has the manual's offsets", (t) => {
  const offset = (name: string) => Vmcb.fields.find((f) => f.name === name)?.offset;
  const wanted = {
    iopm: 0x40,
    tscOffset: 0x50,
    asid: 0x58,
    exitCode: 0x70,
    exitIntInfo: 0x88,
    eventInjection: 0xa8,
    nestedCr3: 0xb0,
    nextRip: 0xc8,
    cpl: 0x4cb,
    efer: 0x4d0,
    cr0: 0x558,
    rip: 0x578,
    rsp: 0x5d8,
    rax: 0x5f8,
    cr2: 0x640,
    pat: 0x668,
  };
  for (const [name, at] of Object.entries(wanted)) t.is(offset(name), at, name);
  t.is(Vmcb.size, 4096);
  t.is(SvmVcpu.fields[0]!.offset, 0);
});
