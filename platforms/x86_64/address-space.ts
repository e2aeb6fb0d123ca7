/** Builds the host's address space while the firmware can still give memory for it. */
import { u64 } from "../../dsl/core/int.ts";
import { imageBase } from "../asm.ts";
import type { BootInfo } from "../../kernel/boot.ts";
import { maxIoApics, type HostAcpi } from "./acpi/host-acpi.ts";
import { exceptionStacks, exceptionStackTop, exceptionStackBytes, guardBytes, hostCpus } from "./cpu.ts";
import { givePages, takePages } from "./efi/firmware.ts";
import { hostSpace } from "./host-space.ts";
import { mapImage } from "./image-sections.ts";
import { fillPool, pageBytes } from "./page-pool.ts";
import { access, mapDevice, mapMemory, mapRange, openAddressSpace, type AddressSpace } from "./paging.ts";
import { hasGigabytePages, pagingLevels } from "./processor.ts";

/** Pages to begin with: enough for a machine whose memory map has few holes. */
const firstPoolPages = 32n;
const lastPoolPages = 4096n;

/** Builds it, with what `mapDevices` adds, and with as many pages as it turns out to need. False: the firmware has too little memory. */
export function buildHostSpace(
  boot: BootInfo,
  acpi: HostAcpi,
  mapDevices: (space: AddressSpace) => boolean,
): boolean {
  let pages: u64 = firstPoolPages;
  while (pages <= lastPoolPages) {
    const base = takePages(pages);
    if (base === 0n) return false;
    fillPool(hostSpace.pool, base, pages);
    if (fill(boot, acpi) && mapDevices(hostSpace)) return true;
    giveHostSpace();
    pages = u64(pages * 2n);
  }
  return false;
}

/** Gives its memory back, where the start is refused after all. */
export function giveHostSpace(): void {
  const end = hostSpace.pool.end;
  if (hostSpace.root !== 0n) givePages(hostSpace.root, u64((end - hostSpace.root) / pageBytes));
  hostSpace.root = 0n;
}

function fill(boot: BootInfo, acpi: HostAcpi): boolean {
  if (!openAddressSpace(hostSpace, pagingLevels(), hasGigabytePages())) return false;
  if (!mapMemory(hostSpace, boot) || !mapImage(hostSpace, imageBase())) return false;
  if (!mapDevice(hostSpace, acpi.localApic, pageBytes)) return false;
  for (let i = 0; i < maxIoApics; i++) {
    if (i >= acpi.ioApicCount) break;
    if (!mapDevice(hostSpace, acpi.ioApics[i].address, 32n)) return false;
  }
  for (let i = 0; i < hostCpus.capacity; i++) if (!guardStacks(hostCpus.stacksOf(i))) return false;
  return true;
}

function guardStacks(stacks: u64): boolean {
  const guard = BigInt(guardBytes);
  if (!mapRange(hostSpace, stacks, guard, access.none)) return false;
  for (let i = 1; i <= exceptionStacks; i++) {
    const top = exceptionStackTop(stacks, i);
    if (!mapRange(hostSpace, u64(top - BigInt(exceptionStackBytes) - guard), guard, access.none))
      return false;
  }
  return true;
}
