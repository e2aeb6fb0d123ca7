/** What devices do with volumes: requests over their guest's memory, which the kernel's loop passes to the disks. */
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import type { Board } from "../dsl/device/board.ts";
import { addPiece } from "./block.ts";
import type { BlockStore } from "./block-store.ts";
import type { Domain } from "./domain.ts";
import { eachPiece } from "./guest-memory.ts";

/** The part of the board that reaches volumes. */
export type VolumeBoard = Pick<Board, "volumeSectors" | "openRequest" | "addToRequest" | "submitRequest">;

/** A device's wire to its volume. */
export interface VolumeEnd {
  readonly wire: number;
  readonly volume: number | null;
}

/** Builds it over the domain whose device runs; `wake` makes the kernel's loop look at what was submitted. */
export function guestVolumes(
  ends: readonly VolumeEnd[],
  blocks: BlockStore | null,
  current: () => Domain,
  wake: () => void,
): VolumeBoard {
  const wired = Object.freeze(
    ends.flatMap(({ wire, volume }) => (volume === null ? [] : [Object.freeze({ wire, volume })])),
  );
  return Object.freeze({
    volumeSectors(wire: u16): u64 {
      if (blocks !== null) for (const e of wired) if (wire === e.wire) return blocks.sectors(e.volume);
      return 0n;
    },
    openRequest(wire: u16, slot: u8): boolean {
      if (blocks !== null)
        for (const e of wired) if (wire === e.wire) return blocks.open(e.volume, slot) !== null;
      return false;
    },
    addToRequest(wire: u16, slot: u8, gpa: u64, bytes: u32, writing: boolean): boolean {
      if (blocks !== null) {
        for (const e of wired) {
          if (wire === e.wire) {
            const request = blocks.request(e.volume, slot);
            return (
              request !== null && eachPiece(current().slots, gpa, u64(bytes), writing, addPiece, request)
            );
          }
        }
      }
      return false;
    },
    submitRequest(wire: u16, slot: u8, operation: u8, sector: u64, sectors: u32): void {
      if (blocks !== null) {
        for (const e of wired) {
          if (wire === e.wire) {
            const request = blocks.request(e.volume, slot);
            if (request !== null) {
              blocks.submit(e.volume, request, operation, sector, sectors);
              wake();
            }
          }
        }
      }
    },
  });
}
