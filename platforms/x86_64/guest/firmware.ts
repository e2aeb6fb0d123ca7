/**
 * Puts firmware where the processor starts: at the end of the first 4 GiB as ROM, and its end below 1 MiB as memory,
 * which is what a q35's shadow RAM is once its firmware has switched it on (Intel 316966 §5.1.19, PAM0).
 */
import { u64 } from "../../../dsl/core/int.ts";
import type { FirmwareLoaderModel } from "../../../dsl/manifest/model.ts";
import { BootProblem, type BootInfo } from "../../../kernel/boot.ts";
import { copyToGuest, readGuest, type SlotTable } from "../../../kernel/slots.ts";
import type { Loaded } from "../../../kernel/virtualization.ts";
import { checkIndices, loaded, type GuestLoader } from "./loader.ts";

/** In the header of the firmware volume that holds variables (UEFI Platform Initialization 1.7, vol. 3 §3.2.1). */
const volumeSignatureAt = 40n;

/** Builds the loader of a guest from its model. */
export function firmwareLoader(loader: FirmwareLoaderModel): GuestLoader {
  const index = loader.kernelPayload;
  const variablesIndex = loader.variablesPayload;
  checkIndices(index, variablesIndex ?? 0);
  const romEnd = BigInt(loader.romEndGpa);
  const shadowEnd = BigInt(loader.shadowEndGpa);
  const romBytes = BigInt(loader.romBytes);
  const shadowBytes = BigInt(loader.shadowBytes);
  const variableBytes = BigInt(loader.variableBytes);
  const codeBytes = u64(romBytes - variableBytes);
  const signature = u64(romEnd - romBytes + volumeSignatureAt);

  const check = (boot: BootInfo): Loaded => {
    const { bytes } = boot.payloads[index];
    if (bytes === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(index) };
    if (bytes > codeBytes) return { problem: BootProblem.payloadNotBootable, detail: BigInt(index) };
    if (variablesIndex !== null) {
      const variables = boot.payloads[variablesIndex].bytes;
      if (variables === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(variablesIndex) };
      if (variables !== variableBytes || bytes !== codeBytes)
        return { problem: BootProblem.payloadNotBootable, detail: BigInt(variablesIndex) };
    }
    return loaded();
  };

  return Object.freeze({
    start: null,
    check,
    load(slots: SlotTable, boot: BootInfo): Loaded {
      const checked = check(boot);
      if (checked.problem !== BootProblem.none) return checked;
      const { address, bytes } = boot.payloads[index];
      const seen = bytes < shadowBytes ? bytes : shadowBytes;
      // What the firmware has changed of them outlasts a restart, and memory that holds none yet is zero.
      if (variablesIndex !== null && readGuest(slots, signature, 4).value === 0n) {
        const variables = boot.payloads[variablesIndex];
        if (!copyToGuest(slots, u64(romEnd - romBytes), variables.address, variables.bytes))
          return { problem: BootProblem.noMemory, detail: variables.bytes };
      }
      const copied =
        copyToGuest(slots, u64(romEnd - bytes), address, bytes) &&
        copyToGuest(slots, u64(shadowEnd - seen), u64(address + u64(bytes - seen)), seen);
      return copied ? loaded() : { problem: BootProblem.noMemory, detail: bytes };
    },
    entry: (): u64 => 0n,
  });
}
