/** The firmware's tables and protocols, as far as a start needs them: layouts of the UEFI specification 2.10. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { at, struct, type ValueOf } from "../../../dsl/core/layout.ts";

/** EFI_SYSTEM_TABLE (§4.3). */
export const SystemTable = struct("EfiSystemTable", {
  consoleOut: at(64, u64),
  runtimeServices: at(88, u64),
  bootServices: at(96, u64),
  tableCount: at(104, u64),
  configurationTables: at(112, u64),
});
export type SystemTable = ValueOf<typeof SystemTable>;

/** EFI_BOOT_SERVICES (§4.4). */
export const BootServices = struct("EfiBootServices", {
  allocatePages: at(40, u64),
  freePages: at(48, u64),
  getMemoryMap: at(56, u64),
  handleProtocol: at(152, u64),
  exit: at(216, u64),
  exitBootServices: at(232, u64),
  setWatchdogTimer: at(256, u64),
});
export type BootServices = ValueOf<typeof BootServices>;

/** EFI_CONFIGURATION_TABLE (§4.6); the GUID as two little-endian words. */
export const ConfigurationTable = struct("EfiConfigurationTable", {
  guidLow: u64,
  guidHigh: u64,
  table: u64,
});
export type ConfigurationTable = ValueOf<typeof ConfigurationTable>;

/** EFI_LOADED_IMAGE_PROTOCOL (§9.1.1). */
export const LoadedImage = struct("EfiLoadedImage", {
  deviceHandle: at(24, u64),
  imageBase: at(64, u64),
  imageSize: at(72, u64),
});
export type LoadedImage = ValueOf<typeof LoadedImage>;

/** EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL (§12.4). */
export const TextOutput = struct("EfiTextOutput", { outputString: at(8, u64) });
export type TextOutput = ValueOf<typeof TextOutput>;

/** EFI_SIMPLE_FILE_SYSTEM_PROTOCOL (§13.4). */
export const FileSystem = struct("EfiFileSystem", { openVolume: at(8, u64) });
export type FileSystem = ValueOf<typeof FileSystem>;

/** EFI_FILE_PROTOCOL (§13.5). */
export const FileProtocol = struct("EfiFile", {
  open: at(8, u64),
  close: at(16, u64),
  read: at(32, u64),
  getPosition: at(48, u64),
  setPosition: at(56, u64),
});
export type FileProtocol = ValueOf<typeof FileProtocol>;

/** EFI_MEMORY_DESCRIPTOR (§7.2.3); descriptors lie at a stride that the firmware tells. */
export const MemoryDescriptor = struct("EfiMemoryDescriptor", {
  type: at(0, u32),
  physicalStart: at(8, u64),
  pages: at(24, u64),
  attributes: at(32, u64),
});
export type MemoryDescriptor = ValueOf<typeof MemoryDescriptor>;

/** EFI_MEMORY_TYPE (§7.2.1). */
export enum MemoryType {
  reserved = 0,
  loaderCode = 1,
  loaderData = 2,
  bootServicesCode = 3,
  bootServicesData = 4,
  runtimeServicesCode = 5,
  runtimeServicesData = 6,
  conventional = 7,
  unusable = 8,
  acpiReclaim = 9,
  acpiNvs = 10,
  mmio = 11,
  mmioPorts = 12,
}

/** EFI_STATUS values (appendix D). */
export const status = Object.freeze({
  success: 0n,
  loadError: 0x8000_0000_0000_0001n,
  invalidParameter: 0x8000_0000_0000_0002n,
  unsupported: 0x8000_0000_0000_0003n,
  bufferTooSmall: 0x8000_0000_0000_0005n,
  outOfResources: 0x8000_0000_0000_0009n,
  notFound: 0x8000_0000_0000_000en,
} as const);
