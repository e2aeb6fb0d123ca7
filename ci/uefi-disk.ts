/** A disk from which UEFI firmware boots Debian's signed shim, that its signed GRUB, and that what GRUB's commands say. */
import { join } from "node:path";
import { writeDiskImage } from "../compiler/image/disk.ts";
import { unpackedPackage } from "./payloads.ts";

/** What is on the disk. */
export interface UefiDiskOptions {
  /** Files of the EFI system partition, by their names in its root folder. */
  readonly files: Readonly<Record<string, string>>;
  /** GRUB's commands, one a line; the root is the partition. */
  readonly commands: readonly string[];
}

/** Writes such a disk. */
export async function writeUefiDisk(out: string, { files, commands }: UefiDiskOptions): Promise<void> {
  const shim = await unpackedPackage("shim-signed");
  const grub = await unpackedPackage("grub-efi-amd64-signed");
  await writeDiskImage({
    out,
    efi: join(shim, "usr/lib/shim/shimx64.efi.signed"),
    files: [
      // Shim starts what lies beside it under this name; GRUB was built to read its commands from Debian's folder.
      {
        path: "EFI/BOOT/grubx64.efi",
        source: join(grub, "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"),
      },
      { path: "EFI/debian/grub.cfg", source: Buffer.from(`${commands.join("\n")}\n`) },
      ...Object.entries(files).map(([path, source]) => ({ path, source })),
    ],
  });
}
