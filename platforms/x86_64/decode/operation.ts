/**
 * What the decoder says about an instruction: its operation, how its operands are arranged, and the fields it was
 * encoded with. `Instruction` is written by `decode.ts` and read by everything else in this folder.
 */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, bool, extend, struct, type ValueOf } from "../../../dsl/core/layout.ts";

/** The code segment's size, in bytes of its default address: CS.L gives 64 bits, else CS.D gives 32 or 16. */
export enum Mode {
  bits16 = 2,
  bits32 = 4,
  bits64 = 8,
}

/** What `decode` answers. */
export enum DecodeResult {
  /** The instruction is complete; `length` bytes belong to it. */
  ok = 0,
  /** More bytes are needed than were fetched: the fetch of the next byte faults. */
  truncated = 1,
  /** No instruction: #UD. */
  undefined = 2,
  /** Longer than 15 bytes: #GP(0) (APM vol. 3 §1.1). */
  tooLong = 3,
}

/**
 * Operations by mnemonic. `other` is an instruction of known length that nothing here has to tell apart. The eight
 * of `add` and of `rol` are in the order of their opcode bits [5:3] and of ModRM.reg.
 */
export enum Operation {
  other = 0,
  add = 8,
  or,
  adc,
  sbb,
  and,
  sub,
  xor,
  cmp,
  rol = 16,
  ror,
  rcl,
  rcr,
  shl,
  shr,
  sal,
  sar,
  mov = 24,
  movzx,
  movsx,
  movbe,
  test,
  xchg,
  xadd,
  cmpxchg,
  cmpxchg8b,
  inc,
  dec,
  not,
  neg,
  mul,
  imul,
  div,
  idiv,
  bt,
  bts,
  btr,
  btc,
  shld,
  shrd,
  push,
  pop,
  setcc,
  cmovcc,
  movs,
  cmps,
  stos,
  lods,
  scas,
  ins,
  outs,
  in,
  out,
  /** A move between a vector register (or MMX register) and memory, of `width` bytes. */
  vectorMove,
  lea,
  nop,
  pause,
  hlt,
  cpuid,
  rdmsr,
  wrmsr,
  rdtsc,
  rdtscp,
  rdpmc,
  rdpru,
  invd,
  wbinvd,
  invlpg,
  invlpga,
  invlpgb,
  tlbsync,
  invpcid,
  monitor,
  mwait,
  monitorx,
  mwaitx,
  xsetbv,
  xgetbv,
  clts,
  lmsw,
  smsw,
  movFromCr,
  movToCr,
  movFromDr,
  movToDr,
  movFromSegment,
  movToSegment,
  sgdt,
  sidt,
  sldt,
  str,
  lgdt,
  lidt,
  lldt,
  ltr,
  verr,
  verw,
  pushf,
  popf,
  iret,
  int,
  int3,
  into,
  icebp,
  rsm,
  vmrun,
  vmmcall,
  vmload,
  vmsave,
  stgi,
  clgi,
  skinit,
  vmcall,
  vmlaunch,
  vmresume,
  vmxoff,
  vmptrld,
  vmclear,
  vmxon,
  vmptrst,
  vmread,
  vmwrite,
  invept,
  invvpid,
  ud,
  cli,
  sti,
  syscall,
  sysret,
  sysenter,
  sysexit,
  swapgs,
  callNear,
  callFar,
  jmpNear,
  jmpFar,
  jcc,
  retNear,
  retFar,
  loop,
  clac,
  stac,
  rdpkru,
  wrpkru,
  rdrand,
  rdseed,
  rdpid,
  clzero,
  encls,
  xsave,
  xrstor,
  movdir64b,
}

/** How an instruction's operands are arranged: the destination first, as in the manuals. */
export enum Form {
  none = 0,
  /** r/m, register. */
  rmReg,
  /** register, r/m. */
  regRm,
  /** r/m, immediate. */
  rmImm,
  /** r/m alone. */
  rm,
  /** r/m, 1. */
  rmOne,
  /** r/m, CL. */
  rmCl,
  /** accumulator, immediate. */
  accImm,
  /** accumulator, memory at an absolute offset. */
  accMoffs,
  /** memory at an absolute offset, accumulator. */
  moffsAcc,
  /** a string element: rSI, rDI or both. */
  string,
  /** register, r/m, immediate. */
  regRmImm,
  /** r/m, register, immediate. */
  rmRegImm,
  /** r/m, register, CL. */
  rmRegCl,
  /** the register of opcode bits [2:0], in `rm`, perhaps with an immediate. */
  opcodeReg,
  /** accumulator and DX, or an immediate port. */
  port,
}

/** Bits of `Instruction.access`: what the instruction does with its ModRM or offset memory operand. */
export const accessRead = 1;
/** See accessRead. */
export const accessWrite = 2;

/** In `base`: no base register. In `index`: no index register. */
export const noRegister = 16;
/** In `base`: relative to the next instruction (64-bit mode). */
export const baseRip = 17;

/** Segment registers in the order of their encoding (APM vol. 3 §1.4, ModRM.reg of MOV Sreg). */
export enum Segment {
  es = 0,
  cs = 1,
  ss = 2,
  ds = 3,
  fs = 4,
  gs = 5,
}

/** Bits of `Instruction.prefixes`. */
export const prefixOperandSize = 0x01;
/** 67. */
export const prefixAddressSize = 0x02;
/** F0. */
export const prefixLock = 0x04;
/** F3, where it came after any F2. */
export const prefixRep = 0x08;
/** F2, where it came after any F3. */
export const prefixRepne = 0x10;
/** Shift and mask of the overriding segment plus 1. */
export const prefixSegmentShift = 5;
/** See prefixSegmentShift. */
export const prefixSegmentMask = 0xe0;
/** VEX, EVEX or XOP. */
export const prefixVex = 0x100;
/** VEX.L: vectors of 32 bytes. */
export const prefixVex256 = 0x200;

/** Places of the fields of a decode row: see `row.ts`. */
export const rowModrm = 0x10;
/** See rowModrm. */
export const rowFormShift = 12;
/** See rowModrm. */
export const rowOperationShift = 16;
/** See rowModrm. */
export const rowAccessShift = 24;
/** See rowModrm. */
export const rowVector = 0x800_0000;

const InstructionFields = struct("Instruction", {
  /** Sign-extended displacement, or the offset of the `moffs` forms. */
  displacement: u64,
  /** Sign-extended to 64 bits; of a far pointer the offset, zero-extended. */
  immediate: u64,
  /** The decode row (`row.ts`). */
  row: u32,
  /** Prefixes seen: see the `prefix…` constants. */
  prefixes: u32,
  /** The selector of a far pointer, or the nesting level of ENTER. */
  immediateHigh: u16,
  /** 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A; VEX, EVEX and XOP by their map number. */
  map: u8,
  /** VEX.vvvv, not inverted; 0 where there is none. */
  vvvv: u8,
  /** The ModRM byte. */
  modrm: u8,
  base: u8,
  index: u8,
  /** Shift count of the index, 0 to 3. */
  scale: u8,
  /** ModRM.reg with REX.R. */
  reg: u8,
  opcode: u8,
  /** REX as encoded, or VEX's bits in its place; 0 where there is none. */
  rex: u8,
  /** 1 to 15. */
  length: u8,
  mode: u8,
  /** 2, 4 or 8. */
  operandSize: u8,
  /** 2, 4 or 8. */
  addressSize: u8,
  /** Width of the r/m or string operand; 0 where it has no data of its own. */
  width: u8,
  /** True where r/m, an absolute offset or a string element is in memory. */
  memory: bool,
});
type InstructionFields = ValueOf<typeof InstructionFields>;

/**
 * A decoded instruction. Sizes and widths are in bytes. Fields that the encoding does not have are 0, except `base`
 * and `index` (`noRegister`).
 */
export const Instruction = extend(InstructionFields, {
  properties: {
    /** `Operation`. */
    operation: { get: (self: InstructionFields): u8 => u8((self.row >>> rowOperationShift) & 0xff) },
    /** `Form`. */
    form: { get: (self: InstructionFields): u8 => u8((self.row >>> rowFormShift) & 15) },
    /** What happens to the ModRM or offset operand in memory: `accessRead`, `accessWrite`, both or none. */
    access: { get: (self: InstructionFields): u8 => u8(self.memory ? (self.row >>> rowAccessShift) & 3 : 0) },
    /** ModRM.rm with REX.B of a register operand, or the register of the opcode. */
    rm: {
      get: (self: InstructionFields): u8 =>
        u8((((self.row & rowModrm) !== 0 ? self.modrm : self.opcode) & 7) | ((self.rex & 1) << 3)),
    },
    /** The segment of the memory operand: overridden, or SS where BP or SP (not R12, R13) is the base, or DS. */
    segment: {
      get: (self: InstructionFields): u8 => {
        const override = (self.prefixes & prefixSegmentMask) >>> prefixSegmentShift;
        if (override !== 0) return u8(override - 1);
        return (self.base & 0x1e) === 4 ? Segment.ss : Segment.ds;
      },
    },
    /** LOCK is there (and legal). */
    lock: { get: (self: InstructionFields): boolean => (self.prefixes & prefixLock) !== 0 },
    /** True where `reg` names a vector or MMX register. */
    vector: { get: (self: InstructionFields): boolean => (self.row & rowVector) !== 0 },
  },
});
export type Instruction = ValueOf<typeof Instruction>;

/** Bytes fetched from a guest's RIP: `length` of them are there, at most 15. The rest is room for reading ahead. */
export const CodeBytes = struct("CodeBytes", { bytes: array(u8, 40), length: u8 });
export type CodeBytes = ValueOf<typeof CodeBytes>;
