/** The firmware's memory map, and the end of the firmware's boot services (UEFI §7.2.3, §7.4.6). */
import { addressOf } from "../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { callFirmware } from "../../asm.ts";
import { bootServices, firmware, givePages, takePagesUntilExit } from "./firmware.ts";
import { status } from "./tables.ts";

const FirmwareMap = struct("FirmwareMap", {
  /** In and out of GetMemoryMap: room, then what the map takes. */
  bytes: u64,
  key: u64,
  stride: u64,
  version: u64,
  buffer: u64,
  /** Room in the buffer. */
  room: u64,
});
export type FirmwareMap = ValueOf<typeof FirmwareMap>;
/** The map as it was read last. */
export const firmwareMap = storage("firmwareMap", FirmwareMap);

/** Room for descriptors that appear between two readings: the last ones must not need new memory. */
const slackBytes = 8192n;
/** Attempts before the firmware is taken to be broken. */
const attempts = 8;

function callGetMemoryMap(): u64 {
  const map = addressOf(firmwareMap);
  firmwareMap.bytes = firmwareMap.room;
  return callFirmware(
    bootServices().getMemoryMap,
    map,
    firmwareMap.buffer,
    u64(map + 8n),
    u64(map + 16n),
    u64(map + 24n),
  );
}

/** Reads the map into `firmwareMap`. False: the firmware does not give it, or has no memory for it. */
export function readFirmwareMap(): boolean {
  for (let i = 0; i < attempts; i++) {
    const result = callGetMemoryMap();
    if (result === status.success) return true;
    if (result !== status.bufferTooSmall) return false;
    if (firmwareMap.room !== 0n) givePages(firmwareMap.buffer, firmwareMap.room >> 12n);
    const room = u64((firmwareMap.bytes + slackBytes + 0xfffn) & ~0xfffn);
    firmwareMap.buffer = takePagesUntilExit(room >> 12n);
    firmwareMap.room = room;
    if (firmwareMap.buffer === 0n) {
      firmwareMap.room = 0n;
      return false;
    }
  }
  return false;
}

/** Ends the boot services. `firmwareMap` then holds the final map. False: the firmware refuses for good. */
export function exitBootServices(): boolean {
  if (!readFirmwareMap()) return false;
  for (let i = 0; i < attempts; i++) {
    const result = callFirmware(bootServices().exitBootServices, firmware.imageHandle, firmwareMap.key);
    if (result === status.success) return true;
    // The map has changed since it was read. From here on only the map may be asked for.
    if (callGetMemoryMap() !== status.success) return false;
  }
  return false;
}

/** Gives the map's memory back, where the start is refused. */
export function giveFirmwareMap(): void {
  if (firmwareMap.room !== 0n) givePages(firmwareMap.buffer, firmwareMap.room >> 12n);
  firmwareMap.room = 0n;
}
