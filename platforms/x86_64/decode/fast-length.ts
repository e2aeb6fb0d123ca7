/**
 * Lengths of intercepted instructions without operands: one comparison where the opcode stands at RIP as compilers
 * emit it, the whole decoder where prefixes precede it. Either way the opcode is seen to be there: the guest may have
 * changed its code since the exit.
 */
import { u32, type u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, load32 } from "../../../dsl/core/intrinsics.ts";
import { decode } from "./decode.ts";
import { DecodeResult, Operation, type CodeBytes, type Instruction, type Mode } from "./operation.ts";

/** An instruction without operands in its shortest encoding. */
export interface ShortForm {
  readonly operation: Operation;
  /** Number of bytes, 1 to 3. */
  readonly length: 1 | 2 | 3;
  /** The bytes, the first one in bits [7:0]. */
  readonly bytes: number;
  /** Ones over the bytes. */
  readonly mask: number;
}

function shortForm(operation: Operation, ...bytes: readonly number[]): ShortForm {
  const length = bytes.length as 1 | 2 | 3;
  return Object.freeze({
    operation,
    length,
    bytes: bytes.reduceRight((all, b) => all * 256 + b, 0),
    mask: 2 ** (8 * length) - 1,
  });
}

/** The shortest encodings by mnemonic (APM vol. 3 chapters 3 and 4). */
export const shortForms = Object.freeze({
  cpuid: shortForm(Operation.cpuid, 0x0f, 0xa2),
  rdmsr: shortForm(Operation.rdmsr, 0x0f, 0x32),
  wrmsr: shortForm(Operation.wrmsr, 0x0f, 0x30),
  rdtsc: shortForm(Operation.rdtsc, 0x0f, 0x31),
  rdpmc: shortForm(Operation.rdpmc, 0x0f, 0x33),
  rdtscp: shortForm(Operation.rdtscp, 0x0f, 0x01, 0xf9),
  rdpru: shortForm(Operation.rdpru, 0x0f, 0x01, 0xfd),
  hlt: shortForm(Operation.hlt, 0xf4),
  pause: shortForm(Operation.pause, 0xf3, 0x90),
  vmmcall: shortForm(Operation.vmmcall, 0x0f, 0x01, 0xd9),
  vmcall: shortForm(Operation.vmcall, 0x0f, 0x01, 0xc1),
  invd: shortForm(Operation.invd, 0x0f, 0x08),
  wbinvd: shortForm(Operation.wbinvd, 0x0f, 0x09),
  clts: shortForm(Operation.clts, 0x0f, 0x06),
  monitor: shortForm(Operation.monitor, 0x0f, 0x01, 0xc8),
  mwait: shortForm(Operation.mwait, 0x0f, 0x01, 0xc9),
  monitorx: shortForm(Operation.monitorx, 0x0f, 0x01, 0xfa),
  mwaitx: shortForm(Operation.mwaitx, 0x0f, 0x01, 0xfb),
  xsetbv: shortForm(Operation.xsetbv, 0x0f, 0x01, 0xd1),
  vmrun: shortForm(Operation.vmrun, 0x0f, 0x01, 0xd8),
  vmload: shortForm(Operation.vmload, 0x0f, 0x01, 0xda),
  vmsave: shortForm(Operation.vmsave, 0x0f, 0x01, 0xdb),
  stgi: shortForm(Operation.stgi, 0x0f, 0x01, 0xdc),
  clgi: shortForm(Operation.clgi, 0x0f, 0x01, 0xdd),
  skinit: shortForm(Operation.skinit, 0x0f, 0x01, 0xde),
  invlpga: shortForm(Operation.invlpga, 0x0f, 0x01, 0xdf),
  rsm: shortForm(Operation.rsm, 0x0f, 0xaa),
  iret: shortForm(Operation.iret, 0xcf),
  pushf: shortForm(Operation.pushf, 0x9c),
  popf: shortForm(Operation.popf, 0x9d),
  int3: shortForm(Operation.int3, 0xcc),
  icebp: shortForm(Operation.icebp, 0xf1),
});

/** The length of `form` where `head`, the first bytes at RIP, starts with it; 0 where it does not. */
export function shortLength(head: u64, form: ShortForm): u8 {
  return (u32(head) & form.mask) === form.bytes ? form.length : 0;
}

/**
 * The length of the intercepted instruction `form` at the start of `code`, with any prefixes that it may bear; 0 where
 * another instruction stands there, or none. `scratch` is overwritten.
 */
export function interceptedLength(code: CodeBytes, mode: Mode, form: ShortForm, scratch: Instruction): u8 {
  if (code.length >= form.length && (load32(addressOf(code.bytes)) & form.mask) === form.bytes)
    return form.length;
  if (decode(code, mode, scratch) !== DecodeResult.ok || scratch.operation !== form.operation) return 0;
  return u8(scratch.length);
}
