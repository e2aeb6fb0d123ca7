/** Where a guest's PCI functions and what lies behind their base addresses go: as firmware would have put them. */
import { ManifestError, placeOf } from "./error.ts";
import { deviceHoleGpa, pciWindowEnd } from "./memory.ts";

/** The place of one function of bus 0. */
export interface PciPlace {
  /** Its window in PCI configuration space. */
  readonly configuration: number;
  /** Guest-physical addresses, one for each size that was asked for. */
  readonly bars: readonly number[];
}

/** Gives places away, one after the other. */
export interface PciPlaces {
  /** A place for a function with base addresses of these sizes in bytes, powers of two. Throws ManifestError where none is left. */
  next(name: string, barBytes: readonly number[]): PciPlace;
}

/** Device numbers between the host bridge's and those of the ICH9. */
const first = 1;
const last = 0x18;
/** Behind PCIEXBAR's usual place. */
const windowGpa = deviceHoleGpa + 256 * 2 ** 20;

/** The places of one guest, which is declared at `guestPlace`. */
export function pciPlaces(guest: string, guestPlace: Error): PciPlaces {
  let device = first;
  let gpa = windowGpa;
  return {
    next(name, barBytes) {
      const place = placeOf(`device "${name}"`);
      if (device > last) {
        throw new ManifestError(
          "TV5125",
          `guest "${guest}" has more than ${last - first + 1} PCI devices, and "${name}" has no place on its bus`,
          [place, guestPlace],
        );
      }
      const bars = barBytes.map((bytes) => {
        const start = Math.ceil(gpa / bytes) * bytes;
        gpa = start + bytes;
        return start;
      });
      if (gpa > pciWindowEnd) {
        throw new ManifestError(
          "TV5114",
          `guest "${guest}" has no addresses left for the PCI device "${name}" below 0x${pciWindowEnd.toString(16)}`,
          [place, guestPlace],
        );
      }
      const configuration = device * 0x8000;
      device++;
      return Object.freeze({ configuration, bars: Object.freeze(bars) });
    },
  };
}
