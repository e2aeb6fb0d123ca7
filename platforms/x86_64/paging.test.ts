import test from "ava";
import { load64, store16, store32, store64 } from "../../dsl/core/intrinsics.ts";
import { make } from "../../dsl/core/layout.ts";
import { allocate } from "../../dsl/core/memory.ts";
import { BootInfo, RegionKind } from "../../kernel/boot.ts";
import { mapImage } from "./image-sections.ts";
import { fillPool, givePage, PagePool, takePage } from "./page-pool.ts";
import {
  access,
  AddressSpace,
  countWritableExecutable,
  entryBits,
  lookUp,
  mapDevice,
  mapMemory,
  mapRange,
  openAddressSpace,
} from "./paging.ts";

const gib = 0x4000_0000n;
const mib = 0x10_0000n;

function space(options: { pages?: number; levels?: number; gigabytePages?: boolean } = {}): AddressSpace {
  const made = make(AddressSpace);
  const pages = options.pages ?? 64;
  const base = BigInt(allocate(pages * 4096, 4096));
  fillPool(made.pool, base, BigInt(pages));
  // Pages come dirty on the machine.
  for (let at = base; at < base + BigInt(pages) * 4096n; at += 8n) store64(at, 0xdead_beef_dead_beefn);
  openAddressSpace(made, options.levels ?? 4, options.gigabytePages ?? true);
  return made;
}

const rights = (s: AddressSpace, address: bigint) => {
  const { entry, level } = lookUp(s, address);
  const target = entry & 0x000f_ffff_ffff_f000n & ~((1n << BigInt(3 + 9 * level)) - 1n);
  if (entry === 0n) return "absent";
  const size = ["", "4K", "2M", "1G"][level];
  const text = `r${entry & entryBits.writable ? "w" : ""}${entry & entryBits.noExecute ? "" : "x"}${entry & entryBits.cacheDisable ? " uncached" : ""}`;
  return target === (address & ~((1n << BigInt(3 + 9 * level)) - 1n)) ? `${text} ${size}` : "elsewhere";
};

test("a mapping uses the largest pages that fit", (t) => {
  const s = space();
  t.true(mapRange(s, 0x1000n, 3n * gib, access.readWrite));
  t.is(rights(s, 0n), "absent");
  t.is(rights(s, 0x1000n), "rw 4K");
  t.is(rights(s, 2n * mib), "rw 2M");
  t.is(rights(s, gib), "rw 1G");
  t.is(rights(s, 2n * gib + 0x1234n), "rw 1G");
  t.is(rights(s, 3n * gib), "rw 4K");
  t.is(rights(s, 3n * gib + 0x1000n), "absent");
});

test("without 1 GiB pages the largest are 2 MiB", (t) => {
  const s = space({ gigabytePages: false });
  t.true(mapRange(s, 0n, gib, access.readWrite));
  t.is(rights(s, 0x1234_5678n), "rw 2M");
});

test("changing one page inside a large one leaves its neighbours as they were", (t) => {
  const s = space();
  t.true(mapRange(s, 0n, 4n * gib, access.readWrite));
  t.true(mapRange(s, gib + 0x5000n, 0x1000n, access.none));
  t.is(rights(s, gib + 0x4000n), "rw 4K");
  t.is(rights(s, gib + 0x5000n), "absent");
  t.is(rights(s, gib + 0x6000n), "rw 4K");
  t.is(rights(s, gib + 2n * mib), "rw 2M");
  t.is(rights(s, 2n * gib), "rw 1G");
});

test("a large mapping over small tables replaces all of it", (t) => {
  const s = space();
  t.true(mapRange(s, 0n, 0x3000n, access.readWrite));
  t.true(mapRange(s, 0n, gib, access.read));
  t.is(rights(s, 0x2000n), "r 4K");
  t.is(rights(s, 0x8000n), "r 4K");
  t.is(rights(s, 4n * mib), "r 2M");
});

test("with five levels the same mappings hold", (t) => {
  const s = space({ levels: 5 });
  t.true(mapRange(s, 0n, 2n * gib, access.readWrite));
  t.true(mapRange(s, 1n << 49n, gib, access.readWrite));
  t.is(rights(s, gib), "rw 1G");
  t.is(rights(s, 1n << 49n), "rw 1G");
  t.is(rights(s, 1n << 48n), "absent");
});

test("an empty pool is reported, not ignored", (t) => {
  const s = space({ pages: 3 });
  t.true(mapRange(s, 0n, gib, access.readWrite));
  t.false(mapRange(s, 0x1000n, 0x1000n, access.read));
});

test("devices are mapped uncached and never executable", (t) => {
  const s = space();
  t.true(mapDevice(s, 0xfee0_0020n, 0x10n));
  t.is(rights(s, 0xfee0_0000n), "rw uncached 4K");
  t.is(rights(s, 0xfee0_1000n), "absent");
});

test("all memory except what the firmware reserves is mapped, with large pages across kinds", (t) => {
  const boot = make(BootInfo);
  const rows = [
    [0n, 0x1000n, RegionKind.reserved],
    [0x1000n, 0x1000n, RegionKind.usable],
    [0x200000n, 0x100000n, RegionKind.usable],
    [0x300000n, 0x100000n, RegionKind.acpi],
    [0x400000n, 0x1000n, RegionKind.reserved],
    [4n * gib, gib, RegionKind.usable],
  ] as const;
  rows.forEach(([base, bytes, kind], i) => {
    boot.regions[i].base = base;
    boot.regions[i].bytes = bytes;
    boot.regions[i].kind = kind;
  });
  boot.regionCount = rows.length;
  const s = space();
  t.true(mapMemory(s, boot));
  t.is(rights(s, 0n), "absent");
  t.is(rights(s, 0x1000n), "rw 4K");
  t.is(rights(s, 0x2000n), "absent");
  t.is(rights(s, 0x3f_f000n), "rw 2M");
  t.is(rights(s, 0x40_0000n), "absent");
  t.is(rights(s, 4n * gib), "rw 1G");
  t.is(rights(s, 5n * gib), "absent");
});

/** A PE image's headers, with sections `[rva, bytes, characteristics]`. */
function image(sections: readonly (readonly [number, number, number])[]): bigint {
  const base = BigInt(allocate(0x10000, 0x20_0000));
  store32(base + 0x3cn, 0x80);
  store16(base + 0x86n, sections.length);
  store16(base + 0x94n, 240);
  store32(base + 0x80n + 80n, 0x9800);
  sections.forEach(([rva, bytes, flags], i) => {
    const at = base + 0x80n + 24n + 240n + BigInt(40 * i);
    store32(at + 8n, bytes);
    store32(at + 12n, rva);
    store32(at + 36n, flags);
  });
  return base;
}

test("the image's text is executable, its data writable, and nothing both", (t) => {
  const s = space();
  mapRange(s, 0n, gib, access.readWrite);
  const base = image([
    [0x1000, 0x1801, 0x6000_0020],
    [0x4000, 0x1000, 0x4000_0040],
    [0x6000, 0x2001, 0xc000_0040],
  ]);
  t.true(mapImage(s, base));
  t.is(rights(s, base), "r 4K");
  t.is(rights(s, base + 0x2000n), "rx 4K");
  t.is(rights(s, base + 0x3000n), "r 4K");
  t.is(rights(s, base + 0x4000n), "r 4K");
  t.is(rights(s, base + 0x8000n), "rw 4K");
  t.is(rights(s, base + 0x9000n), "r 4K");
  t.is(rights(s, base + 0xa000n), "rw 4K");
  t.is(countWritableExecutable(s, 4n * gib).violations, 0n);
});

test("an image with a section both writable and executable is refused", (t) => {
  const s = space();
  mapRange(s, 0n, gib, access.readWrite);
  t.false(mapImage(s, image([[0x1000, 0x1000, 0xe000_0020]])));
});

test("the walk finds a page that is both writable and executable", (t) => {
  const s = space();
  mapRange(s, 0n, gib, access.readWrite);
  mapRange(s, 0x5000n, 0x1000n, access.readWrite & ~entryBits.noExecute);
  t.is(countWritableExecutable(s, 2n * gib).violations, 1n);
});

test("pages that come back are given out again, zeroed", (t) => {
  const pool = make(PagePool);
  fillPool(pool, BigInt(allocate(8192, 4096)), 2n);
  const first = takePage(pool);
  const second = takePage(pool);
  t.is(takePage(pool), 0n);
  givePage(pool, first);
  givePage(pool, second);
  t.is(takePage(pool), second);
  t.is(load64(second), 0n);
  t.is(takePage(pool), first);
  t.is(pool.used, 2);
});
