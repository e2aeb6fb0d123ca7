/**
 * The firmware's memory map as the kernel reads it: sorted regions of typed memory that do not overlap. Where the
 * firmware contradicts itself, the kind that allows less wins; what does not fit the table is never given away.
 */
import { viewOf } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import { maxRegions, RegionKind, type BootInfo } from "../../kernel/boot.ts";
import { MemoryDescriptor, MemoryType } from "./efi/tables.ts";

/** EFI_MEMORY_WB: the region can be cached write-back, as ordinary memory can (UEFI §7.2.3). */
const writeBack = 8n;
/** More descriptors than any machine has. */
const maxDescriptors = 16_384;
/** Addresses end here: 52 bits (APM vol. 2 §5.1). */
const addressLimit = 1n << 52n;

/** What may be done with memory of a firmware type once the boot services have gone. */
function kindOf(type: u32, attributes: u64): u32 {
  switch (type) {
    case MemoryType.loaderCode:
    case MemoryType.loaderData:
      return RegionKind.hypervisor;
    case MemoryType.conventional:
    case MemoryType.bootServicesCode:
    case MemoryType.bootServicesData:
      return (attributes & writeBack) !== 0n ? RegionKind.usable : RegionKind.reserved;
    case MemoryType.runtimeServicesCode:
    case MemoryType.runtimeServicesData:
      return RegionKind.runtime;
    case MemoryType.acpiReclaim:
    case MemoryType.acpiNvs:
      return RegionKind.acpi;
    default:
      return RegionKind.reserved;
  }
}

/** Fills the regions from `bytes` of descriptors at an address, one every `stride` bytes. */
export function readMemoryMap(boot: BootInfo, address: u64, bytes: u64, stride: u64): void {
  boot.regionCount = 0;
  // Address 0 is null to all code here, so its page belongs to nobody.
  let from: u64 = 0n;
  for (let step = 0; step < 2 * maxDescriptors; step++) {
    let kind: u32 = from < 4096n ? RegionKind.reserved : 0;
    let next: u64 = from < 4096n ? 4096n : addressLimit;
    let at: u64 = 0n;
    for (let i = 0; i < maxDescriptors; i++) {
      if (u64(at + stride) > bytes) break;
      const descriptor = viewOf(MemoryDescriptor, u64(address + at));
      at = u64(at + stride);
      const start = descriptor.physicalStart;
      const pages = descriptor.pages;
      if (start >= addressLimit || pages >= addressLimit >> 12n) continue;
      const base = u64(start & ~0xfffn);
      const end = u64(base + (pages << 12n));
      if (base > from && base < next) next = base;
      if (end > from && end < next) next = end;
      if (base <= from && end > from)
        kind = u32(Math.max(kind, kindOf(descriptor.type, descriptor.attributes)));
    }
    if (next >= addressLimit) return;
    if (kind !== 0) appendRegion(boot, from, next, kind);
    from = next;
  }
}

/** Adds `[base, end)` behind all other regions, or to the last one. */
function appendRegion(boot: BootInfo, base: u64, end: u64, kind: u32): void {
  const count = boot.regionCount;
  if (count > 0 && count <= maxRegions) {
    const last = boot.regions[count - 1];
    if (last.kind === kind && u64(last.base + last.bytes) === base) {
      last.bytes = u64(end - last.base);
      return;
    }
  }
  if (count >= maxRegions) return;
  const region = boot.regions[count];
  region.base = base;
  region.bytes = u64(end - base);
  region.kind = kind;
  boot.regionCount = count + 1;
}

/** Whether `bytes` bytes at an address lie in memory that the map describes, of whatever kind. */
export function isDescribed(boot: BootInfo, address: u64, bytes: u64): boolean {
  if (address >= addressLimit || bytes >= addressLimit) return false;
  let from: u64 = address;
  const end = u64(address + bytes);
  for (let i = 0; i < maxRegions; i++) {
    if (i >= boot.regionCount || from >= end) break;
    const region = boot.regions[i];
    const regionEnd = u64(region.base + region.bytes);
    if (region.base <= from && from < regionEnd) from = regionEnd;
  }
  return from >= end;
}

/** Bytes of all regions of a kind. */
export function bytesOfKind(boot: BootInfo, kind: u32): u64 {
  let sum: u64 = 0n;
  for (let i = 0; i < maxRegions; i++) {
    if (i >= boot.regionCount) break;
    const region = boot.regions[i];
    if (region.kind === kind) sum = u64(sum + region.bytes);
  }
  return sum;
}
