/**
 * The instructions that have no notation in TypeScript, one site each. Every site is what its mnemonic is in the AMD
 * APM vol. 3 (Intel SDM vol. 2); nothing here decides anything.
 */
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { at, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { asm } from "../asm.ts";

// ---- Ports ----------------------------------------------------------------------------------------------------

/** IN: reads a byte from an I/O port. */
export const in8 = asm({ template: "inb %dx, %al", constraints: "={al},{dx}", params: [u16], result: u8 });
/** IN: reads 16 bits from an I/O port. */
export const in16 = asm({ template: "inw %dx, %ax", constraints: "={ax},{dx}", params: [u16], result: u16 });
/** IN: reads 32 bits from an I/O port. */
export const in32 = asm({
  template: "inl %dx, %eax",
  constraints: "={eax},{dx}",
  params: [u16],
  result: u32,
});
/** OUT: writes a byte to an I/O port. */
export const out8 = asm({ template: "outb %al, %dx", constraints: "{dx},{al},~{memory}", params: [u16, u8] });
/** OUT: writes 16 bits to an I/O port. */
export const out16 = asm({
  template: "outw %ax, %dx",
  constraints: "{dx},{ax},~{memory}",
  params: [u16, u16],
});
/** OUT: writes 32 bits to an I/O port. */
export const out32 = asm({
  template: "outl %eax, %dx",
  constraints: "{dx},{eax},~{memory}",
  params: [u16, u32],
});

// ---- Model-specific registers ---------------------------------------------------------------------------------

/** RDMSR. An MSR that the CPU lacks gives #GP, which ends the hypervisor: probe by CPUID. */
export const readMsr = asm({
  template: "rdmsr; shlq $$32, %rdx; orq %rdx, %rax",
  constraints: "={rax},{ecx},~{rdx},~{memory}",
  params: [u32],
  result: u64,
});
/** WRMSR of `(msr, value)`. */
export const writeMsr = asm({
  template: "movq %rax, %rdx; shrq $$32, %rdx; wrmsr",
  constraints: "{ecx},{rax},~{rdx},~{memory}",
  params: [u32, u64],
});

// ---- Random numbers -------------------------------------------------------------------------------------------

/** RDSEED: stores eight bytes at an address; 0 where none are left for now. #UD on a CPU without it. */
export const rdSeed = asm({
  template: "rdseed %rdx; movq %rdx, (%r8); setc %al; movzbl %al, %eax",
  constraints: "={eax},{r8},~{rdx},~{memory}",
  params: [u64],
  result: u32,
});
/** RDRAND: the same of the generator. */
export const rdRand = asm({
  template: "rdrand %rdx; movq %rdx, (%r8); setc %al; movzbl %al, %eax",
  constraints: "={eax},{r8},~{rdx},~{memory}",
  params: [u64],
  result: u32,
});

// ---- CPUID ----------------------------------------------------------------------------------------------------

/** The four registers that CPUID fills. */
export const CpuidResult = struct("CpuidResult", {
  eax: at(0, u32),
  ebx: at(4, u32),
  ecx: at(8, u32),
  edx: at(12, u32),
});
export type CpuidResult = ValueOf<typeof CpuidResult>;

// rbx is saved in a scratch register: the code generator may use it as base pointer.
const cpuidAt = asm({
  template:
    "movq %rbx, %r9; cpuid; movl %eax, (%r8); movl %ebx, 4(%r8); movl %ecx, 8(%r8); movl %edx, 12(%r8); movq %r9, %rbx",
  constraints: "{eax},{ecx},{r8},~{rax},~{rcx},~{rdx},~{r9},~{memory}",
  params: [u32, u32, u64],
});

/** CPUID of a leaf and subleaf into `result`. */
export function cpuid(leaf: u32, subleaf: u32, result: CpuidResult): void {
  cpuidAt(leaf, subleaf, addressOf(result));
}

/** EAX of CPUID `(leaf, subleaf)`. */
export const cpuidEax = asm({
  template: "movq %rbx, %r9; cpuid; movq %r9, %rbx",
  constraints: "={eax},{eax},{ecx},~{rcx},~{rdx},~{r9}",
  params: [u32, u32],
  result: u32,
});
/** EBX of CPUID `(leaf, subleaf)`. */
export const cpuidEbx = asm({
  template: "movq %rbx, %r9; cpuid; movl %ebx, %eax; movq %r9, %rbx",
  constraints: "={eax},{eax},{ecx},~{rcx},~{rdx},~{r9}",
  params: [u32, u32],
  result: u32,
});
/** ECX of CPUID `(leaf, subleaf)`. */
export const cpuidEcx = asm({
  template: "movq %rbx, %r9; cpuid; movq %r9, %rbx",
  constraints: "={ecx},{eax},{ecx},~{rax},~{rdx},~{r9}",
  params: [u32, u32],
  result: u32,
});
/** EDX of CPUID `(leaf, subleaf)`. */
export const cpuidEdx = asm({
  template: "movq %rbx, %r9; cpuid; movq %r9, %rbx",
  constraints: "={edx},{eax},{ecx},~{rax},~{rcx},~{r9}",
  params: [u32, u32],
  result: u32,
});

// ---- Control and debug registers ------------------------------------------------------------------------------

const readRegister = (register: string) =>
  asm({ template: `movq %${register}, $0`, constraints: "=r,~{memory}", params: [], result: u64 });
const writeRegister = (register: string) =>
  asm({ template: `movq $0, %${register}`, constraints: "r,~{memory}", params: [u64] });

export const readCr0 = readRegister("cr0");
export const writeCr0 = writeRegister("cr0");
export const readCr2 = readRegister("cr2");
export const writeCr2 = writeRegister("cr2");
export const readCr3 = readRegister("cr3");
export const writeCr3 = writeRegister("cr3");
export const readCr4 = readRegister("cr4");
export const writeCr4 = writeRegister("cr4");
export const readCr8 = readRegister("cr8");
export const writeCr8 = writeRegister("cr8");
export const readDr0 = readRegister("dr0");
export const writeDr0 = writeRegister("dr0");
export const readDr1 = readRegister("dr1");
export const writeDr1 = writeRegister("dr1");
export const readDr2 = readRegister("dr2");
export const writeDr2 = writeRegister("dr2");
export const readDr3 = readRegister("dr3");
export const writeDr3 = writeRegister("dr3");
export const readDr6 = readRegister("dr6");
export const writeDr6 = writeRegister("dr6");
export const readDr7 = readRegister("dr7");
export const writeDr7 = writeRegister("dr7");

/** XGETBV of an extended control register; needs CR4.OSXSAVE. */
export const readXcr = asm({
  template: "xgetbv; shlq $$32, %rdx; orq %rdx, %rax",
  constraints: "={rax},{ecx},~{rdx},~{memory}",
  params: [u32],
  result: u64,
});
/** XSETBV of `(register, value)`; a value that the CPU does not support gives #GP. */
export const writeXcr = asm({
  template: "movq %rax, %rdx; shrq $$32, %rdx; xsetbv",
  constraints: "{ecx},{rax},~{rdx},~{memory}",
  params: [u32, u64],
});
/** RDPKRU; needs CR4.PKE. */
export const readPkru = asm({
  template: "rdpkru",
  constraints: "={eax},{ecx},~{rdx},~{memory}",
  params: [u32],
  result: u32,
});
/** WRPKRU of `(value, 0, 0)`; needs CR4.PKE. */
export const writePkru = asm({
  template: "wrpkru",
  constraints: "{eax},{ecx},{edx},~{memory}",
  params: [u32, u32, u32],
});

// ---- Descriptor tables and segments ---------------------------------------------------------------------------

/** LGDT from a 10-byte pseudo-descriptor at an address. */
export const loadGdt = asm({ template: "lgdt ($0)", constraints: "r,~{memory}", params: [u64] });
/** SGDT into 10 bytes at an address. */
export const storeGdt = asm({ template: "sgdt ($0)", constraints: "r,~{memory}", params: [u64] });
/** LIDT from a 10-byte pseudo-descriptor at an address. */
export const loadIdt = asm({ template: "lidt ($0)", constraints: "r,~{memory}", params: [u64] });
/** SIDT into 10 bytes at an address. */
export const storeIdt = asm({ template: "sidt ($0)", constraints: "r,~{memory}", params: [u64] });
/** LTR. */
export const loadTaskRegister = asm({ template: "ltrw ${0:w}", constraints: "r,~{memory}", params: [u16] });
/** LLDT. */
export const loadLdt = asm({ template: "lldtw ${0:w}", constraints: "r,~{memory}", params: [u16] });
/** Loads CS by a far return to the next instruction. */
export const loadCs = asm({
  template: "pushq %rcx; leaq 1f(%rip), %rax; pushq %rax; lretq; 1:",
  constraints: "{rcx},~{rax},~{memory}",
  params: [u64],
});
const readSelector = (segment: string) =>
  asm({ template: `movw %${segment}, \${0:w}`, constraints: "=r", params: [], result: u16 });
const writeSelector = (segment: string) =>
  asm({ template: `movw \${0:w}, %${segment}`, constraints: "r,~{memory}", params: [u16] });
export const readCs = readSelector("cs");
export const readDs = readSelector("ds");
export const readEs = readSelector("es");
export const readFs = readSelector("fs");
export const readGs = readSelector("gs");
export const readSs = readSelector("ss");
export const writeDs = writeSelector("ds");
export const writeEs = writeSelector("es");
export const writeFs = writeSelector("fs");
export const writeGs = writeSelector("gs");
export const writeSs = writeSelector("ss");
/** The first 8 bytes at GS base: the per-CPU structure's pointer to itself. */
export const readGsSelf = asm({ template: "movq %gs:0, $0", constraints: "=r", params: [], result: u64 });

// ---- Interrupts and waiting -----------------------------------------------------------------------------------

export const sti = asm({ template: "sti", constraints: "~{memory}", params: [] });
export const cli = asm({ template: "cli", constraints: "~{memory}", params: [] });
export const hlt = asm({ template: "hlt", constraints: "~{memory}", params: [] });
/** STI and HLT together, so that no interrupt comes between them. */
export const stiHlt = asm({ template: "sti; hlt", constraints: "~{memory}", params: [] });
export const pause = asm({ template: "pause", constraints: "~{memory}", params: [] });
export const ud2 = asm({ template: "ud2", constraints: "~{memory}", params: [] });
/** INT 3. */
export const breakpoint = asm({ template: "int3", constraints: "~{memory}", params: [] });

// ---- Caches, TLB, ordering, time ------------------------------------------------------------------------------

/** INVLPG of the page of an address. */
export const invalidatePage = asm({ template: "invlpg ($0)", constraints: "r,~{memory}", params: [u64] });
export const wbinvd = asm({ template: "wbinvd", constraints: "~{memory}", params: [] });
export const mfence = asm({ template: "mfence", constraints: "~{memory}", params: [] });
/** RDTSC, not ordered against its neighbours. */
export const readTsc = asm({
  template: "rdtsc; shlq $$32, %rdx; orq %rdx, %rax",
  constraints: "={rax},~{rdx}",
  params: [],
  result: u64,
});
/** RDTSC after all earlier instructions have completed. */
export const readTscOrdered = asm({
  template: "lfence; rdtsc; shlq $$32, %rdx; orq %rdx, %rax",
  constraints: "={rax},~{rdx},~{memory}",
  params: [],
  result: u64,
});

// ---- Registers ------------------------------------------------------------------------------------------------

export const readRsp = asm({ template: "movq %rsp, $0", constraints: "=r", params: [], result: u64 });
export const readRbp = asm({ template: "movq %rbp, $0", constraints: "=r", params: [], result: u64 });
export const readRflags = asm({
  template: "pushfq; popq $0",
  constraints: "=r,~{memory}",
  params: [],
  result: u64,
});
export const readFsBase = asm({ template: "rdfsbaseq $0", constraints: "=r", params: [], result: u64 });
export const writeFsBase = asm({ template: "wrfsbaseq $0", constraints: "r,~{memory}", params: [u64] });
export const readGsBase = asm({ template: "rdgsbaseq $0", constraints: "=r", params: [], result: u64 });
export const writeGsBase = asm({ template: "wrgsbaseq $0", constraints: "r,~{memory}", params: [u64] });

// ---- Extended state -------------------------------------------------------------------------------------------

/** XSAVE64 of `(area, mask low, mask high)`: a 64-byte aligned area with room for the components. */
export const xsave = asm({
  template: "xsave64 ($0)",
  constraints: "r,{eax},{edx},~{memory}",
  params: [u64, u32, u32],
});
/** XRSTOR64 of `(area, mask low, mask high)`. */
export const xrstor = asm({
  template: "xrstor64 ($0)",
  constraints: "r,{eax},{edx},~{memory}",
  params: [u64, u32, u32],
});

// ---- SVM (APM vol. 2 §15) -------------------------------------------------------------------------------------

export const clgi = asm({ template: "clgi", constraints: "~{memory}", params: [] });
export const stgi = asm({ template: "stgi", constraints: "~{memory}", params: [] });
/** VMLOAD from the VMCB at a physical address. */
export const vmload = asm({ template: "vmload %rax", constraints: "{rax},~{memory}", params: [u64] });
/** VMSAVE to the VMCB at a physical address. */
export const vmsave = asm({ template: "vmsave %rax", constraints: "{rax},~{memory}", params: [u64] });
/** INVLPGA of `(virtual address, ASID)`. */
export const invalidatePageInAsid = asm({
  template: "invlpga %rax, %ecx",
  constraints: "{rax},{ecx},~{memory}",
  params: [u64, u32],
});
