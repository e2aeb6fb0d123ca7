/**
 * The bootable disk image: a GUID partition table with one EFI system partition (FAT32), which holds the image at
 * `/EFI/BOOT/BOOTX64.EFI`, where every UEFI firmware looks on a disk that it does not know, and the payload files.
 *
 * Written without root and without a loop device: sfdisk writes the table, mtools the file system inside the same file.
 * The same inputs give the same bytes: identifiers derive from the content, every time is the same, the order is sorted.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputFailure } from "../failure.ts";
import { runTool } from "./tool.ts";

/** A file of the EFI system partition: its path there ("linux/vmlinuz"), and a file here or bytes to take it from. */
export interface PartitionFile {
  readonly path: string;
  readonly source: string | Uint8Array;
}

/** What a disk image is made of. */
export interface DiskImageOptions {
  /** The UEFI application that the firmware starts. */
  readonly efi: string | Uint8Array;
  /** More files of the partition. */
  readonly files?: readonly PartitionFile[];
  /** The image to write; an existing file is replaced at the end, whole. */
  readonly out: string;
  /** Seconds since 1970 that every file and folder is dated with; 2024-01-01 unless given. */
  readonly timeSeconds?: number;
}

/** What was written. */
export interface DiskImage {
  readonly sizeBytes: number;
  /** Where the EFI system partition begins. */
  readonly partitionOffsetBytes: number;
  readonly partitionSizeBytes: number;
}

/** Where the firmware looks for an application on a disk that it does not know (UEFI 2.10 §3.5.1.1). */
export const defaultBootPath = "EFI/BOOT/BOOTX64.EFI";

const sectorBytes = 512;
const partitionStartSector = 2048;
const trailingSectors = 2048;
// FAT32 needs 65,525 clusters; with one sector each this is a partition of 33 MiB and a little.
const minimumPartitionBytes = 36 << 20;
const largeClusterFromBytes = 300 << 20;
const efiSystemPartitionType = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const defaultTimeSeconds = 1_704_067_200;
const maximumFatFileBytes = 0xffff_ffff;

/**
 * Writes a bootable disk image.
 * @throws InputFailure when a file is missing, too large for FAT32, badly named or named twice
 * @throws MachineFailure when mtools or sfdisk is not installed
 */
export async function writeDiskImage(options: DiskImageOptions): Promise<DiskImage> {
  const timeSeconds = options.timeSeconds ?? defaultTimeSeconds;
  const files = sortedFiles([{ path: defaultBootPath, source: options.efi }, ...(options.files ?? [])]);
  const staging = await mkdtemp(`${options.out}.`);
  try {
    const staged = await stage(files, staging, timeSeconds);
    const layout = partitionLayout(staged.map((file) => file.sizeBytes));
    const identity = await contentIdentity(staged);
    const image = join(staging, basename(options.out));
    await writeFile(image, "");
    const handle = await open(image, "r+");
    await handle.truncate(layout.sizeBytes);
    await handle.close();
    await writeTable(image, layout, identity);
    await writeFileSystem(image, layout, identity, staged, timeSeconds);
    await rename(image, options.out);
    return layout;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** FAT32 ignores case, and a name is a file or a folder, not both. */
function refuseClashes(paths: readonly string[]): void {
  const names = new Map<string, string>();
  for (const path of paths) {
    for (const [name, what] of [
      ...parents(path).map((folder) => [folder, "folder"]),
      [path, "file"],
    ] as const) {
      const known = names.get(name.toLowerCase());
      if (known !== undefined && (what === "file" || known !== `folder ${name}`)) {
        throw new InputFailure(`the ${known} and the ${what} ${name} cannot both be on a FAT32 partition`);
      }
      names.set(name.toLowerCase(), `${what} ${name}`);
    }
  }
}

interface StagedFile {
  readonly path: string;
  readonly file: string;
  readonly sizeBytes: number;
}

function sortedFiles(files: readonly PartitionFile[]): PartitionFile[] {
  for (const { path } of files) {
    for (const part of path.split("/")) {
      if (
        part === "" ||
        part === "." ||
        part === ".." ||
        part.length > 255 ||
        /[<>:"|?*\\\p{Cc}]|[. ]$/u.test(part)
      ) {
        throw new InputFailure(`"${path}" cannot be the path of a file on a FAT32 partition`);
      }
    }
  }
  refuseClashes(files.map((file) => file.path));
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function stage(
  files: readonly PartitionFile[],
  folder: string,
  timeSeconds: number,
): Promise<StagedFile[]> {
  const staged: StagedFile[] = [];
  for (const [index, { path, source }] of files.entries()) {
    const file = join(folder, `file${index}`);
    if (typeof source === "string") await copySource(source, file, path);
    else await writeFile(file, source);
    const { size } = await stat(file);
    if (size > maximumFatFileBytes)
      throw new InputFailure(`"${path}" is too large for a FAT32 partition (${size} bytes)`);
    await utimes(file, timeSeconds, timeSeconds);
    staged.push({ path, file, sizeBytes: size });
  }
  return staged;
}

async function copySource(source: string, file: string, path: string): Promise<void> {
  try {
    await copyFile(source, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new InputFailure(`there is no file ${source} to put on the partition as "${path}"`);
  }
}

function partitionLayout(sizes: readonly number[]): DiskImage {
  const contentBytes = sizes.reduce((total, size) => total + Math.ceil(size / 4096) * 4096, 0);
  // Room for the allocation tables (two, 4 bytes per cluster), for folders, and for a few variables that firmware leaves.
  const wantedBytes = Math.max(minimumPartitionBytes, Math.ceil(contentBytes * 1.05) + (4 << 20));
  const partitionSizeBytes = Math.ceil(wantedBytes / (1 << 20)) * (1 << 20);
  const partitionOffsetBytes = partitionStartSector * sectorBytes;
  const sizeBytes = partitionOffsetBytes + partitionSizeBytes + trailingSectors * sectorBytes;
  return { sizeBytes, partitionOffsetBytes, partitionSizeBytes };
}

async function contentIdentity(files: readonly StagedFile[]): Promise<Buffer> {
  const hash = createHash("sha256");
  for (const { path, file, sizeBytes } of files) {
    hash.update(`${path}\0${sizeBytes}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest();
}

/** A version 8 (custom) UUID whose other bits are 122 of the given 128. */
function uuid(bytes: Buffer): string {
  const value = Buffer.from(bytes.subarray(0, 16));
  value[6] = (value[6] & 0x0f) | 0x80;
  value[8] = (value[8] & 0x3f) | 0x80;
  const hex = value.toString("hex").toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function writeTable(image: string, layout: DiskImage, identity: Buffer): Promise<void> {
  const sectors = layout.partitionSizeBytes / sectorBytes;
  const script = [
    "label: gpt",
    `label-id: ${uuid(identity)}`,
    "unit: sectors",
    `first-lba: ${partitionStartSector}`,
    "",
    `start=${partitionStartSector}, size=${sectors}, type=${efiSystemPartitionType}, ` +
      `uuid=${uuid(identity.subarray(16))}, name="EFI system partition"`,
    "",
  ].join("\n");
  const args = ["--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", image];
  await runTool("sfdisk", args, { package: "fdisk", input: script });
}

async function writeFileSystem(
  image: string,
  layout: DiskImage,
  identity: Buffer,
  files: readonly StagedFile[],
  timeSeconds: number,
): Promise<void> {
  const env = {
    SOURCE_DATE_EPOCH: String(timeSeconds),
    TZ: "UTC",
    LC_ALL: "C.UTF-8",
    MTOOLS_SKIP_CHECK: "1",
    // A user's own ~/.mtoolsrc must not reach the image.
    HOME: dirname(image),
  };
  const mtools = (program: string, ...args: readonly string[]): Promise<string> =>
    runTool(program, args, { package: "mtools", env });
  const drive = `${image}@@${layout.partitionOffsetBytes}`;
  const clusterSectors = layout.partitionSizeBytes >= largeClusterFromBytes ? 8 : 1;
  const serial = identity.readUInt32BE(0).toString(16).padStart(8, "0");
  await mtools(
    "mformat",
    ...[
      "-i",
      drive,
      "-F",
      "-c",
      String(clusterSectors),
      "-T",
      String(layout.partitionSizeBytes / sectorBytes),
    ],
    ...["-H", String(partitionStartSector), "-h", "255", "-s", "63", "-N", serial, "-v", "TYPEVISOR", "::"],
  );
  const folders = new Set(files.flatMap((file) => parents(file.path)));
  await mtools("mmd", "-i", drive, ...[...folders].sort().map((folder) => `::/${folder}`));
  for (const { path, file } of files) await mtools("mcopy", "-i", drive, "-m", file, `::/${path}`);
}

function parents(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
