/** The firmware as the image was given it: handle, system table, boot services. Valid until ExitBootServices. */
import { addressOf, trap, viewOf } from "../../../dsl/core/intrinsics.ts";
import { type u32, u64 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { callFirmware } from "../../asm.ts";
import type { Guid } from "./guid.ts";
import { BootServices, MemoryType, status, SystemTable } from "./tables.ts";

const Firmware = struct("Firmware", {
  imageHandle: u64,
  systemTable: u64,
  bootServices: u64,
  /** Where calls put what they return. */
  answer: u64,
});
export type Firmware = ValueOf<typeof Firmware>;
/** The one firmware. */
export const firmware = storage("firmware", Firmware);

/** Remembers what `efi_main` was called with, and stops the watchdog, which would end a slow start (UEFI §7.5). */
export function openFirmware(imageHandle: u64, systemTable: u64): void {
  firmware.imageHandle = imageHandle;
  firmware.systemTable = systemTable;
  firmware.bootServices = viewOf(SystemTable, systemTable).bootServices;
  callFirmware(bootServices().setWatchdogTimer, 0n, 0n, 0n, 0n);
}

/** The boot services' table. */
export function bootServices(): BootServices {
  return viewOf(BootServices, firmware.bootServices);
}

/** A protocol's interface on a handle, or 0 where the handle has none. */
export function protocolOf(handle: u64, protocol: Guid): u64 {
  firmware.answer = 0n;
  const result = callFirmware(
    bootServices().handleProtocol,
    handle,
    addressOf(protocol),
    u64(addressOf(firmware) + answerOffset),
  );
  return result === status.success ? firmware.answer : 0n;
}

/** Takes pages as loader data, which this image keeps for good; 0 where there is not enough memory. */
export function takePages(pages: u64): u64 {
  return allocate(0n, MemoryType.loaderData, pages, 0n);
}

/** Takes pages that are free again once the boot services have gone; 0 where there is not enough memory. */
export function takePagesUntilExit(pages: u64): u64 {
  return allocate(0n, MemoryType.bootServicesData, pages, 0n);
}

/** Takes loader-data pages that end at or below an address; 0 where there are none. */
export function takePagesBelow(last: u64, pages: u64): u64 {
  return allocate(1n, MemoryType.loaderData, pages, last);
}

/** Gives back pages of `takePages`. */
export function givePages(address: u64, pages: u64): void {
  callFirmware(bootServices().freePages, address, pages);
}

/** Gives the machine back to the firmware with a status: Exit (UEFI §7.4.5). */
export function exitToFirmware(result: u64): never {
  callFirmware(bootServices().exit, firmware.imageHandle, result, 0n, 0n);
  trap("the firmware's Exit came back");
}

const answerOffset = 24n;

/** AllocatePages (UEFI §7.2.1); `how` is 0 for anywhere, 1 for at or below `place`. */
function allocate(how: u64, type: u32, pages: u64, place: u64): u64 {
  firmware.answer = place;
  const result = callFirmware(
    bootServices().allocatePages,
    how,
    BigInt(type),
    pages,
    u64(addressOf(firmware) + answerOffset),
  );
  return result === status.success ? firmware.answer : 0n;
}
