/**
 * Fetches the bytes of the instruction at a guest's RIP, across a page boundary where there is one, and decodes them.
 * A fetch that the guest's own tables refuse is the guest's page fault, since another CPU may have changed them after
 * the exit.
 */
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import { addressOf, load64, load8, store64, store8 } from "../../../dsl/core/intrinsics.ts";
import { resolve } from "../../../kernel/slots.ts";
import { decode } from "../decode/decode.ts";
import { DecodeResult } from "../decode/operation.ts";
import { codePageOf, rememberCode, rememberedCode } from "./code-page.ts";
import { decodedIndex } from "./decoded.ts";
import type { GuestState } from "./state.ts";
import { Access, WalkOutcome, walk } from "./walk.ts";

/** Longest instruction in bytes. */
const longest = 15n;

/** What a fetch came to. */
export enum FetchOutcome {
  /** The instruction is decoded. */
  ok = 0,
  /** #PF with `error` at `address`. */
  pageFault = 1,
  /** #GP(0). */
  generalProtection = 2,
  /** #UD. */
  undefined = 3,
  /** The instruction does not lie in memory; `address` is guest-physical. */
  notMemory = 4,
}

export interface Fetched {
  readonly outcome: u32;
  readonly address: u64;
  readonly error: u32;
}

/** Copies fewer than 16 bytes, in a bounded number of steps. */
function copyFew(to: u64, from: u64, bytes: u64): void {
  for (let i: u64 = 0n; i < 15n; i = u64(i + 1n)) {
    if (i < bytes) store8(u64(to + i), load8(u64(from + i)));
  }
}

/** Builds the fetch for a vendor's vCPU. */
export function fetcher<V>(state: GuestState<V>): (v: V) => Fetched {
  return (v: V): Fetched => {
    const slots = state.slots(v);
    const paging = state.paging(v);
    const start = u64(state.codeBase(v) + state.rip(v));
    const mode = state.mode(v);
    const decodedHere = state.chooseDecoded(v, decodedIndex(start));
    const { code, instruction } = decodedHere;
    const buffer = addressOf(code.bytes);
    if ((start & 0xfffn) <= 0xff0n) {
      const page = codePageOf(state.codePages(v), start);
      let at = rememberedCode(page, paging.cr3, start);
      if (at === 0n) at = rememberCode(page, slots, paging, start);
      if (at !== 0n) {
        const low = load64(at);
        const high = load64(u64(at + 8n));
        if (decodedHere.knownIn === mode + 1 && load64(buffer) === low && load64(u64(buffer + 8n)) === high)
          return { outcome: FetchOutcome.ok, address: 0n, error: 0 };
        store64(buffer, low);
        store64(u64(buffer + 8n), high);
        code.length = 15;
        decodedHere.knownIn = 0;
        const decoded = decode(code, mode, instruction);
        if (decoded === DecodeResult.ok) {
          decodedHere.knownIn = u8(mode + 1);
          return { outcome: FetchOutcome.ok, address: 0n, error: 0 };
        }
        if (decoded === DecodeResult.undefined)
          return { outcome: FetchOutcome.undefined, address: start, error: 0 };
        return { outcome: FetchOutcome.generalProtection, address: start, error: 0 };
      }
    }
    decodedHere.knownIn = 0;
    let have: u64 = 0n;
    // At most two pages hold 15 bytes; the second is looked at only where the instruction needs it.
    for (let part = 0; part < 2; part++) {
      const address = u64(start + have);
      const translated = walk(slots, paging, address, Access.fetch);
      if (translated.outcome === WalkOutcome.pageFault) {
        return { outcome: FetchOutcome.pageFault, address, error: translated.error };
      }
      if (translated.outcome === WalkOutcome.notCanonical) {
        return { outcome: FetchOutcome.generalProtection, address, error: 0 };
      }
      if (translated.outcome !== WalkOutcome.ok)
        return { outcome: FetchOutcome.notMemory, address: translated.gpa, error: 0 };
      const place = resolve(slots, translated.gpa);
      if (place.bytes === 0n) return { outcome: FetchOutcome.notMemory, address: translated.gpa, error: 0 };
      const inPage = u64(4096n - (address & 0xfffn));
      const run = place.bytes < inPage ? place.bytes : inPage;
      const room = u64(longest - have);
      const step = run < room ? run : room;
      if (have === 0n && run >= 16n) {
        store64(buffer, load64(place.hpa));
        store64(u64(buffer + 8n), load64(u64(place.hpa + 8n)));
      } else copyFew(u64(buffer + have), place.hpa, step);
      have = u64(have + step);
      code.length = u8(have);
      const decoded = decode(code, mode, instruction);
      if (decoded === DecodeResult.ok) return { outcome: FetchOutcome.ok, address: 0n, error: 0 };
      if (decoded === DecodeResult.undefined) return { outcome: FetchOutcome.undefined, address, error: 0 };
      if (decoded === DecodeResult.tooLong || have >= longest)
        return { outcome: FetchOutcome.generalProtection, address, error: 0 };
    }
    return { outcome: FetchOutcome.generalProtection, address: start, error: 0 };
  };
}
