/**
 * Loads a Linux kernel by the 32-bit boot protocol (Documentation/arch/x86/boot.rst, protocol 2.06 and later): checks
 * the setup header, places kernel, initrd, command line, memory map and boot_params, and says with which registers the
 * first vCPU starts. Nothing in a payload is trusted: every size is checked against the payload and the guest's memory.
 */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  fillBytes,
  load16,
  load32,
  load64,
  load8,
  store32,
  store64,
  store8,
} from "../../../dsl/core/intrinsics.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { e820Types, type GuestModel, type LinuxLoaderModel } from "../../../dsl/manifest/model.ts";
import { BootProblem, type BootInfo } from "../../../kernel/boot.ts";
import { copyToGuest, type SlotTable } from "../../../kernel/slots.ts";
import type { Loaded } from "../../../kernel/virtualization.ts";
import { checkIndices, highPlace, loaded, placedBytes, type GuestLoader } from "./loader.ts";

/** Offsets into the first sectors of a bzImage, and into boot_params: the setup header lies at the same ones. */
const at = Object.freeze({
  rsdp: 0x070n,
  e820Entries: 0x1e8n,
  setupSectors: 0x1f1n,
  sysSize: 0x1f4n,
  bootFlag: 0x1fen,
  headerJump: 0x201n,
  magic: 0x202n,
  version: 0x206n,
  loader: 0x210n,
  loadFlags: 0x211n,
  code32: 0x214n,
  ramdiskImage: 0x218n,
  ramdiskSize: 0x21cn,
  commandLine: 0x228n,
  initrdMax: 0x22cn,
  alignment: 0x230n,
  relocatable: 0x234n,
  commandLineSize: 0x238n,
  preferred: 0x258n,
  initSize: 0x260n,
  e820: 0x2d0n,
});

/** "HdrS". */
const headerMagic = 0x5372_6448;
/** The least protocol: command line size and relocation are there from 2.06 on. */
const leastVersion = 0x0206;
/** Payloads below this hold no header. */
const leastBytes = 0x268n;
const loadedHigh = 1;
/** "An undefined loader", which every kernel accepts. */
const undefinedLoader = 0xff;

/** What a kernel payload's header comes to. `ok` false: it cannot be booted. */
export interface LinuxHeader {
  readonly ok: boolean;
  /** Bytes before the protected-mode part. */
  readonly setupBytes: u64;
  /** Where the protected-mode part goes. */
  readonly loadAddress: u64;
  /** Bytes of memory from there that the kernel needs. */
  readonly needs: u64;
  /** Highest address an initrd may have. */
  readonly initrdMax: u64;
  /** Bytes of the header, counted from the payload's start. */
  readonly headerEnd: u64;
}

function refused(): LinuxHeader {
  return { ok: false, setupBytes: 0n, loadAddress: 0n, needs: 0n, initrdMax: 0n, headerEnd: 0n };
}

/**
 * Reads and checks the header of the payload at `address`. A relocatable kernel goes to its preferred address, another
 * to `fixedGpa`; all that it needs must lie below `limit`.
 */
export function readLinuxHeader(address: u64, bytes: u64, fixedGpa: u64, limit: u64): LinuxHeader {
  if (bytes < leastBytes) return refused();
  if (load16(u64(address + at.bootFlag)) !== 0xaa55 || load32(u64(address + at.magic)) !== headerMagic)
    return refused();
  if (
    load16(u64(address + at.version)) < leastVersion ||
    (load8(u64(address + at.loadFlags)) & loadedHigh) === 0
  )
    return refused();
  const sectors = load8(u64(address + at.setupSectors));
  const setupBytes = u64(BigInt((sectors === 0 ? 4 : sectors) + 1) * 512n);
  if (setupBytes >= bytes) return refused();
  const kernelBytes = u64(bytes - setupBytes);
  const headerEnd = u64(at.magic + BigInt(load8(u64(address + at.headerJump))));
  const version = load16(u64(address + at.version));
  const relocatable = load8(u64(address + at.relocatable)) !== 0;
  // Preferred address and run-time size came with 2.10.
  const preferred = version >= 0x020a ? load64(u64(address + at.preferred)) : 0x10_0000n;
  const wanted = version >= 0x020a ? u64(load32(u64(address + at.initSize))) : kernelBytes;
  const needs = wanted > kernelBytes ? wanted : kernelBytes;
  const loadAddress = relocatable ? preferred : fixedGpa;
  if (loadAddress < 0x10_0000n || loadAddress >= limit || needs > u64(limit - loadAddress)) return refused();
  return {
    ok: true,
    setupBytes,
    loadAddress,
    needs,
    initrdMax: u64(load32(u64(address + at.initrdMax))),
    headerEnd,
  };
}

const Page = struct("LoaderPage", { bytes: array(u8, 4096) }, { align: 4096 });

/** RSI, which holds the address of boot_params. */
const rsi = 6;

/** Builds the loader of a guest from its model. */
export function linuxLoader(model: GuestModel, loader: LinuxLoaderModel): GuestLoader {
  const kernelIndex = loader.kernelPayload;
  const initrdIndex = loader.initrdPayload;
  checkIndices(kernelIndex, initrdIndex ?? 0);
  const limit = BigInt(loader.loadLimitGpa);
  const fixedGpa = BigInt(loader.kernelGpa);
  const commandLineGpa = BigInt(loader.commandLineGpa);
  const bootParamsGpa = BigInt(loader.bootParamsGpa);
  const rsdpGpa = BigInt(model.acpi.rsdpGpa);
  const e820 = Object.freeze(
    model.e820.map((e, index) =>
      Object.freeze({
        at: at.e820 + BigInt(20 * index),
        gpa: BigInt(e.gpa),
        bytes: BigInt(e.sizeBytes),
        type: e820Types[e.type],
      }),
    ),
  );
  const e820Count = e820.length;
  const putPlaced = placedBytes(model, loader);
  const page = storage(`${model.name}.bootParams`, Page, { align: 4096 });
  const state = storage(`${model.name}.linux`, struct("LinuxState", { entry: u64 }));

  const check = (boot: BootInfo): Loaded => {
    const kernel = boot.payloads[kernelIndex];
    if (kernel.bytes === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(kernelIndex) };
    const header = readLinuxHeader(kernel.address, kernel.bytes, fixedGpa, limit);
    if (!header.ok) return { problem: BootProblem.payloadNotBootable, detail: BigInt(kernelIndex) };
    if (initrdIndex !== null) {
      const initrd = boot.payloads[initrdIndex];
      if (initrd.bytes === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(initrdIndex) };
      const end = u64(header.loadAddress + header.needs);
      const top = header.initrdMax < limit - 1n ? u64(header.initrdMax + 1n) : limit;
      if (end > top || initrd.bytes > u64(top - end))
        return { problem: BootProblem.noMemory, detail: initrd.bytes };
    }
    return loaded();
  };

  return Object.freeze({
    start: Object.freeze({
      gdtGpa: BigInt(loader.gdtGpa),
      registers: Object.freeze([Object.freeze({ index: rsi, value: bootParamsGpa })]),
      taskState: false,
    }),
    check,
    load(slots: SlotTable, boot: BootInfo): Loaded {
      const checked = check(boot);
      if (checked.problem !== BootProblem.none) return checked;
      const missing: Loaded = { problem: BootProblem.noMemory, detail: 0n };
      const kernel = boot.payloads[kernelIndex];
      const header = readLinuxHeader(kernel.address, kernel.bytes, fixedGpa, limit);
      const kernelBytes = u64(kernel.bytes - header.setupBytes);
      if (!copyToGuest(slots, header.loadAddress, u64(kernel.address + header.setupBytes), kernelBytes))
        return missing;
      if (!putPlaced(slots)) return missing;

      // boot_params: the setup header as it is in the payload, then what a loader fills in.
      const params = addressOf(page);
      fillBytes(params, 0, 4096n);
      const headerBytes =
        header.headerEnd < at.e820 ? u64(header.headerEnd - at.setupSectors) : u64(at.e820 - at.setupSectors);
      for (let i = 0n; i < 0x100n; i += 1n) {
        if (i < headerBytes)
          store8(u64(params + at.setupSectors + i), load8(u64(kernel.address + at.setupSectors + i)));
      }
      store8(u64(params + at.loader), undefinedLoader);
      store32(u64(params + at.code32), u32(header.loadAddress));
      store32(u64(params + at.commandLine), u32(commandLineGpa));
      store64(u64(params + at.rsdp), rsdpGpa);
      if (initrdIndex !== null) {
        const initrd = boot.payloads[initrdIndex];
        const top = header.initrdMax < limit - 1n ? u64(header.initrdMax + 1n) : limit;
        const place = highPlace(top, initrd.bytes, u64(header.loadAddress + header.needs));
        if (place === 0n) return { problem: BootProblem.noMemory, detail: initrd.bytes };
        if (!copyToGuest(slots, place, initrd.address, initrd.bytes)) return missing;
        store32(u64(params + at.ramdiskImage), u32(place));
        store32(u64(params + at.ramdiskSize), u32(initrd.bytes));
      }
      store8(u64(params + at.e820Entries), e820Count);
      for (const e of e820) {
        store64(u64(params + e.at), e.gpa);
        store64(u64(params + e.at + 8n), e.bytes);
        store32(u64(params + e.at + 16n), e.type);
      }
      if (!copyToGuest(slots, bootParamsGpa, params, 4096n)) return missing;
      state.entry = header.loadAddress;
      return loaded();
    },
    entry(): u64 {
      return state.entry;
    },
  });
}
