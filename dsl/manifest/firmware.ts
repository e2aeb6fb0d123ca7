/** What firmware is told of its machine, as the files and keys of fw_cfg (QEMU, docs/specs/fw_cfg.rst). */
import { littleEndian } from "../acpi/aml.ts";
import type { AcpiInput } from "../acpi/input.ts";
import { linkedNames, linkedTables } from "../acpi/linker.ts";
import { e820Types, type E820Entry } from "./model.ts";

/** A file that firmware finds by its name. */
export interface FirmwareFile {
  /** At most 55 characters. */
  readonly name: string;
  readonly bytes: readonly number[];
}

/** What is known of a guest once all of its devices are. */
export interface FirmwareFacts {
  readonly vcpus: number;
  readonly files: readonly FirmwareFile[];
}

/** The facts of a guest. The map names RAM only: firmware knows the rest of a q35 (QEMU, hw/i386/fw_cfg.c). */
export function firmwareFacts(input: AcpiInput, e820: readonly E820Entry[]): FirmwareFacts {
  const map = e820.flatMap(({ gpa, sizeBytes, type }) => [
    ...littleEndian(gpa, 8),
    ...littleEndian(sizeBytes, 8),
    ...littleEndian(e820Types[type], 4),
  ]);
  const acpi = linkedTables(input);
  const file = (name: string, bytes: readonly number[]): FirmwareFile =>
    Object.freeze({ name, bytes: Object.freeze([...bytes]) });
  return Object.freeze({
    vcpus: input.vcpus.length,
    files: Object.freeze([
      file("etc/e820", map),
      file(linkedNames.tables, acpi.tables),
      file(linkedNames.rootPointer, acpi.rootPointer),
      file(linkedNames.script, acpi.script),
    ]),
  });
}
