/**
 * Overlay pages: pages of the hypervisor that a guest lays over its own memory. Each belongs to a domain as an extent of
 * it, and has a slot of a rank of its own that is nowhere, or over what lies below.
 */
import { u16, u32, u64 } from "../dsl/core/int.ts";
import { array, struct, type FixedArray } from "../dsl/core/layout.ts";
import { addressOf, store64 } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "./domain.ts";
import { addExtent, addSlot, maxSlots, SlotKind } from "./slots.ts";
import { virtualization } from "./virtualization.ts";

/** Bytes of a page. */
const pageBytes = 4096n;

/** The pages of all guests, by the wire of the device's end. */
export interface OverlayPages {
  /** Gives a domain its pages, none of which lies anywhere yet. */
  addTo(domain: Domain): void;
  /** Lays a page over the memory at `gpa`, aligned to 4 KiB. */
  place(wire: u16, gpa: u64): void;
  remove(wire: u16): void;
  /** Writes 8 bytes; `offset` is a multiple of 8 below 4096. */
  write(wire: u16, offset: u16, value: u64): void;
}

/** Builds the pages for the ends of wires that the devices declare. */
export function overlayPages(
  ends: readonly { readonly wire: number; readonly guest: number }[],
  domains: FixedArray<Domain>,
): OverlayPages {
  const Page = struct("OverlayStorage", { words: array(u64, 512) }, { align: 4096 });
  const places = ends.map((end, number) => {
    const placed = storage(`overlayPage.${number}`, struct("OverlayPlace", { slot: u32 }));
    return Object.freeze({
      ...end,
      rank: number + 1,
      page: storage(`overlay.${number}`, Page, { align: 4096 }),
      placed,
    });
  });

  /** What lies at an address has changed. */
  const remap = (domain: Domain, gpa: u64): void => {
    if (virtualization.remapPage(domain, gpa)) return;
    stopDomain(domain, DomainState.crashed, StopReason.memoryAccess, 0n, gpa);
  };
  const removeFrom = (domain: Domain, index: u32): void => {
    if (index >= maxSlots) return;
    const slot = domain.slots.slots[index];
    if (slot.kind !== SlotKind.overlay) return;
    const gpa = slot.gpa;
    // Nowhere: an edge of a slot, even of an empty one, cuts what lies below into pieces.
    slot.kind = SlotKind.none;
    slot.bytes = 0n;
    slot.gpa = 0n;
    remap(domain, gpa);
  };

  return Object.freeze({
    addTo(domain: Domain): void {
      for (const p of places) {
        if (domain.index === p.guest) {
          const target = domain.slots.backedBytes;
          addExtent(domain.slots, domain.index, addressOf(p.page), pageBytes);
          p.placed.slot = domain.slots.slotCount;
          addSlot(domain.slots, SlotKind.none, p.rank, 0n, 0n, target);
        }
      }
    },
    place(wire: u16, gpa: u64): void {
      for (const p of places) {
        if (wire === p.wire) {
          const domain = domains[p.guest];
          const index = p.placed.slot;
          removeFrom(domain, index);
          if (index >= maxSlots) return;
          const slot = domain.slots.slots[index];
          slot.gpa = gpa;
          slot.bytes = pageBytes;
          slot.kind = SlotKind.overlay;
          remap(domain, gpa);
          return;
        }
      }
    },
    remove(wire: u16): void {
      for (const p of places) {
        if (wire === p.wire) {
          removeFrom(domains[p.guest], p.placed.slot);
          return;
        }
      }
    },
    write(wire: u16, offset: u16, value: u64): void {
      for (const p of places) {
        if (wire === p.wire) {
          store64(u64(addressOf(p.page) + BigInt(offset & 0xff8)), value);
          return;
        }
      }
    },
  });
}
