/**
 * What the software that looks into a guest (translation, instruction fetch, emulation) needs of a vendor's vCPU, as a
 * static binding: each vendor reads exactly the fields it is asked for.
 */
import type { u32, u64 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import type { SlotTable } from "../../../kernel/slots.ts";
import type { Segmentation } from "../decode/effective-address.ts";
import type { Mode } from "../decode/operation.ts";
import type { Plan } from "../decode/plan.ts";
import type { CodePages } from "./code-page.ts";
import type { Decoded } from "./decoded.ts";
import type { PagingState } from "./walk.ts";

/** Accessors of a vendor's vCPU type `V`. */
export interface GuestState<V> {
  /** Dense index of the vCPU. */
  index(v: V): u32;
  slots(v: V): SlotTable;
  paging(v: V): PagingState;
  rip(v: V): u64;
  rflags(v: V): u64;
  gpr(v: V): FixedArray<u64>;
  /** Base of the code segment as it is used now: 0 in 64-bit mode. */
  codeBase(v: V): u64;
  /** The code segment's size. */
  mode(v: V): Mode;
  /** Fills in and returns what addressing needs of the segment registers. */
  segmentation(v: V): Segmentation;
  /** The vCPU's remembered pages of code. */
  codePages(v: V): CodePages;
  /** The vCPU's last decoded instruction, with its bytes. */
  decoded(v: V): Decoded;
  /** Makes one of the kept instructions the last decoded one. */
  chooseDecoded(v: V, index: u32): Decoded;
  plan(v: V): Plan;
  /** Continues at `rip` with `rflags`: the instruction is complete, or a string operation goes on. */
  finish(v: V, rip: u64, rflags: u64): void;
}
