/** Files on the EFI system partition that the image was loaded from. */
import { addressOf, viewOf } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct, type FixedArray, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { callFirmware } from "../../asm.ts";
import { firmware, protocolOf, takePages } from "./firmware.ts";
import { guid } from "./guid.ts";
import { FileProtocol, FileSystem, LoadedImage, status } from "./tables.ts";

const loadedImageGuid = guid("loadedImage", "5b1b31a1-9562-11d2-8e3f-00a0c969723b");
const fileSystemGuid = guid("fileSystem", "964e5b22-6459-11d2-8e39-00a0c969723b");

/** The end of a file, as SetPosition takes it (UEFI §13.5.11). */
const endOfFile = 0xffff_ffff_ffff_ffffn;
const openForReading = 1n;

/** What became of a file. */
export enum FileProblem {
  none = 0,
  /** The image did not come from a file system. */
  noVolume = 1,
  /** There is no such file. */
  notFound = 2,
  empty = 3,
  /** The firmware has no memory for it. */
  noMemory = 4,
  /** Reading failed, or ended before the file did. */
  unreadable = 5,
}

const Scratch = struct("FileScratch", { handle: u64, size: u64 });
export type FileScratch = ValueOf<typeof Scratch>;
const scratch = storage("fileScratch", Scratch);

/** A path in UTF-16 with backslashes and a NUL, in read-only memory. Build time only. */
export function firmwarePath(path: string): FixedArray<u16> {
  const name = path.replaceAll("/", "\\");
  const place = storage(`path.${path}`, array(u16, name.length + 1), { constant: true });
  for (let i = 0; i < name.length; i++) place[i] = name.charCodeAt(i);
  return place;
}

/** Opens the volume that the image was loaded from; the root directory's protocol, or 0. */
export function openVolume(): u64 {
  const image = protocolOf(firmware.imageHandle, loadedImageGuid);
  if (image === 0n) return 0n;
  const device = viewOf(LoadedImage, image).deviceHandle;
  if (device === 0n) return 0n;
  const fileSystem = protocolOf(device, fileSystemGuid);
  if (fileSystem === 0n) return 0n;
  scratch.handle = 0n;
  const result = callFirmware(viewOf(FileSystem, fileSystem).openVolume, fileSystem, addressOf(scratch));
  return result === status.success ? scratch.handle : 0n;
}

/** Reads a whole file into pages of its own. `address` and `bytes` are 0 unless `problem` is `none`. */
export function readFile(volume: u64, path: u64): { problem: u32; address: u64; bytes: u64 } {
  scratch.handle = 0n;
  const opened = callFirmware(
    viewOf(FileProtocol, volume).open,
    volume,
    addressOf(scratch),
    path,
    openForReading,
    0n,
  );
  if (opened !== status.success) return { problem: FileProblem.notFound, address: 0n, bytes: 0n };
  const handle = scratch.handle;
  const result = readOpened(handle);
  callFirmware(viewOf(FileProtocol, handle).close, handle);
  return result;
}

function readOpened(handle: u64): { problem: u32; address: u64; bytes: u64 } {
  const file = viewOf(FileProtocol, handle);
  const size = u64(addressOf(scratch) + sizeOffset);
  scratch.size = 0n;
  if (
    callFirmware(file.setPosition, handle, endOfFile) !== status.success ||
    callFirmware(file.getPosition, handle, size) !== status.success ||
    callFirmware(file.setPosition, handle, 0n) !== status.success
  ) {
    return { problem: FileProblem.unreadable, address: 0n, bytes: 0n };
  }
  const bytes = scratch.size;
  if (bytes === 0n) return { problem: FileProblem.empty, address: 0n, bytes: 0n };
  if (bytes > 0xffff_ffffn) return { problem: FileProblem.noMemory, address: 0n, bytes: 0n };
  const address = takePages(u64((bytes + 4095n) >> 12n));
  if (address === 0n) return { problem: FileProblem.noMemory, address: 0n, bytes: 0n };
  let done: u64 = 0n;
  while (done < bytes) {
    scratch.size = u64(bytes - done);
    const result = callFirmware(file.read, handle, size, u64(address + done));
    if (result !== status.success || scratch.size === 0n || scratch.size > u64(bytes - done)) {
      return { problem: FileProblem.unreadable, address: 0n, bytes: 0n };
    }
    done = u64(done + scratch.size);
  }
  return { problem: FileProblem.none, address, bytes };
}

const sizeOffset = 8n;
