/**
 * Hypercalls (TLFS §3): the control word, the parameters by register or by page, and the result. All tables of a guest
 * share this convention. Parameters are copied into the device's state once, and only there they are looked at.
 *
 * In 64-bit mode the control word is in RCX, the input in RDX and the output in R8; elsewhere each is a pair of 32-bit
 * registers, EDX:EAX, EBX:ECX and EDI:ESI. The result comes back in RAX or EDX:EAX. A fast call has up to 16 bytes of
 * parameters in the registers themselves, and gets up to 16 bytes back in them.
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { load64, store64 } from "../../../dsl/core/intrinsics.ts";
import { isWritable, resolve } from "../../../kernel/slots.ts";
import type { DeclaredHypercall } from "../guest/interfaces.ts";
import { isLong64 } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** What a hypercall's result says in bits [15:0] (TLFS §3.8). */
export enum HypercallStatus {
  success = 0,
  invalidCode = 2,
  /** The control word has bits that the call has no use for, or the parameters do not fit the form. */
  invalidInput = 3,
  /** Parameters that are not aligned to 8 bytes, or that cross a page. */
  invalidAlignment = 4,
  /** A parameter's value; parameters that lie in no memory. */
  invalidParameter = 5,
}

/** Control word: fast call (TLFS §3.7). */
const fastBit = 1n << 16n;
/** Everything but the call code and the fast bit: variable header, nesting and repetition, which no call here has. */
const unusedBits = ~0x1_ffffn & 0xffff_ffff_ffff_ffffn;
const fastBytes = 16;

/** Whether parameters may lie at an address: aligned, and within a page. */
function isPlaced(gpa: u64, bytes: u64): boolean {
  return (gpa & 7n) === 0n && u64((gpa & 0xfffn) + bytes) <= 4096n;
}

/** Copies parameters, which are whole words in one piece. */
function copyWords(to: u64, from: u64, bytes: u64): void {
  for (let i = 0n; i < bytes; i += 8n) store64(u64(to + i), load64(u64(from + i)));
}

/** A pair of 32-bit registers as one value. */
function pair(high: u64, low: u64): u64 {
  return u64((high << 32n) | (low & 0xffff_ffffn));
}

/** Whether a caller has hypercalls: the guest's kernel, outside real mode (TLFS §3.6). Others get #UD. */
export function mayCall(v: SvmVcpu): boolean {
  return v.vmcb.cpl === 0 && (v.vmcb.cr0 & 1n) !== 0n;
}

/** Builds the dispatch of hypercalls, for callers that have them. */
export function hypercalls(declared: readonly DeclaredHypercall[]): (v: SvmVcpu) => void {
  const call = (v: SvmVcpu, c: DeclaredHypercall, fast: boolean, first: u64, second: u64): u32 => {
    const slots = v.core.domain!.slots;
    const inputBytes = BigInt(c.inputBytes);
    const outputBytes = BigInt(c.outputBytes);
    const input = c.input();
    const output = c.output();
    let to: u64 = 0n;
    if (fast) {
      if (c.inputBytes > fastBytes || c.outputBytes > fastBytes) return HypercallStatus.invalidInput;
      if (c.inputBytes > 0) store64(input, first);
      if (c.inputBytes > 8) store64(u64(input + 8n), second);
    } else {
      if (c.inputBytes > 0) {
        if (!isPlaced(first, inputBytes)) return HypercallStatus.invalidAlignment;
        const place = resolve(slots, first);
        if (place.bytes < inputBytes) return HypercallStatus.invalidParameter;
        copyWords(input, place.hpa, inputBytes);
      }
      if (c.outputBytes > 0) {
        if (!isPlaced(second, outputBytes)) return HypercallStatus.invalidAlignment;
        const place = resolve(slots, second);
        if (place.bytes < outputBytes || !isWritable(place.kind)) return HypercallStatus.invalidParameter;
        to = place.hpa;
      }
    }
    for (let i = 0n; i < outputBytes; i += 8n) store64(u64(output + i), 0n);
    const status = c.run();
    if (c.outputBytes > 0) {
      if (fast) putFast(v, output, c.outputBytes > 8);
      else copyWords(to, output, outputBytes);
    }
    return status;
  };

  const putFast = (v: SvmVcpu, output: u64, both: boolean): void => {
    const gpr = v.gpr;
    const low = load64(output);
    const high = both ? load64(u64(output + 8n)) : 0n;
    if (isLong64(v)) {
      gpr[2] = low;
      if (both) gpr[8] = high;
      return;
    }
    gpr[3] = u64(low >> 32n);
    gpr[1] = u64(low & 0xffff_ffffn);
    if (both) {
      gpr[7] = u64(high >> 32n);
      gpr[6] = u64(high & 0xffff_ffffn);
    }
  };

  const find = (v: SvmVcpu, control: u64, first: u64, second: u64): u32 => {
    if ((control & unusedBits) !== 0n) return HypercallStatus.invalidInput;
    const code = u32(control) & 0xffff;
    const fast = (control & fastBit) !== 0n;
    const vcpu = v.core.index;
    for (const c of declared) {
      if (code === c.code && vcpu >= c.first && vcpu <= c.last) return call(v, c, fast, first, second);
    }
    return HypercallStatus.invalidCode;
  };

  return (v: SvmVcpu): void => {
    const gpr = v.gpr;
    if (isLong64(v)) {
      gpr[0] = u64(find(v, gpr[1], gpr[2], gpr[8]));
      return;
    }
    const status = find(v, pair(gpr[2], gpr[0]), pair(gpr[3], gpr[1]), pair(gpr[7], gpr[6]));
    gpr[0] = u64(status);
    gpr[2] = 0n;
  };
}
