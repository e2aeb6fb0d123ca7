/**
 * The flash of guests: a slot of their memory that they read, and whose other accesses reach the device. While the device
 * hides it nothing of it is mapped. What it holds is the guest's own memory, and outlasts its restarts.
 */
import { u64, type u16, type u32, type u8 } from "../dsl/core/int.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import { fillBytes, load8, store8 } from "../dsl/core/intrinsics.ts";
import type { Board } from "../dsl/device/board.ts";
import type { PlacedInstance } from "./board.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "./domain.ts";
import { findExtent, findSlot, SlotKind } from "./slots.ts";
import { virtualization } from "./virtualization.ts";

const pageBytes = 4096n;
/** Pages of one flash at most: 1 MiB. */
const mostPages = 256;

/** What the board asks for. */
export type FlashBoard = Pick<Board, "showFlash" | "flashByte" | "programFlash" | "eraseFlash">;

/** Builds the flash of all guests. Throws where a device has more of it, or other windows, than there can be. */
export function guestFlash(instances: readonly PlacedInstance[], domains: FixedArray<Domain>): FlashBoard {
  const chips = Object.freeze(
    instances.flatMap((owner) =>
      owner.instance.wires
        .filter(({ kind }) => kind === "flash")
        .map((end) => {
          const window = owner.instance.windows.find(({ space }) => space === "mmio");
          if (window === undefined || window.sizeBytes > mostPages * Number(pageBytes))
            throw new RangeError(`${owner.instance.name} has no window for its flash, or too large a one`);
          const wire = owner.firstWire + end.ordinal;
          return Object.freeze({ wire, guest: owner.guest, gpa: window.base, bytes: window.sizeBytes });
        }),
    ),
  );
  type Chip = (typeof chips)[number];

  /** Host address of a byte; 0 beyond the flash's end. */
  const placeOf = (c: Chip, offset: u32): u64 => {
    if (offset >= c.bytes) return 0n;
    const slots = domains[c.guest].slots;
    const slot = findSlot(slots, c.gpa).slot;
    if (slot === null) return 0n;
    return findExtent(slots, u64(slot.target + BigInt(offset))).hpa;
  };

  return Object.freeze({
    showFlash(wire: u16, there: boolean): void {
      for (const c of chips) {
        if (wire === c.wire) {
          const domain = domains[c.guest];
          const slot = findSlot(domain.slots, c.gpa).slot;
          const kind = there ? SlotKind.romDevice : SlotKind.hiddenRom;
          if (slot === null || slot.kind === kind) return;
          slot.kind = kind;
          for (let i = 0; i < mostPages; i++) {
            const at = u64(BigInt(i) * pageBytes);
            if (at >= BigInt(c.bytes)) return;
            if (!virtualization.remapPage(domain, u64(c.gpa + at))) {
              stopDomain(domain, DomainState.crashed, StopReason.memoryAccess, 0n, c.gpa);
              return;
            }
          }
          return;
        }
      }
    },
    flashByte(wire: u16, offset: u32): u8 {
      for (const c of chips) {
        if (wire === c.wire) {
          const place = placeOf(c, offset);
          return place === 0n ? 0xff : load8(place);
        }
      }
      return 0xff;
    },
    programFlash(wire: u16, offset: u32, value: u8): void {
      for (const c of chips) {
        if (wire === c.wire) {
          const place = placeOf(c, offset);
          if (place !== 0n) store8(place, value);
        }
      }
    },
    eraseFlash(wire: u16, offset: u32, bytes: u32): void {
      for (const c of chips) {
        if (wire === c.wire && offset <= c.bytes) {
          const slots = domains[c.guest].slots;
          const slot = findSlot(slots, c.gpa).slot;
          if (slot === null) return;
          const left = c.bytes - offset;
          const found = findExtent(slots, u64(slot.target + BigInt(offset)));
          const wanted = BigInt(bytes < left ? bytes : left);
          fillBytes(found.hpa, 0xff, wanted < found.bytes ? wanted : found.bytes);
        }
      }
    },
  });
}
