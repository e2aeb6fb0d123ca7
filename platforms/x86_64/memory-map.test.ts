import test from "ava";
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { array, make } from "../../dsl/core/layout.ts";
import { BootInfo, RegionKind } from "../../kernel/boot.ts";
import { MemoryDescriptor, MemoryType } from "./efi/tables.ts";
import { bytesOfKind, isDescribed, readMemoryMap } from "./memory-map.ts";

const writeBack = 0xfn;
type Row = readonly [type: MemoryType, base: bigint, pages: bigint, attributes?: bigint];

function read(rows: readonly Row[]): BootInfo {
  const map = make(array(MemoryDescriptor, rows.length));
  rows.forEach(([type, base, pages, attributes], i) => {
    map[i].type = type;
    map[i].physicalStart = base;
    map[i].pages = pages;
    map[i].attributes = attributes ?? writeBack;
  });
  const boot = make(BootInfo);
  readMemoryMap(
    boot,
    addressOf(map),
    BigInt(rows.length * MemoryDescriptor.size),
    BigInt(MemoryDescriptor.size),
  );
  return boot;
}

const regions = (boot: BootInfo) =>
  Array.from({ length: boot.regionCount }, (_, i) => {
    const { base, bytes, kind } = boot.regions[i];
    return [base, base + bytes, RegionKind[kind]];
  });

test("the page at address 0 is never usable", (t) => {
  t.deepEqual(regions(read([[MemoryType.conventional, 0n, 16n]])), [
    [0n, 0x1000n, "reserved"],
    [0x1000n, 0x10000n, "usable"],
  ]);
});

test("neighbours of one kind become one region, whatever their firmware types and order", (t) => {
  const boot = read([
    [MemoryType.conventional, 0x200000n, 0x100n],
    [MemoryType.bootServicesData, 0x100000n, 0x80n],
    [MemoryType.bootServicesCode, 0x180000n, 0x80n],
  ]);
  t.deepEqual(regions(boot).slice(1), [[0x100000n, 0x300000n, "usable"]]);
});

test("loader memory is the hypervisor's, runtime, ACPI and reserved memory stay what they are", (t) => {
  const boot = read([
    [MemoryType.loaderCode, 0x100000n, 1n],
    [MemoryType.loaderData, 0x101000n, 1n],
    [MemoryType.runtimeServicesCode, 0x102000n, 1n],
    [MemoryType.runtimeServicesData, 0x103000n, 1n],
    [MemoryType.acpiReclaim, 0x104000n, 1n],
    [MemoryType.acpiNvs, 0x105000n, 1n],
    [MemoryType.mmio, 0x106000n, 1n],
    [MemoryType.unusable, 0x107000n, 1n],
    [99 as MemoryType, 0x108000n, 1n],
  ]);
  t.deepEqual(regions(boot).slice(1), [
    [0x100000n, 0x102000n, "hypervisor"],
    [0x102000n, 0x104000n, "runtime"],
    [0x104000n, 0x106000n, "acpi"],
    [0x106000n, 0x109000n, "reserved"],
  ]);
});

test("memory that cannot be cached write-back is not given away", (t) => {
  t.deepEqual(regions(read([[MemoryType.conventional, 0x100000n, 1n, 1n]])).slice(1), [
    [0x100000n, 0x101000n, "reserved"],
  ]);
});

test("where two descriptors overlap the stricter kind wins", (t) => {
  const boot = read([
    [MemoryType.conventional, 0x100000n, 0x10n],
    [MemoryType.runtimeServicesData, 0x104000n, 2n],
    [MemoryType.reserved, 0x105000n, 2n],
  ]);
  t.deepEqual(regions(boot).slice(1), [
    [0x100000n, 0x104000n, "usable"],
    [0x104000n, 0x105000n, "runtime"],
    [0x105000n, 0x107000n, "reserved"],
    [0x107000n, 0x110000n, "usable"],
  ]);
});

test("descriptors beyond the address space are ignored", (t) => {
  const boot = read([
    [MemoryType.conventional, 0x100000n, 1n],
    [MemoryType.conventional, 0xffff_ffff_ffff_f000n, 2n],
    [MemoryType.conventional, 0x200000n, 0xffff_ffff_ffffn],
  ]);
  t.deepEqual(regions(boot).slice(1), [[0x100000n, 0x101000n, "usable"]]);
});

test("a map with more regions than the table holds loses regions, never restrictions", (t) => {
  const rows: Row[] = Array.from({ length: 600 }, (_, i) => [
    i % 2 === 0 ? MemoryType.conventional : MemoryType.reserved,
    0x100000n + BigInt(i) * 4096n,
    1n,
  ]);
  const boot = read(rows);
  t.is(boot.regionCount, 256);
  for (const [base, end, kind] of regions(boot).slice(1)) {
    t.is(end as bigint, (base as bigint) + 4096n);
    t.is(kind, ((base as bigint) >> 12n) % 2n === 0n ? "usable" : "reserved");
  }
});

test("a stretch is described only where regions cover it without a gap", (t) => {
  const boot = read([
    [MemoryType.conventional, 0x100000n, 2n],
    [MemoryType.acpiReclaim, 0x102000n, 1n],
    [MemoryType.conventional, 0x104000n, 1n],
  ]);
  t.true(isDescribed(boot, 0x100ff0n, 0x2010n));
  t.false(isDescribed(boot, 0x102ff0n, 0x11n));
  t.false(isDescribed(boot, 0x103000n, 1n));
  t.false(isDescribed(boot, 0xffff_ffff_ffff_ff00n, 0x1000n));
  t.is(bytesOfKind(boot, RegionKind.usable), 0x3000n);
});
