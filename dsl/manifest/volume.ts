/** Volumes: what a device (or the hypervisor itself) has of the machine's disks. */
import { ManifestError, placeOf } from "./error.ts";
import type { VolumeModel } from "./model.ts";

/** A volume, declared. */
export interface VolumeDeclaration {
  readonly kind: "volume";
  readonly model: VolumeModel;
  readonly place: Error;
}

/** UTF-16 units of a name in a GUID partition table (UEFI 2.10 §5.3.3). */
const longestName = 36;

export interface PartitionOptions {
  /** The partition's name in its disk's GUID partition table. */
  readonly name: string;
  /** Whoever has it cannot write to it; off by default. */
  readonly readOnly?: boolean;
}

/** A partition of one of the machine's NVMe or SATA disks, wherever it is found when the machine starts. */
export function partition({ name, readOnly = false }: PartitionOptions): VolumeDeclaration {
  const place = placeOf(`partition "${name}"`);
  if (name.length === 0 || name.length > longestName || /\p{Cc}/u.test(name)) {
    throw new ManifestError(
      "TV5127",
      `"${name}" is no name of a partition: those have 1 to ${longestName} characters, none of which is a control character`,
      [place],
    );
  }
  return Object.freeze({
    kind: "volume",
    model: Object.freeze({ kind: "partition", name, readOnly }),
    place,
  });
}

/** Numbers the volumes of an image. Throws TV5126 where two use one partition. */
export function resolveVolumes(volumes: readonly VolumeDeclaration[]): readonly VolumeModel[] {
  volumes.forEach(({ model, place }, i) => {
    const earlier = volumes.slice(0, i).find((v) => v.model.name === model.name);
    if (earlier === undefined) return;
    throw new ManifestError("TV5126", `partition "${model.name}" is used twice, and can have one user only`, [
      place,
      earlier.place,
    ]);
  });
  return Object.freeze(volumes.map(({ model }) => model));
}
