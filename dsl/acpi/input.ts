/** What the tables are generated from: the guest's model, and how its devices want to be named. */
import type { ChipsetModel, DeviceModel, VcpuModel } from "../manifest/model.ts";

/**
 * How a device appears in the guest's namespace. Its resources follow from its windows and lines; a device without an
 * identity is only kept free, as a motherboard resource.
 */
export interface AcpiIdentity {
  /** Its name under the ISA bridge, such as `COM1`; unique in the guest. */
  readonly name: string;
  /** An EISA identifier (`PNP0501`) or an ACPI one (`ACPI0007`). */
  readonly hardwareId: string;
  /** Tells devices of one `hardwareId` apart. */
  readonly uniqueId?: number;
}

/** A device of the guest with its identity. */
export interface AcpiDevice extends DeviceModel {
  readonly acpi: AcpiIdentity | undefined;
}

/** A pin of a PCI slot that is wired to a global system interrupt. */
export interface PciPin {
  readonly slot: number;
  /** 0 to 3 for INTA to INTD. */
  readonly pin: number;
  readonly gsi: number;
}

/** Facts of the power-management block that the tables tell. */
export interface PowerBlock {
  /** The value of SLP_TYP that means soft off. */
  readonly softOffType: number;
  /** 24 or 32. */
  readonly timerBits: 24 | 32;
}

/** A high-precision event timer as its table describes it. */
export interface HpetFacts {
  /** The low half of its capability register: revision, comparators, counter width, vendor (HPET 1.0a §2.3.4). */
  readonly eventTimerBlockId: number;
  /** The shortest periodic interval in ticks that loses no interrupt. */
  readonly minimumTick: number;
}

export interface AcpiInput {
  readonly vcpus: readonly VcpuModel[];
  readonly chipset: ChipsetModel;
  readonly devices: readonly AcpiDevice[];
  readonly pciPins: readonly PciPin[];
  readonly power: PowerBlock | undefined;
  readonly hpet: HpetFacts | undefined;
  /** The port to which 6 is written for a reset; undefined: the guest knows its own ways. */
  readonly resetPort: number | undefined;
  /** Whether there is a pair of 8259s beside the I/O APIC. */
  readonly legacyPics: boolean;
  /** The index of the century in the RTC's memory; undefined without an RTC. */
  readonly rtcCentury: number | undefined;
}
