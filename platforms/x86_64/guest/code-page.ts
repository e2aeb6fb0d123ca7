/**
 * Where the page of a vCPU's code lies on the host, remembered together with the table entries that say so. A lookup
 * reads those entries again, so it is as exact as a walk and costs a tenth; nothing has to be told when a guest changes
 * its tables. Only the paging of long mode is
 * remembered; everything else is walked.
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct, type FixedArray, type ValueOf } from "../../../dsl/core/layout.ts";
import { load64 } from "../../../dsl/core/intrinsics.ts";
import { resolve, type SlotTable } from "../../../kernel/slots.ts";
import { Access, WalkOutcome, walk, type PagingState } from "./walk.ts";

/** Levels of the longest walk. */
const levels = 5;

/** One remembered page. */
export const CodePage = struct("CodePage", {
  /** The linear page with bit 0 set; 0: nothing is remembered. */
  page: u64,
  cr3: u64,
  /** First byte of the page on the host. */
  hpa: u64,
  /** Host addresses of the entries, and their values. A walk that ends early repeats its last entry. */
  entries: array(u64, levels),
  values: array(u64, levels),
});
export type CodePage = ValueOf<typeof CodePage>;

/** Pages that a vCPU remembers: a handler and what it interrupts lie in different ones. */
export const codePageCount = 8;
export const CodePages = array(CodePage, codePageCount);
export type CodePages = FixedArray<CodePage>;

/** The one that the page at a linear address is remembered in. */
export function codePageOf(pages: CodePages, linear: u64): CodePage {
  return pages[u32(linear >> 12n) & (codePageCount - 1)];
}

/** Forgets all; needed where host memory moves under the guest, and where paging is switched. */
export function forgetCode(pages: CodePages): void {
  for (let i = 0; i < codePageCount; i++) pages[i].page = 0n;
}

/** The host address of the byte at `linear`, or 0 where it is not remembered or no longer true. */
export function rememberedCode(code: CodePage, cr3: u64, linear: u64): u64 {
  if (code.page !== u64((linear & ~0xfffn) | 1n) || code.cr3 !== cr3) return 0n;
  for (let i = 0; i < levels; i++) if (load64(code.entries[i]) !== code.values[i]) return 0n;
  return u64(code.hpa + (linear & 0xfffn));
}

const present = 1n;
const pageSize = 0x80n;
const tableAddress = 0x000f_ffff_ffff_f000n;
const paging = 1n << 31n;
const longMode = 1n << 10n;
const fiveLevels = 1n << 12n;

/** Walks for a fetch at `linear` and remembers the way; the host address of the byte, or 0 where there is none or it cannot be remembered. */
export function rememberCode(code: CodePage, slots: SlotTable, state: PagingState, linear: u64): u64 {
  code.page = 0n;
  if ((state.cr0 & paging) === 0n || (state.efer & longMode) === 0n) return 0n;
  const walked = walk(slots, state, linear, Access.fetch);
  if (walked.outcome !== WalkOutcome.ok) return 0n;
  const place = resolve(slots, u64(walked.gpa & ~0xfffn));
  if (place.bytes < 4096n) return 0n;
  let table = u64(state.cr3 & tableAddress);
  let shift = (state.cr4 & fiveLevels) !== 0n ? 48 : 39;
  let ended = false;
  for (let i = 0; i < levels; i++) {
    if (!ended) {
      const at = resolve(slots, u64(table + (u64((linear >> BigInt(shift & 63)) & 511n) << 3n)));
      if (at.bytes < 8n) return 0n;
      const value = load64(at.hpa);
      if ((value & present) === 0n) return 0n;
      code.entries[i] = at.hpa;
      code.values[i] = value;
      table = u64(value & tableAddress);
      ended = shift === 12 || (shift <= 30 && (value & pageSize) !== 0n);
      shift = (shift - 9) & 63;
    } else {
      const last = Math.max(i - 1, 0);
      code.entries[i] = code.entries[last];
      code.values[i] = code.values[last];
    }
  }
  code.cr3 = state.cr3;
  code.hpa = place.hpa;
  code.page = u64((linear & ~0xfffn) | 1n);
  return u64(place.hpa + (linear & 0xfffn));
}
