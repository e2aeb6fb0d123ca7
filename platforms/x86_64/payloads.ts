/** A guest's kernel and initramfs as the host side finds them: sealed in the image, or on the EFI system partition. */
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import type { FixedArray } from "../../dsl/core/layout.ts";
import { maxPayloads, type BootInfo } from "../../kernel/boot.ts";
import { imageBase } from "../asm.ts";
import { say } from "./console-text.ts";
import { FileProblem, firmwarePath, openVolume, readFile } from "./efi/files.ts";
import { givePages } from "./efi/firmware.ts";
import { beginRefusal, endRefusal } from "./refusal.ts";
import { sealedPayload } from "./sealed.ts";

/** What a manifest says of a payload. */
export interface HostPayload {
  readonly name: string;
  /** Its path on the EFI system partition; null where it is sealed in the image. */
  readonly espPath: string | null;
}

/** A payload as the compiled code sees it. */
export interface PlacedPayload {
  readonly index: number;
  readonly name: string;
  readonly path: FixedArray<number> | null;
  readonly espPath: string;
}

/** Lays the paths down as read-only storage. Build time only. */
export function placePayloads(payloads: readonly HostPayload[]): readonly PlacedPayload[] {
  if (payloads.length > maxPayloads)
    throw new RangeError(`${payloads.length} payloads; there is room for ${maxPayloads}`);
  return Object.freeze(
    payloads.map(({ name, espPath }, index): PlacedPayload => {
      const path = espPath === null ? null : firmwarePath(espPath);
      return Object.freeze({ index, name, path, espPath: espPath ?? "" });
    }),
  );
}

/** The payloads of one image: `load` finds them all, `give` gives memory back where the start is refused after all. */
export function payloadLoader(payloads: readonly PlacedPayload[]): {
  readonly load: (boot: BootInfo) => boolean;
  readonly give: (boot: BootInfo) => void;
  readonly sayName: (index: u64) => void;
} {
  const needsVolume = payloads.some(({ path }) => path !== null);

  /** False: one is missing, which has been said. */
  function load(boot: BootInfo): boolean {
    boot.payloadCount = payloads.length;
    const volume = needsVolume ? openVolume() : 0n;
    for (const payload of payloads) {
      const place = boot.payloads[payload.index];
      place.address = 0n;
      place.bytes = 0n;
      if (payload.path === null) {
        const sealed = sealedPayload(imageBase(), payload.index);
        place.address = sealed.address;
        place.bytes = sealed.bytes;
      } else {
        let problem: u32 = FileProblem.noVolume;
        if (volume !== 0n) {
          const file = readFile(volume, addressOf(payload.path));
          place.address = file.address;
          place.bytes = file.bytes;
          problem = file.problem;
        }
        if (problem !== FileProblem.none) {
          beginRefusal();
          say("payload ");
          say(payload.name);
          say(", the file ");
          say(payload.espPath);
          say(" on the EFI system partition, ");
          sayFileProblem(problem);
          endRefusal();
          return false;
        }
      }
    }
    return true;
  }

  function give(boot: BootInfo): void {
    for (const payload of payloads) {
      const place = boot.payloads[payload.index];
      if (payload.path !== null && place.address !== 0n)
        givePages(place.address, u64((place.bytes + 0xfffn) >> 12n));
    }
  }

  function sayName(index: u64): void {
    for (const payload of payloads) {
      if (index === BigInt(payload.index)) say(payload.name);
    }
  }

  return { load, give, sayName };
}

function sayFileProblem(problem: u32): void {
  switch (problem) {
    case FileProblem.noVolume:
      say("cannot be reached: the image was not loaded from a file system");
      break;
    case FileProblem.notFound:
      say("is not there");
      break;
    case FileProblem.empty:
      say("is empty");
      break;
    case FileProblem.noMemory:
      say("does not fit into memory");
      break;
    default:
      say("cannot be read to its end");
      break;
  }
}
