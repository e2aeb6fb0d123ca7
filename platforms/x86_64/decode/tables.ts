/**
 * The opcode tables: rows declared in the manuals' notation (APM vol. 3 appendix A, SDM vol. 2 appendix A), packed
 * here into one frozen array of integers. The rows of the one-byte map come first, then those of 0F, then the rows
 * that a prefix or ModRM chooses among.
 */
import {
  prefixAddressSize,
  prefixLock,
  prefixOperandSize,
  prefixRep,
  prefixRepne,
  prefixSegmentMask,
  prefixSegmentShift,
  Segment,
} from "./operation.ts";
import { prefixRow, row, RowKind, rowOfKind, undefinedRow, type Mnemonic } from "./row.ts";

const oneByte: number[] = Array.from({ length: 256 }, () => undefinedRow);
const twoByte: number[] = Array.from({ length: 256 }, () => undefinedRow);
const chosen: number[] = [];

/** Leads on to rows, which are shared with an equal run of rows. */
function choose(kind: RowKind, rows: readonly number[]): number {
  let at = 0;
  while (!rows.every((r, i) => at + i >= chosen.length || chosen[at + i] === r)) at++;
  chosen.push(...rows.slice(Math.max(0, chosen.length - at)));
  return rowOfKind(kind, 512 + at);
}
/** Rows by mandatory prefix: none, 66, F3, F2. */
function byPrefix(none: number, p66: number, f3: number, f2: number): number {
  return choose(RowKind.byPrefix, [none, p66, f3, f2]);
}
/** Rows for a memory operand and for a register operand. */
function byMod(memory: number, register: number): number {
  return choose(RowKind.byMod, [memory, register]);
}
/** A row for 64-bit mode, and one for the others. */
function byMode(long: number, other: number): number {
  return choose(RowKind.byMode, [long, other]);
}
/** Eight rows by ModRM.reg. */
function byReg(...rows: readonly number[]): number {
  if (rows.length !== 8) throw new RangeError("a group has eight rows");
  return choose(RowKind.byReg, rows);
}
function fill(map: number[], first: number, last: number, value: number): void {
  for (let opcode = first; opcode <= last; opcode++) map[opcode] = value;
}
const ud = undefinedRow;
const modrm = row("other", "E");
const modrmByte = row("other", "E,Ib");
const plain = row("other");

// ---- One byte ---------------------------------------------------------------------------------------------------

const arithmetic = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"] as const;
arithmetic.forEach((name, i) => {
  const forms = ["Eb,Gb", "Ev,Gv", "Gb,Eb", "Gv,Ev", "Ab,Ib", "Av,Iz"];
  forms.forEach((operands, k) => (oneByte[i * 8 + k] = row(name, operands)));
});
for (const opcode of [
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0xd4, 0xd5, 0xd6,
]) {
  oneByte[opcode] = byMode(ud, row("other", opcode === 0xd4 || opcode === 0xd5 ? "Ib" : ""));
}
oneByte[0x0f] = rowOfKind(RowKind.escape, 0);
const segment = (which: Segment) => prefixRow((which + 1) << prefixSegmentShift, prefixSegmentMask);
oneByte[0x26] = segment(Segment.es);
oneByte[0x2e] = segment(Segment.cs);
oneByte[0x36] = segment(Segment.ss);
oneByte[0x3e] = segment(Segment.ds);
oneByte[0x64] = segment(Segment.fs);
oneByte[0x65] = segment(Segment.gs);
oneByte[0x66] = prefixRow(prefixOperandSize, 0);
oneByte[0x67] = prefixRow(prefixAddressSize, 0);
oneByte[0xf0] = prefixRow(prefixLock, 0);
oneByte[0xf2] = prefixRow(prefixRepne, prefixRep);
oneByte[0xf3] = prefixRow(prefixRep, prefixRepne);
fill(oneByte, 0x40, 0x47, choose(RowKind.rex, [row("inc", "Zv")]));
fill(oneByte, 0x48, 0x4f, choose(RowKind.rex, [row("dec", "Zv")]));
fill(oneByte, 0x50, 0x57, row("push", "Zv", "default64"));
fill(oneByte, 0x58, 0x5f, row("pop", "Zv", "default64"));
oneByte[0x62] = rowOfKind(RowKind.vex, 0);
oneByte[0x63] = byMode(row("movsx", "Gv,Ed"), row("other", "E")); // MOVSXD, ARPL
oneByte[0x68] = row("push", "Iz", "default64");
oneByte[0x69] = row("imul", "Gv,Ev,Iz");
oneByte[0x6a] = row("push", "Ib", "default64");
oneByte[0x6b] = row("imul", "Gv,Ev,Ib");
oneByte[0x6c] = row("ins", "Sb");
oneByte[0x6d] = row("ins", "Sz");
oneByte[0x6e] = row("outs", "Sb");
oneByte[0x6f] = row("outs", "Sz");
fill(oneByte, 0x70, 0x7f, row("jcc", "Jb", "default64"));
oneByte[0x80] = byReg(...arithmetic.map((name) => row(name, "Eb,Ib")));
oneByte[0x81] = byReg(...arithmetic.map((name) => row(name, "Ev,Iz")));
oneByte[0x82] = byMode(ud, oneByte[0x80]);
oneByte[0x83] = byReg(...arithmetic.map((name) => row(name, "Ev,Ib")));
oneByte[0x84] = row("test", "Eb,Gb");
oneByte[0x85] = row("test", "Ev,Gv");
oneByte[0x86] = row("xchg", "Eb,Gb");
oneByte[0x87] = row("xchg", "Ev,Gv");
oneByte[0x88] = row("mov", "Eb,Gb");
oneByte[0x89] = row("mov", "Ev,Gv");
oneByte[0x8a] = row("mov", "Gb,Eb");
oneByte[0x8b] = row("mov", "Gv,Ev");
oneByte[0x8c] = row("movFromSegment", "Ew");
oneByte[0x8d] = byMod(row("lea", "G,E"), ud);
oneByte[0x8e] = row("movToSegment", "Ew");
oneByte[0x8f] = rowOfKind(RowKind.vex, 0); // POP Ev where ModRM.reg is 0, else XOP
fill(oneByte, 0x90, 0x97, row("xchg", "Zv"));
oneByte[0x90] = byPrefix(row("nop", "Zv"), row("nop", "Zv"), row("pause"), row("nop", "Zv"));
oneByte[0x98] = plain;
oneByte[0x99] = plain;
oneByte[0x9a] = byMode(ud, row("callFar", "Ap"));
oneByte[0x9b] = plain;
oneByte[0x9c] = row("pushf", "", "default64");
oneByte[0x9d] = row("popf", "", "default64");
oneByte[0x9e] = plain;
oneByte[0x9f] = plain;
oneByte[0xa0] = row("mov", "Ab,Ob");
oneByte[0xa1] = row("mov", "Av,Ov");
oneByte[0xa2] = row("mov", "Ob,Ab");
oneByte[0xa3] = row("mov", "Ov,Av");
const strings: readonly (readonly [number, Mnemonic])[] = [
  [0xa4, "movs"],
  [0xa6, "cmps"],
  [0xaa, "stos"],
  [0xac, "lods"],
  [0xae, "scas"],
];
for (const [opcode, name] of strings) {
  oneByte[opcode] = row(name, "Sb");
  oneByte[opcode + 1] = row(name, "Sv");
}
oneByte[0xa8] = row("test", "Ab,Ib");
oneByte[0xa9] = row("test", "Av,Iz");
fill(oneByte, 0xb0, 0xb7, row("mov", "Zb,Ib"));
fill(oneByte, 0xb8, 0xbf, row("mov", "Zv,Iv"));
const shifts = ["rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"] as const;
oneByte[0xc0] = byReg(...shifts.map((name) => row(name, "Eb,Ib")));
oneByte[0xc1] = byReg(...shifts.map((name) => row(name, "Ev,Ib")));
oneByte[0xd0] = byReg(...shifts.map((name) => row(name, "Eb,1")));
oneByte[0xd1] = byReg(...shifts.map((name) => row(name, "Ev,1")));
oneByte[0xd2] = byReg(...shifts.map((name) => row(name, "Eb,C")));
oneByte[0xd3] = byReg(...shifts.map((name) => row(name, "Ev,C")));
oneByte[0xc2] = row("retNear", "Iw", "default64");
oneByte[0xc3] = row("retNear", "", "default64");
oneByte[0xc4] = rowOfKind(RowKind.vex, 0);
oneByte[0xc5] = rowOfKind(RowKind.vex, 0);
oneByte[0xc6] = byReg(row("mov", "Eb,Ib"), ud, ud, ud, ud, ud, ud, byMod(ud, modrmByte)); // XABORT;
oneByte[0xc7] = byReg(row("mov", "Ev,Iz"), ud, ud, ud, ud, ud, ud, byMod(ud, row("other", "E,Iz"))); // XBEGIN;
oneByte[0xc8] = row("other", "Iw,Ib", "default64");
oneByte[0xc9] = row("other", "", "default64");
oneByte[0xca] = row("retFar", "Iw");
oneByte[0xcb] = row("retFar");
oneByte[0xcc] = row("int3");
oneByte[0xcd] = row("int", "Ib");
oneByte[0xce] = byMode(ud, row("into"));
oneByte[0xcf] = row("iret");
oneByte[0xd7] = plain;
fill(oneByte, 0xd8, 0xdf, modrm);
fill(oneByte, 0xe0, 0xe3, row("loop", "Jb", "default64"));
oneByte[0xe4] = row("in", "Pb,Ib");
oneByte[0xe5] = row("in", "Pz,Ib");
oneByte[0xe6] = row("out", "Pb,Ib");
oneByte[0xe7] = row("out", "Pz,Ib");
oneByte[0xe8] = row("callNear", "Jz", "default64");
oneByte[0xe9] = row("jmpNear", "Jz", "default64");
oneByte[0xea] = byMode(ud, row("jmpFar", "Ap"));
oneByte[0xeb] = row("jmpNear", "Jb", "default64");
oneByte[0xec] = row("in", "Pb");
oneByte[0xed] = row("in", "Pz");
oneByte[0xee] = row("out", "Pb");
oneByte[0xef] = row("out", "Pz");
oneByte[0xf1] = row("icebp");
oneByte[0xf4] = row("hlt");
oneByte[0xf5] = plain;
const unary = (v: string) => [
  row("test", `E${v},${v === "b" ? "Ib" : "Iz"}`),
  row("test", `E${v},${v === "b" ? "Ib" : "Iz"}`),
  row("not", `E${v}`),
  row("neg", `E${v}`),
  row("mul", `E${v}`),
  row("imul", `E${v}`),
  row("div", `E${v}`),
  row("idiv", `E${v}`),
];
oneByte[0xf6] = byReg(...unary("b"));
oneByte[0xf7] = byReg(...unary("v"));
oneByte[0xf8] = plain;
oneByte[0xf9] = plain;
oneByte[0xfa] = row("cli");
oneByte[0xfb] = row("sti");
oneByte[0xfc] = plain;
oneByte[0xfd] = plain;
oneByte[0xfe] = byReg(row("inc", "Eb"), row("dec", "Eb"), ud, ud, ud, ud, ud, ud);
oneByte[0xff] = byReg(
  row("inc", "Ev"),
  row("dec", "Ev"),
  row("callNear", "Ev", "default64"),
  byMod(row("callFar", "E"), ud),
  row("jmpNear", "Ev", "default64"),
  byMod(row("jmpFar", "E"), ud),
  row("push", "Ev", "default64"),
  ud,
);

// ---- 0F ---------------------------------------------------------------------------------------------------------

const store16 = (name: Mnemonic) => row(name, "Ew");
twoByte[0x00] = byReg(
  store16("sldt"),
  store16("str"),
  store16("lldt"),
  store16("ltr"),
  store16("verr"),
  store16("verw"),
  ud,
  ud,
);
const group7Registers = Array.from({ length: 64 }, () => ud);
const group7: Readonly<Record<number, Mnemonic>> = {
  0xc0: "other",
  0xc5: "other",
  0xc6: "other",
  0xc1: "vmcall",
  0xc2: "vmlaunch",
  0xc3: "vmresume",
  0xc4: "vmxoff",
  0xc8: "monitor",
  0xc9: "mwait",
  0xca: "clac",
  0xcb: "stac",
  0xcf: "encls",
  0xd0: "xgetbv",
  0xd1: "xsetbv",
  0xd4: "other",
  0xd5: "other",
  0xd6: "other",
  0xd7: "other",
  0xd8: "vmrun",
  0xd9: "vmmcall",
  0xda: "vmload",
  0xdb: "vmsave",
  0xdc: "stgi",
  0xdd: "clgi",
  0xde: "skinit",
  0xdf: "invlpga",
  0xe8: "other",
  0xea: "other",
  0xec: "other",
  0xed: "other",
  0xee: "rdpkru",
  0xef: "wrpkru",
  0xf8: "swapgs",
  0xf9: "rdtscp",
  0xfa: "monitorx",
  0xfb: "mwaitx",
  0xfc: "clzero",
  0xfd: "rdpru",
  0xfe: "invlpgb",
  0xff: "tlbsync",
};
for (const [code, name] of Object.entries(group7)) group7Registers[Number(code) - 0xc0] = row(name, "E");
for (let rm = 0; rm < 8; rm++) {
  group7Registers[0x20 + rm] = row("smsw", "Ew");
  group7Registers[0x30 + rm] = row("lmsw", "Ew");
}
twoByte[0x01] = byMod(
  byReg(
    row("sgdt", "E"),
    row("sidt", "E"),
    row("lgdt", "E"),
    row("lidt", "E"),
    row("smsw", "Ew"),
    modrm,
    row("lmsw", "Ew"),
    row("invlpg", "E"),
  ),
  choose(RowKind.byRegRm, group7Registers),
);
twoByte[0x02] = modrm;
twoByte[0x03] = modrm;
twoByte[0x05] = row("syscall");
twoByte[0x06] = row("clts");
twoByte[0x07] = row("sysret");
twoByte[0x08] = row("invd");
twoByte[0x09] = row("wbinvd");
twoByte[0x0b] = row("ud");
twoByte[0x0d] = modrm;
twoByte[0x0e] = plain;
twoByte[0x0f] = modrmByte; // 3DNow!: the last byte is the operation
const vectorLoad = (size: string) => row("vectorMove", `V,E${size}`);
const vectorStore = (size: string) => row("vectorMove", `E${size},V`);
const vectorOther = row("other", "V,E");
/** Loads, or stores, of which only the memory form is a plain move. */
const memoryOnly = (r: number) => byMod(r, vectorOther);
twoByte[0x10] = byPrefix(
  vectorLoad("x"),
  vectorLoad("x"),
  memoryOnly(vectorLoad("d")),
  memoryOnly(vectorLoad("q")),
);
twoByte[0x11] = byPrefix(
  vectorStore("x"),
  vectorStore("x"),
  memoryOnly(vectorStore("d")),
  memoryOnly(vectorStore("q")),
);
twoByte[0x12] = modrm; // MOVLPS and its kin merge: no plain move
twoByte[0x13] = byPrefix(memoryOnly(vectorStore("q")), memoryOnly(vectorStore("q")), ud, ud);
fill(twoByte, 0x14, 0x17, modrm);
fill(twoByte, 0x18, 0x1f, modrm);
twoByte[0x20] = row("movFromCr", "E", "registerOnly", "default64");
twoByte[0x21] = row("movFromDr", "E", "registerOnly", "default64");
twoByte[0x22] = row("movToCr", "E", "registerOnly", "default64");
twoByte[0x23] = row("movToDr", "E", "registerOnly", "default64");
twoByte[0x28] = byPrefix(vectorLoad("x"), vectorLoad("x"), ud, ud);
twoByte[0x29] = byPrefix(vectorStore("x"), vectorStore("x"), ud, ud);
twoByte[0x2a] = modrm;
twoByte[0x2b] = byPrefix(
  memoryOnly(vectorStore("x")),
  memoryOnly(vectorStore("x")),
  memoryOnly(vectorStore("d")),
  memoryOnly(vectorStore("q")),
);
fill(twoByte, 0x2c, 0x2f, modrm);
twoByte[0x30] = row("wrmsr");
twoByte[0x31] = row("rdtsc");
twoByte[0x32] = row("rdmsr");
twoByte[0x33] = row("rdpmc");
twoByte[0x34] = row("sysenter");
twoByte[0x35] = row("sysexit");
twoByte[0x37] = plain;
twoByte[0x38] = rowOfKind(RowKind.escape, 0);
twoByte[0x3a] = rowOfKind(RowKind.escape, 0);
fill(twoByte, 0x40, 0x4f, row("cmovcc", "Gv,Ev"));
fill(twoByte, 0x50, 0x6d, modrm);
twoByte[0x6e] = byPrefix(row("vectorMove", "V,Ey"), row("vectorMove", "V,Ey"), ud, ud);
twoByte[0x6f] = byPrefix(vectorLoad("q"), vectorLoad("x"), vectorLoad("x"), ud);
fill(twoByte, 0x70, 0x73, modrmByte);
fill(twoByte, 0x74, 0x76, modrm);
twoByte[0x77] = plain;
twoByte[0x78] = byPrefix(row("vmread", "E"), row("other", "E,Iw"), ud, row("other", "E,Iw"));
twoByte[0x79] = byPrefix(row("vmwrite", "E"), modrm, ud, modrm);
fill(twoByte, 0x7c, 0x7d, modrm);
twoByte[0x7e] = byPrefix(row("vectorMove", "Ey,V"), row("vectorMove", "Ey,V"), vectorLoad("q"), ud);
twoByte[0x7f] = byPrefix(vectorStore("q"), vectorStore("x"), vectorStore("x"), ud);
fill(twoByte, 0x80, 0x8f, row("jcc", "Jz", "default64"));
fill(twoByte, 0x90, 0x9f, row("setcc", "Eb"));
twoByte[0xa0] = row("other", "", "default64");
twoByte[0xa1] = row("other", "", "default64");
twoByte[0xa2] = row("cpuid");
twoByte[0xa3] = row("bt", "Ev,Gv");
twoByte[0xa4] = row("shld", "Ev,Gv,Ib");
twoByte[0xa5] = row("shld", "Ev,Gv,C");
twoByte[0xa8] = row("other", "", "default64");
twoByte[0xa9] = row("other", "", "default64");
twoByte[0xaa] = row("rsm");
twoByte[0xab] = row("bts", "Ev,Gv");
twoByte[0xac] = row("shrd", "Ev,Gv,Ib");
twoByte[0xad] = row("shrd", "Ev,Gv,C");
const xsave = row("xsave", "E");
twoByte[0xae] = byMod(
  byReg(xsave, row("xrstor", "E"), modrm, modrm, xsave, row("xrstor", "E"), modrm, modrm),
  modrm,
);
twoByte[0xaf] = row("imul", "Gv,Ev");
twoByte[0xb0] = row("cmpxchg", "Eb,Gb");
twoByte[0xb1] = row("cmpxchg", "Ev,Gv");
twoByte[0xb2] = byMod(modrm, ud);
twoByte[0xb3] = row("btr", "Ev,Gv");
twoByte[0xb4] = twoByte[0xb2];
twoByte[0xb5] = twoByte[0xb2];
twoByte[0xb6] = row("movzx", "Gv,Eb");
twoByte[0xb7] = row("movzx", "Gv,Ew");
twoByte[0xb8] = byPrefix(ud, ud, modrm, ud);
twoByte[0xb9] = row("ud", "E");
twoByte[0xba] = byReg(
  ud,
  ud,
  ud,
  ud,
  row("bt", "Ev,Ib"),
  row("bts", "Ev,Ib"),
  row("btr", "Ev,Ib"),
  row("btc", "Ev,Ib"),
);
twoByte[0xbb] = row("btc", "Ev,Gv");
twoByte[0xbc] = modrm;
twoByte[0xbd] = modrm;
twoByte[0xbe] = row("movsx", "Gv,Eb");
twoByte[0xbf] = row("movsx", "Gv,Ew");
twoByte[0xc0] = row("xadd", "Eb,Gb");
twoByte[0xc1] = row("xadd", "Ev,Gv");
twoByte[0xc2] = modrmByte;
twoByte[0xc3] = byPrefix(byMod(row("mov", "Ey,Gy"), ud), ud, ud, ud); // MOVNTI
fill(twoByte, 0xc4, 0xc6, modrmByte);
const rdpid = byPrefix(row("rdseed", "E"), row("rdseed", "E"), row("rdpid", "E"), ud);
const vmptrld = byPrefix(row("vmptrld", "E"), row("vmclear", "E"), row("vmxon", "E"), ud);
const rdrand = byPrefix(row("rdrand", "E"), row("rdrand", "E"), modrm, ud);
twoByte[0xc7] = byMod(
  byReg(ud, row("cmpxchg8b", "Ep"), ud, row("xrstor", "E"), xsave, xsave, vmptrld, row("vmptrst", "E")),
  byReg(ud, ud, ud, ud, ud, ud, rdrand, rdpid),
);
fill(twoByte, 0xc8, 0xcf, row("other", "Zv"));
fill(twoByte, 0xd0, 0xd5, modrm);
twoByte[0xd6] = byPrefix(ud, vectorStore("q"), modrm, modrm);
fill(twoByte, 0xd7, 0xe6, modrm);
twoByte[0xe7] = byPrefix(memoryOnly(vectorStore("q")), memoryOnly(vectorStore("x")), ud, ud);
fill(twoByte, 0xe8, 0xef, modrm);
twoByte[0xf0] = byPrefix(ud, ud, ud, memoryOnly(vectorLoad("x")));
fill(twoByte, 0xf1, 0xfe, modrm);
twoByte[0xff] = row("ud", "E");

// ---- 0F 38 and 0F 3A: of these, ModRM (and an immediate byte in 3A) is nearly all there is --------------------------

const movbeLoad = byMod(row("movbe", "Gv,Ev"), ud);
const movbeStore = byMod(row("movbe", "Ev,Gv"), ud);

/** Rows of 0F 38 that are more than ModRM, by opcode. */
export const rows38: readonly { readonly opcode: number; readonly row: number }[] = Object.freeze(
  [
    { opcode: 0x2a, row: byPrefix(ud, memoryOnly(vectorLoad("x")), ud, ud) }, // MOVNTDQA
    { opcode: 0x80, row: byPrefix(ud, row("invept", "E"), ud, ud) },
    { opcode: 0x81, row: byPrefix(ud, row("invvpid", "E"), ud, ud) },
    { opcode: 0x82, row: byPrefix(ud, row("invpcid", "E"), ud, ud) },
    { opcode: 0xf0, row: byPrefix(movbeLoad, movbeLoad, ud, modrm) },
    { opcode: 0xf1, row: byPrefix(movbeStore, movbeStore, ud, modrm) },
  ].map((r) => Object.freeze(r)),
);
/** The row of every other 0F 38 opcode. */
export const row38 = modrm;
/** The row of every 0F 3A opcode. */
export const row3A = modrmByte;
/** The row of an opcode of XOP map 10. */
export const rowXopDword = row("other", "E,Id");
/** The row of VZEROUPPER and VZEROALL. */
export const rowPlain = plain;
/** The row of POP with a ModRM operand. */
export const rowPop = byReg(row("pop", "Ev", "default64"), ud, ud, ud, ud, ud, ud, ud);
/** The row of BOUND, LES and LDS, which have no register form. */
export const rowMemoryOnly = byMod(row("other", "E"), ud);

/** All rows: one-byte map, 0F map, then those that are chosen. */
export const rows: readonly number[] = Object.freeze([...oneByte, ...twoByte, ...chosen]);
