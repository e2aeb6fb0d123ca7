/** Memory that devices of several guests have: what a manifest says, and what it comes to. */
import { ManifestError, placeOf } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import type { GuestModel, SharedMemoryModel, SharedMemoryPeerModel } from "./model.ts";
import { checkName, type Identifier } from "./names.ts";
import type { Bytes } from "./units.ts";

/** Shared memory, declared. */
export interface SharedMemoryDeclaration {
  readonly kind: "shared-memory";
  readonly name: string;
  readonly sizeBytes: number;
  readonly place: Error;
}

/** Of a size. */
const limits = Object.freeze({ least: 2 ** 12, most: 2 ** 28 });
/** Ends that a guest has at most: each takes a slot and an extent of its memory. */
const mostOfGuest = 4;

/**
 * Declares memory of the image that guests have by devices such as `ivshmem`. It is zero when the machine starts, and
 * stays when a guest starts again. Throws ManifestError for a name or a size that cannot be.
 */
export function sharedMemory<const Name extends string>(options: {
  /** Unique in the image. */
  readonly name: Identifier<Name> & string;
  /** A power of two from 4 KiB to 256 MiB. */
  readonly size: Bytes;
}): SharedMemoryDeclaration {
  const name: string = options.name;
  const size: number = options.size;
  const place = placeOf(`shared memory "${name}"`);
  checkName("a shared memory", name, place);
  if (!Number.isInteger(Math.log2(size)) || size < limits.least || size > limits.most)
    throw new ManifestError(
      "TV5121",
      `shared memory "${name}" has ${size} bytes, and must have a power of two from 4 KiB to 256 MiB`,
      [place],
    );
  return Object.freeze({ kind: "shared-memory", name, sizeBytes: size, place });
}

/** Brings those together that have one memory, in the order of the guests and of their devices. Throws ManifestError. */
export function resolveSharedMemories(
  declared: readonly GuestDeclaration[],
  guests: readonly GuestModel[],
): readonly SharedMemoryModel[] {
  const memories = new Map<SharedMemoryDeclaration, SharedMemoryPeerModel[]>();
  declared.forEach((guest, index) => {
    const ends = guest.devices.flatMap((device) =>
      device.parts.flatMap((part) =>
        part.part === "shared-memory" ? [{ device, memory: part.memory }] : [],
      ),
    );
    if (ends.length > mostOfGuest)
      throw new ManifestError(
        "TV5141",
        `guest "${guest.name}" has ${ends.length} devices with shared memory, and may have ${mostOfGuest}`,
        [ends[mostOfGuest]!.device.place, guest.place],
      );
    for (const { device, memory } of ends) {
      const other = [...memories.keys()].find((m) => m !== memory && m.name === memory.name);
      if (other !== undefined)
        throw new ManifestError("TV5140", `two shared memories have the name "${memory.name}"`, [
          memory.place,
          other.place,
        ]);
      const peers = memories.get(memory) ?? [];
      memories.set(memory, peers);
      const window = guests[index]!.chipset.pciWindow;
      peers.push(Object.freeze({ guest: index, device: device.name, window }));
    }
  });
  return Object.freeze(
    [...memories].map(([{ name, sizeBytes }, peers]) =>
      Object.freeze({ name, sizeBytes, peers: Object.freeze(peers) }),
    ),
  );
}
