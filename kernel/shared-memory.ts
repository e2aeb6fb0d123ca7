/**
 * Memory that guests share. It belongs to the image, is zero when the machine starts, and outlives the guests. Each
 * device that has it lays it over addresses of its guest that lead to no memory otherwise, as an extent that the guest
 * does not own; a doorbell is a pulse on a pin of a device of another guest.
 */
import { u16, u32, u64 } from "../dsl/core/int.ts";
import { struct, type FixedArray } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Board } from "../dsl/device/board.ts";
import type { SharedMemoryModel } from "../dsl/manifest/model.ts";
import type { PlacedInstance } from "./board.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "./domain.ts";
import { addExtent, addSlot, maxSlots, sharedOwner, SlotKind } from "./slots.ts";
import { virtualization } from "./virtualization.ts";

/** Largest pages of nested tables that are used for it. */
const largePage = 2 ** 21;
const smallPage = 2 ** 12;
/** Pages of one memory at most: 1 MiB of small ones, or 512 MiB of large ones. */
const mostPages = 256;

/** The memories of an image, and the ends of their wires. */
export interface SharedMemories {
  readonly board: Pick<Board, "sharedPosition" | "placeShared" | "removeShared" | "ringPeer">;
  /** Bytes of host memory for all of them, a multiple of 2 MiB. */
  readonly bytes: number;
  /** Gives them host memory at `hpa`, which is zero. */
  give(hpa: u64): void;
  /** Gives a domain that is being built the memories of its devices, none of which lies anywhere yet. */
  addTo(domain: Domain): void;
  /** A bell that was rung reaches its pin. */
  pulse(bell: u32): void;
}

/** Builds them; `queue` takes a bell's number until what rang it has finished. */
export function sharedMemories(
  models: readonly SharedMemoryModel[],
  instances: readonly PlacedInstance[],
  domains: FixedArray<Domain>,
  queue: (bell: u32) => void,
): SharedMemories {
  // The larger ones first, so that each lies at a multiple of its size.
  const sorted = [...models].sort((a, b) => b.sizeBytes - a.sizeBytes);
  let used = 0;
  let count = 0;
  const ends = sorted.flatMap(({ sizeBytes, peers }, memory) => {
    const offset = used;
    used += sizeBytes;
    return peers.map((peer, position) => {
      const owner = instances.find((p) => p.guest === peer.guest && p.instance.name === peer.device);
      const wire = owner?.instance.wires.find(({ kind }) => kind === "shared");
      const [bells] = owner?.instance.device.inputs ?? [];
      if (owner === undefined || wire === undefined || bells === undefined)
        throw new RangeError(`${peer.device} has no end for shared memory, or no pins for bells`);
      const wireNumber = owner.firstWire + wire.ordinal;
      return Object.freeze({
        /** Its bells have 32 numbers from 32 times this on. */
        number: count++,
        wire: wireNumber,
        memory,
        position,
        guest: peer.guest,
        state: owner.state,
        input: owner.instance.device.input as (self: object, pin: u16, level: boolean) => void,
        pin: bells.first,
        bells: bells.pins,
        bytes: BigInt(sizeBytes),
        offset: BigInt(offset),
        page: BigInt(sizeBytes >= largePage ? largePage : smallPage),
        first: BigInt(peer.window.gpa),
        last: BigInt(peer.window.gpa + peer.window.sizeBytes - sizeBytes),
        place: storage(`sharedMemory.${wireNumber}`, struct("SharedMemoryPlace", { slot: u32 })),
      });
    });
  });
  /** Each end with all that share its memory, itself among them. */
  const rings = ends.map(({ wire, memory }) =>
    Object.freeze({ wire, peers: Object.freeze(ends.filter((e) => e.memory === memory)) }),
  );
  const base = storage("sharedMemories", struct("SharedMemories", { hpa: u64 }));
  const bytes = Math.ceil(used / largePage) * largePage;
  type End = (typeof ends)[number];

  /** What lies at an end's addresses has changed. */
  const remap = (e: End, gpa: u64): void => {
    const domain = domains[e.guest];
    for (let i = 0; i < mostPages; i++) {
      const at = u64(BigInt(i) * e.page);
      if (at >= e.bytes) return;
      if (!virtualization.remapPage(domain, u64(gpa + at))) {
        stopDomain(domain, DomainState.crashed, StopReason.memoryAccess, 0n, gpa);
        return;
      }
    }
  };
  const remove = (e: End): void => {
    const slot = domains[e.guest].slots.slots[Math.min(e.place.slot, maxSlots - 1)];
    if (slot.kind !== SlotKind.shared) return;
    const gpa = slot.gpa;
    slot.kind = SlotKind.none;
    slot.bytes = 0n;
    slot.gpa = 0n;
    remap(e, gpa);
  };

  return Object.freeze({
    bytes,
    board: Object.freeze({
      sharedPosition(wire: u16): u16 {
        for (const e of ends) if (wire === e.wire) return e.position;
        return 0;
      },
      placeShared(wire: u16, gpa: u64): void {
        for (const e of ends) {
          if (wire === e.wire) {
            remove(e);
            if (gpa < e.first || gpa > e.last) return;
            const slot = domains[e.guest].slots.slots[Math.min(e.place.slot, maxSlots - 1)];
            slot.gpa = gpa;
            slot.bytes = e.bytes;
            slot.kind = SlotKind.shared;
            remap(e, gpa);
            return;
          }
        }
      },
      removeShared(wire: u16): void {
        for (const e of ends) if (wire === e.wire) remove(e);
      },
      ringPeer(wire: u16, peer: u16, bell: u16): boolean {
        for (const r of rings) {
          if (wire === r.wire) {
            for (const p of r.peers) {
              if (peer === p.position) {
                if (bell >= p.bells) return false;
                queue(u32(p.number * 32 + bell));
                return true;
              }
            }
          }
        }
        return false;
      },
    }),
    give(hpa: u64): void {
      base.hpa = hpa;
    },
    addTo(domain: Domain): void {
      for (const e of ends) {
        if (domain.index === e.guest) {
          const target = domain.slots.backedBytes;
          addExtent(domain.slots, sharedOwner, u64(base.hpa + e.offset), e.bytes);
          e.place.slot = domain.slots.slotCount;
          addSlot(domain.slots, SlotKind.none, 0, 0n, 0n, target);
        }
      }
    },
    pulse(bell: u32): void {
      for (const e of ends) {
        if (bell >>> 5 === e.number && domains[e.guest].state === DomainState.running) {
          const pin = u16(e.pin + (bell & 31));
          e.input(e.state, pin, true);
          e.input(e.state, pin, false);
        }
      }
    },
  });
}
