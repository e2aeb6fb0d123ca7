/** What the host side takes from the machine's ACPI tables. Addresses are host-physical; 0 stands for absent. */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { maxCpus } from "../../../kernel/boot.ts";

/** Room for I/O APICs. */
export const maxIoApics = 8;

/** An I/O APIC and the first global system interrupt it serves (ACPI 6.5 §5.2.12.3). */
export const HostIoApic = struct("HostIoApic", { address: u64, gsiBase: u32, id: u32 });
export type HostIoApic = ValueOf<typeof HostIoApic>;

/** Where an ISA interrupt arrives; `flags` as in MADT: polarity [1:0], trigger mode [3:2] (§5.2.12.5). */
export const IsaRoute = struct("IsaRoute", { gsi: u32, flags: u16 });
export type IsaRoute = ValueOf<typeof IsaRoute>;

export const AcpiCpu = struct("AcpiCpu", { apicId: u32, enabled: bool });
export type AcpiCpu = ValueOf<typeof AcpiCpu>;

export const HostAcpi = struct("HostAcpi", {
  /** Tables were found and are sound. */
  present: bool,
  /** Register for a reset: address space (1: ports, 0: memory), address, value to write (§4.8.3.6). Address 0: none. */
  resetSpace: u8,
  resetValue: u8,
  /** SLP_TYPa and SLP_TYPb of S5, valid where `s5Known` (§7.4.2). */
  s5a: u8,
  s5b: u8,
  s5Known: bool,
  acpiEnable: u8,
  /** The PM timer counts 32 bits, else 24. */
  pmTimerWide: bool,
  smiCommand: u16,
  pmTimerPort: u16,
  pm1aControl: u16,
  pm1bControl: u16,
  resetAddress: u64,
  hpetAddress: u64,
  /** PCI configuration space of segment 0 and its buses (PCI firmware specification §4.1.2). */
  ecamAddress: u64,
  ecamFirstBus: u8,
  ecamLastBus: u8,
  /** The machine also has a pair of 8259 (§5.2.12, PCAT_COMPAT). */
  legacyPics: bool,
  localApic: u64,
  ioApicCount: u32,
  cpuCount: u32,
  ioApics: array(HostIoApic, maxIoApics),
  isa: array(IsaRoute, 16),
  cpus: array(AcpiCpu, maxCpus),
});
export type HostAcpi = ValueOf<typeof HostAcpi>;

/** This machine's. */
export const hostAcpi = storage("hostAcpi", HostAcpi);
