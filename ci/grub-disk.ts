/** A disk from which a BIOS boots GRUB, and GRUB a Linux: a master boot record, GRUB's image behind it, and a FAT partition. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Debian's grub-pc-bin has what grub-mkimage puts together. */
const grubFolder = "/usr/lib/grub/i386-pc";
const modules = ["biosdisk", "part_msdos", "fat", "echo", "linux", "boot"];

const sectorBytes = 512;
const partitionSector = 2048;
const partitionSectors = 40_960;
/** FAT16 with 32-bit sector addresses (the master boot record's partition types). */
const fatType = 0x0e;
/** In a master boot record: where the code ends, and the first partition's entry. */
const codeBytes = 440;
const firstEntry = 446;

export interface GrubDiskOptions {
  /** Files of the partition, by their names in its root folder. */
  readonly files: Readonly<Record<string, string>>;
  /** GRUB's commands, one a line; the root is the partition. */
  readonly commands: readonly string[];
}

/** Writes such a disk. */
export function writeGrubDisk(file: string, { files, commands }: GrubDiskOptions): void {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-grub-"));
  try {
    const early = join(folder, "early.cfg");
    writeFileSync(early, `${["set root=(hd0,msdos1)", ...commands].join("\n")}\n`);
    const core = join(folder, "core.img");
    const mkimage = ["--format=i386-pc", "--prefix=/grub", `--config=${early}`, `--output=${core}`];
    execFileSync("grub-mkimage", [...mkimage, ...modules]);
    const partition = join(folder, "partition");
    writeFileSync(partition, "");
    truncateSync(partition, partitionSectors * sectorBytes);
    const heads = 16;
    const track = 32;
    const geometry = ["-h", String(heads), "-s", String(track), "-T", String(partitionSectors)];
    execFileSync("mformat", ["-i", partition, ...geometry, "-H", String(partitionSector), "::"]);
    for (const [name, from] of Object.entries(files))
      execFileSync("mcopy", ["-i", partition, from, `::${name}`]);
    const disk = Buffer.alloc((partitionSector + partitionSectors) * sectorBytes);
    // GRUB's boot sector reads its image from the sector behind it.
    readFileSync(join(grubFolder, "boot.img")).copy(disk, 0, 0, codeBytes);
    disk.writeUInt8(0x80, firstEntry);
    disk.writeUInt8(fatType, firstEntry + 4);
    disk.writeUInt32LE(partitionSector, firstEntry + 8);
    disk.writeUInt32LE(partitionSectors, firstEntry + 12);
    disk.writeUInt16LE(0xaa55, 510);
    readFileSync(core).copy(disk, sectorBytes);
    readFileSync(partition).copy(disk, partitionSector * sectorBytes);
    writeFileSync(file, disk);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
