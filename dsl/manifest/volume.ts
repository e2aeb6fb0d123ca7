/** Volumes: what a device (or the hypervisor itself) has of the machine's disks. */
import { ManifestError, placeOf } from "./error.ts";
import type { VolumeModel } from "./model.ts";
import { payload, type PayloadDeclaration, type PayloadPath } from "./payload.ts";

/** A volume, declared. */
export interface VolumeDeclaration {
  readonly kind: "volume";
  /** What errors call it: `partition "data"`. */
  readonly what: string;
  readonly readOnly: boolean;
  /** A partition's name, or a file. */
  readonly source: string | PayloadDeclaration;
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
  const what = `partition "${name}"`;
  const place = placeOf(what);
  if (name.length === 0 || name.length > longestName || /\p{Cc}/u.test(name)) {
    throw new ManifestError(
      "TV5127",
      `"${name}" is no name of a partition: those have 1 to ${longestName} characters, none of which is a control character`,
      [place],
    );
  }
  return Object.freeze({ kind: "volume", what, readOnly, source: name, place });
}

/**
 * A file on the EFI system partition, read into memory when the machine starts; a path as `payload` takes it. What is
 * written to it stays in memory until the machine is switched off: the file is as it was.
 */
export function espFile<const Path extends string>(
  path: PayloadPath<Path> & string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): VolumeDeclaration {
  const what = `file "${path}"`;
  const source = payload(path as never, { placement: "esp" });
  return Object.freeze({ kind: "volume", what, readOnly, source, place: placeOf(what) });
}

/** Numbers the volumes of an image; `payloadIndex` numbers their files. Throws TV5126 where two are one. */
export function resolveVolumes(
  volumes: readonly VolumeDeclaration[],
  payloadIndex: (file: PayloadDeclaration) => number,
): readonly VolumeModel[] {
  volumes.forEach(({ what, place }, i) => {
    const earlier = volumes.slice(0, i).find((v) => v.what === what);
    if (earlier === undefined) return;
    throw new ManifestError("TV5126", `${what} is used twice, and can have one user only`, [
      place,
      earlier.place,
    ]);
  });
  return Object.freeze(
    volumes.map(({ readOnly, source }): VolumeModel =>
      Object.freeze(
        typeof source === "string"
          ? { kind: "partition", name: source, readOnly }
          : { kind: "file", name: source.name, payload: payloadIndex(source), readOnly },
      ),
    ),
  );
}
