/**
 * What the host side learned before and while it took the machine over from the firmware, handed to the kernel once.
 * Addresses are host-physical. The kernel reads it only in `start`, and keeps what it needs.
 */
import { u32, u64 } from "../dsl/core/int.ts";
import { array, struct, type ValueOf } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";

/** Room for the regions of a firmware memory map after merging neighbours of the same kind. */
export const maxRegions = 256;
/** Room for payloads: kernels, initramfs images and firmware of all guests together. */
export const maxPayloads = 16;
/** Room for host CPUs. */
export const maxCpus = 64;

/** What may be done with a region of host memory. */
export enum RegionKind {
  /** The kernel's to give away: neither the image, nor host page tables, nor payloads, nor firmware lie there. */
  usable = 1,
  /** The image itself, host page tables, stacks, payloads. */
  hypervisor = 2,
  /** Firmware runtime services: code, data. */
  runtime = 3,
  /** ACPI tables and non-volatile storage. */
  acpi = 4,
  /** Everything else that the firmware reserves. */
  reserved = 5,
}

/** A run of host memory of one kind. `base` and `bytes` are multiples of 4096. */
export const MemoryRegion = struct("MemoryRegion", { base: u64, bytes: u64, kind: u32, spare: u32 });
export type MemoryRegion = ValueOf<typeof MemoryRegion>;

/** Bytes that a guest is built from; kept for its reboot. `bytes` 0: the payload is missing. */
export const Payload = struct("Payload", { address: u64, bytes: u64 });
export type Payload = ValueOf<typeof Payload>;

/** One host CPU that runs, by its dense index. */
export const HostCpu = struct("HostCpu", { hardwareId: u32 });
export type HostCpu = ValueOf<typeof HostCpu>;

/** Why a CPU that the firmware lists does not run. */
export enum CpuAbsence {
  /** It did not answer its start-up message. */
  silent = 0,
  /** It has other features than the first one, or virtualisation is switched off on it. */
  different = 1,
  /** Its counter cannot be brought in step with the first one's. */
  clock = 2,
  /** Its hardware id is too large for this machine's interrupt controllers. */
  unreachable = 3,
  /** The firmware has no memory below 1 MiB to start it from. */
  noStartPage = 4,
}

/** A CPU that does not run, and its `CpuAbsence`. */
export const AbsentCpu = struct("AbsentCpu", { hardwareId: u32, reason: u32 });
export type AbsentCpu = ValueOf<typeof AbsentCpu>;

/** The facts. Regions are sorted by `base` and do not overlap. */
export const BootInfo = struct("BootInfo", {
  regionCount: u32,
  payloadCount: u32,
  /** CPUs that run, the first one among them. */
  cpuCount: u32,
  /** CPUs that should run and do not. */
  absentCount: u32,
  /** CPUs beyond those that the image has room for, which stay with the firmware. */
  unusedCount: u32,
  spare: u32,
  regions: array(MemoryRegion, maxRegions),
  /** In the order of the manifest's payload list. */
  payloads: array(Payload, maxPayloads),
  cpus: array(HostCpu, maxCpus),
  absent: array(AbsentCpu, maxCpus),
  /** What the CPUs' counters may differ from the first one's at most, in ticks of `Machine.now`. */
  clockDifference: u64,
  /** Of the host's ACPI RSDP; 0 where the firmware has none. */
  rsdp: u64,
  /** Where the image was loaded, and how long it is in memory. */
  imageBase: u64,
  imageBytes: u64,
});
export type BootInfo = ValueOf<typeof BootInfo>;

/** The one instance; the host side fills it. */
export const bootInfo = storage("bootInfo", BootInfo);

/** Why the kernel cannot start on this machine; the host side says it in the operator's words. */
export enum BootProblem {
  none = 0,
  /** The usable regions do not hold the guests' memory. */
  noMemory = 1,
  /** A payload of the manifest is missing or empty. */
  payloadMissing = 2,
  /** A kernel payload is not a bzImage that can be booted. */
  payloadNotBootable = 3,
}

/** The kernel as the host side calls it; made by `kernel(manifest)` in `kernel/kernel.ts`. */
export interface KernelEntry {
  /**
   * Looks whether the machine suffices, without changing anything; callable while the firmware still runs, with the
   * regions filled in as they will be. `detail` is bytes missing for `noMemory`, else the payload's index.
   */
  check(boot: BootInfo): { readonly problem: u32; readonly detail: u64 };
  /** Builds the guests and runs them; called once on the first CPU with interrupts off, after everything of `Machine` works. */
  start(boot: BootInfo): never;
  /**
   * Takes the CPU with a dense index, 1 or above, into service; called once on each further CPU with interrupts off, after
   * everything of `Machine` works on it and before the first CPU calls `start`.
   */
  join(index: u32): never;
}
