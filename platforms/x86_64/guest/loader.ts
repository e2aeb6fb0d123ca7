/** How a guest is loaded and started: one interface for every kind of kernel, and what all of them share. */
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import { addressOf } from "../../../dsl/core/intrinsics.ts";
import { array } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { GuestModel, KernelLoaderModel } from "../../../dsl/manifest/model.ts";
import { BootProblem, maxPayloads, type BootInfo } from "../../../kernel/boot.ts";
import { copyToGuest, type SlotTable } from "../../../kernel/slots.ts";
import type { Loaded } from "../../../kernel/virtualization.ts";

/** The registers with which the first vCPU starts, beside flat 32-bit segments and the entry point. Build-time data. */
export interface StartState {
  /** The descriptor table with selectors 0x10 (code) and 0x18 (data). */
  readonly gdtGpa: u64;
  /** General registers that are not 0, by encoding. */
  readonly registers: readonly { readonly index: u32; readonly value: u64 }[];
  /** TR holds an active 32-bit TSS at 0 with limit 0x67; otherwise what RESET leaves. */
  readonly taskState: boolean;
}

/** The loader of one guest. */
export interface GuestLoader {
  /** Null: the state after RESET. */
  readonly start: StartState | null;
  /** Whether the payloads can be loaded. */
  check(boot: BootInfo): Loaded;
  /** Puts everything into the guest's memory, which is zero. */
  load(slots: SlotTable, boot: BootInfo): Loaded;
  /** Where a guest with a start state starts, after `load`: a physical address. */
  entry(): u64;
}

/** No problem. */
export function loaded(): Loaded {
  return { problem: BootProblem.none, detail: 0n };
}

/** Refuses a payload's index that the host side has no room for. Build time only. */
export function checkIndices(...payloads: readonly number[]): void {
  if (payloads.some((index) => index >= maxPayloads))
    throw new RangeError(`more than ${maxPayloads} payloads`);
}

/** The highest page below `top` from which `bytes` fit, and 0 where that is below `floor`. */
export function highPlace(top: u64, bytes: u64, floor: u64): u64 {
  if (bytes > top) return 0n;
  const place = u64(u64(top - bytes) & ~0xfffn);
  return place < floor ? 0n : place;
}

/** Lays down what a guest's memory holds whatever its payloads are. The result copies it; false where it does not fit. */
export function placedBytes(model: GuestModel, loader: KernelLoaderModel): (slots: SlotTable) => boolean {
  const pieces = [...model.acpi.tables, ...loader.placed];
  const bytes = pieces.flatMap((p) => p.bytes);
  const content = storage(`${model.name}.placed`, array(u8, bytes.length), { constant: true });
  bytes.forEach((byte, i) => {
    content[i] = byte;
  });
  const gpas = Object.freeze(pieces.map((p) => p.gpa));
  const sizes = Object.freeze(pieces.map((p) => p.bytes.length));
  const count = pieces.length;
  return (slots: SlotTable): boolean => {
    let from: u64 = addressOf(content);
    for (let i = 0; i < count; i++) {
      const size = BigInt(sizes[i]);
      if (!copyToGuest(slots, BigInt(gpas[i]), from, size)) return false;
      from = u64(from + size);
    }
    return true;
  };
}
