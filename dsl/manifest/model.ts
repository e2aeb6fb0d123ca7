/**
 * What a manifest comes to: one frozen, JSON-serialisable description of the whole appliance, with every default
 * filled in, every address chosen and every rule of `checks.ts` satisfied. The kernel's tables, the guests' ACPI
 * tables and the build report are generated from it; nothing else decides where something lies.
 *
 * Addresses, sizes and times are plain numbers (all below 2^53), so that the model survives JSON. Guest-physical
 * addresses are called `gpa`; units stand in the names.
 */

import type { OperatorModel, Permit } from "./operator.ts";

/** A manifest's whole content. */
export interface ImageModel {
  /** Names the output files: an identifier with dashes. */
  readonly name: string;
  readonly guests: readonly GuestModel[];
  /** Each payload once, in the order of declaration; loaders refer to them by index. */
  readonly payloads: readonly PayloadModel[];
  /** What of the machine's disks is used; devices refer to them by index. */
  readonly volumes: readonly VolumeModel[];
  readonly console: ConsoleModel;
  /** Whether a machine without ACPI tables is run as a one-CPU machine instead of being refused. */
  readonly permitNoAcpi: boolean;
  /** Host CPUs that run guests at most; per-CPU structures are laid out for as many. */
  readonly cpuCapacity: number;
  readonly scheduling: SchedulingModel;
  readonly events: {
    /** Records in each CPU's ring, a power of two. */
    readonly recordsPerCpu: number;
  };
  /** What is traced; null: nothing, and then the image has no code for it. */
  readonly trace: ImageTraceModel | null;
  /** Where guests are saved; null: they cannot be, and then the image has no code for it. */
  readonly saves: { readonly volume: number } | null;
  /** What the operator may do at the prompt; null: there is none, and then the image has no code for it. */
  readonly operator: OperatorModel | null;
  /** Wake-ups that lie within this of each other are served together. */
  readonly timerSlackNs: number;
  /** The networks between guests. */
  readonly networks: readonly NetworkModel[];
  /** What guests share. */
  readonly sharedMemories: readonly SharedMemoryModel[];
  /** The channels between devices of several guests. */
  readonly channels: readonly ChannelModel[];
}

/** A network: a switch with a port for each device that is on it. */
export interface NetworkModel {
  readonly name: string;
  readonly ports: readonly NetworkPortModel[];
}

/** A port on a network, and the device behind it. */
export interface NetworkPortModel {
  /** Index of the guest. */
  readonly guest: number;
  readonly device: string;
  /** The device's names for its port, and for the pin that is pulsed when frames come. */
  readonly wire: string;
  readonly arrival: string;
  /** Six bytes in hexadecimal, with colons between. */
  readonly mac: string;
  /** Bytes that it may send in a second; null: no limit. */
  readonly rateBytes: number | null;
  /** Bytes that it may send at once after a pause. */
  readonly burstBytes: number;
}

/** Memory of the image that devices of several guests have. */
export interface SharedMemoryModel {
  readonly name: string;
  /** A power of two, 4 KiB or more. */
  readonly sizeBytes: number;
  /** Those that have it; the index is a peer's number. */
  readonly peers: readonly SharedMemoryPeerModel[];
}

export interface SharedMemoryPeerModel {
  /** Index of the guest. */
  readonly guest: number;
  readonly device: string;
  /** The addresses over which the guest may lay it. */
  readonly window: { readonly gpa: number; readonly sizeBytes: number };
}

/** A channel: its ends reach each other by their addresses. */
export interface ChannelModel {
  readonly name: string;
  /** Bytes of its longest message. */
  readonly messageBytes: number;
  /** What the operator's prompt permits that is at its other end, which has the address 2; null: there is none. */
  readonly operator: readonly Permit[] | null;
  readonly ends: readonly ChannelEndModel[];
}

/** An end of a channel, and the device that has it. */
export interface ChannelEndModel {
  /** Index of the guest. */
  readonly guest: number;
  readonly device: string;
  /** The device's names for the end (an array's element by its index), and for the pin that is pulsed when there is news. */
  readonly wire: string;
  readonly index: number;
  readonly arrival: string;
  /** Unique in its channel, not 0. */
  readonly address: number;
}

/** How guests share CPUs, as far as it is one for all. */
export interface SchedulingModel {
  /** How long a vCPU runs while others wait. */
  readonly sliceNs: number;
  /** How long one that an event wakes may have to wait for one that has had more than it. */
  readonly latencyNs: number;
  /** How much of each CPU may be promised to real-time guests. */
  readonly realtimeLimitPercent: number;
}

/** How a guest gets CPUs. */
export interface ScheduleModel {
  /** Of the guest, against other guests: 1 to 65,535. */
  readonly weight: number;
  /** In percent of one CPU, all its vCPUs together; null: no limit. */
  readonly capPercent: number | null;
  /** What each vCPU is promised, and is limited to; null: it takes its share. */
  readonly realtime: { readonly budgetNs: number; readonly periodNs: number } | null;
  /** Of each vCPU. */
  readonly places: readonly PlaceModel[];
}

/** Where a vCPU runs. */
export interface PlaceModel {
  /** Host CPUs, ascending and at least one: exactly one where it is real-time. */
  readonly cpus: readonly number[];
  /** Those of them that it runs on where it can choose; empty: all are alike. */
  readonly prefer: readonly number[];
  /** It has one CPU, and no other vCPU has that. */
  readonly exclusive: boolean;
}

/** What of an appliance is traced. */
export interface ImageTraceModel {
  /** Records in each CPU's ring, a power of two. */
  readonly recordsPerCpu: number;
  /** Names of devices, alone (of every guest) or as `guest/device`; null: all. */
  readonly devices: readonly string[] | null;
}

/** Whether an image traces a device of a guest. */
export function isTraced({ trace }: Pick<ImageModel, "trace">, guest: string, device: string): boolean {
  if (trace === null) return false;
  return trace.devices === null || trace.devices.some((d) => d === device || d === `${guest}/${device}`);
}

/** A file that the image brings along. */
export interface PayloadModel {
  readonly name: string;
  /** As written in the manifest; the builder resolves it against the image's file, then against the payload cache. */
  readonly path: string;
  /** `sealed`: a part of the `.efi`; `esp`: read from the EFI system partition when the appliance starts. */
  readonly placement: "sealed" | "esp";
  /** Where it lies on the EFI system partition, in UEFI's notation; null where it is sealed. */
  readonly espPath: string | null;
  readonly role:
    | "linux-kernel"
    | "initrd"
    | "pvh-kernel"
    | "multiboot-kernel"
    | "multiboot2-kernel"
    | "bios"
    | "uefi"
    | "uefi-variables"
    | "module"
    | "disk";
}

/** A partition of a disk of the machine, or a file in memory. */
export type VolumeModel = (
  | { readonly kind: "partition" }
  | {
      readonly kind: "file";
      /** Index into `ImageModel.payloads`. */
      readonly payload: number;
    }
) & {
  /** In its disk's GUID partition table; of the file. */
  readonly name: string;
  /** Nothing writes to it. */
  readonly readOnly: boolean;
};

/** The machine's serial port that the hypervisor writes to, and the guest that has it otherwise. */
export interface ConsoleModel {
  /** The host UART's first I/O port. */
  readonly port: number;
  readonly baud: number;
  /** Index of the guest whose first UART is connected to it; null: notices only. */
  readonly guest: number | null;
}

/** One guest. */
export interface GuestModel {
  readonly index: number;
  readonly name: string;
  /**
   * Memory in bytes, a multiple of 2 MiB; the hole below 1 MiB is taken out of it, as on a PC, and where the guest has
   * firmware, 2 MiB that hold it.
   */
  readonly memoryBytes: number;
  /** Memory slots that exist when the guest starts, by ascending `gpa`; they never overlap. */
  readonly slots: readonly MemorySlotModel[];
  /** The memory map that the guest is told, by ascending `gpa`; what it does not name is not there. */
  readonly e820: readonly E820Entry[];
  readonly vcpus: readonly VcpuModel[];
  readonly loader: LoaderModel;
  readonly chipset: ChipsetModel;
  /** In the order of declaration, which is the order in which the build numbers them. */
  readonly devices: readonly DeviceModel[];
  /** The tables that the guest finds; they are written into its memory before it starts. None where firmware places them. */
  readonly acpi: AcpiModel;
  readonly power: PowerModel;
  readonly schedule: ScheduleModel;
  readonly speculation: SpeculationModel;
}

/** What is done when a CPU goes over from this guest to another, or from another to it; either of the two may want it. */
export interface SpeculationModel {
  /** Drops what the predictor knows of indirect branches, where the CPU has the barrier (IBPB). */
  readonly ibpb: boolean;
  /** Fills the stack of predicted returns. */
  readonly rsb: boolean;
}

/** A stretch of guest-physical memory that is backed by host memory. */
export interface MemorySlotModel {
  readonly name: string;
  /** `flash`: read as memory, written as a device, and not cleared when the guest starts again. */
  readonly kind: "ram" | "rom" | "flash";
  readonly gpa: number;
  /** A multiple of 4 KiB. */
  readonly sizeBytes: number;
  /** Where it starts in the guest's RAM, taken as one block of `memoryBytes`. Equal to `gpa` below the PCI hole. */
  readonly ramOffset: number;
}

/** ACPI 6.5 §15: what an address range is. Values of the `type` field of an e820 entry. */
export const e820Types = Object.freeze({ ram: 1, reserved: 2, acpi: 3, nvs: 4 } as const);
export type E820Type = keyof typeof e820Types;

export interface E820Entry {
  readonly gpa: number;
  readonly sizeBytes: number;
  readonly type: E820Type;
}

export interface VcpuModel {
  readonly index: number;
  /** The initial local APIC id, which MADT and CPUID tell. */
  readonly apicId: number;
}

/** How what a guest boots gets into its memory, and how it is entered. */
export type LoaderModel = KernelLoaderModel | FirmwareLoaderModel;

/** A kernel is entered in 32-bit mode with flat segments. */
export type KernelLoaderModel = LinuxLoaderModel | ExecutableLoaderModel;

/** Firmware is entered at the reset vector, in the state after RESET. */
export interface FirmwareLoaderModel {
  readonly kind: "bios" | "uefi";
  /** Index into `ImageModel.payloads`. */
  readonly kernelPayload: number;
  /** What the flash holds that lies at the start of the room for firmware; null: there is none. */
  readonly variablesPayload: number | null;
  /** Where the firmware ends, and where its end is seen a second time, as memory. */
  readonly romEndGpa: number;
  readonly shadowEndGpa: number;
  /** The most that firmware may have, and the most of its end that is seen below 1 MiB. */
  readonly romBytes: number;
  /** Of them, the flash's. */
  readonly variableBytes: number;
  readonly shadowBytes: number;
}

interface AnyLoaderModel {
  /** Index into `ImageModel.payloads`. */
  readonly kernelPayload: number;
  readonly commandLine: string;
  /** Flat 32-bit GDT with selectors 0x10 (code) and 0x18 (data): 4 descriptors, 32 bytes. */
  readonly gdtGpa: number;
  /** What lies in memory whatever the payloads hold: GDT, command lines, start information; by ascending `gpa`. */
  readonly placed: readonly PlacedModel[];
  /** First address above the RAM in which the kernel and, as high as possible, initrd and modules may lie. */
  readonly loadLimitGpa: number;
}

/** Boots a Linux kernel by the 32-bit boot protocol (Documentation/arch/x86/boot.rst). */
export interface LinuxLoaderModel extends AnyLoaderModel {
  readonly kind: "linux";
  readonly initrdPayload: number | null;
  /** `struct boot_params`, one page. */
  readonly bootParamsGpa: number;
  /** The command line and its terminating zero. */
  readonly commandLineGpa: number;
  /** Where a kernel that is not relocatable goes; a relocatable one goes to its preferred address. */
  readonly kernelGpa: number;
}

/** Boots a kernel whose own headers say where it goes (Xen's PVH; multiboot versions 1 and 2). */
export interface ExecutableLoaderModel extends AnyLoaderModel {
  readonly kind: "pvh" | "multiboot" | "multiboot2";
  /** In the order in which the guest finds them. */
  readonly modules: readonly ModuleModel[];
  /** `struct hvm_start_info`, or the multiboot information. */
  readonly startInfoGpa: number;
  /** Where multiboot 2 is told, in 4 bytes, where its kernel's lowest segment lies; null: it is not told. */
  readonly loadBaseGpa: number | null;
  /** Where the kernel's segments may go: RAM in which nothing is placed. */
  readonly rooms: readonly { readonly gpa: number; readonly sizeBytes: number }[];
}

/** A file that a kernel finds in its memory. */
export interface ModuleModel {
  /** Index into `ImageModel.payloads`. */
  readonly payload: number;
  readonly commandLine: string;
  /** Its entry in the list of modules, whose address and size are filled in when it is loaded. */
  readonly entryGpa: number;
}

/** Bytes that are copied into a guest's memory before it starts. */
export interface PlacedModel {
  readonly name: string;
  readonly gpa: number;
  readonly bytes: readonly number[];
}

/** Addresses that several devices, the ACPI tables and the memory map must agree on. */
export interface ChipsetModel {
  /** PCIEXBAR: configuration space of buses 0 to `buses - 1`, 1 MiB each; null without a PCI host bridge. */
  readonly ecam: { readonly gpa: number; readonly buses: number; readonly sizeBytes: number } | null;
  /** Addresses for 32-bit BARs. */
  readonly pciWindow: { readonly gpa: number; readonly sizeBytes: number };
  /** Null: the guest has one virtual CPU and the pair of 8259s alone. */
  readonly lapicGpa: number | null;
  readonly ioapic: {
    readonly id: number;
    readonly gpa: number;
    readonly gsiBase: number;
    readonly pins: number;
  } | null;
  readonly hpetGpa: number | null;
  /** PMBASE: first port of PM1, PM timer and GPE blocks; null without the ACPI power-management device. */
  readonly pmBase: number | null;
  readonly sci: { readonly gsi: number } | null;
  /** ISA interrupts that reach another global system interrupt, or another way, than identity, edge and high. */
  readonly overrides: readonly {
    readonly irq: number;
    readonly gsi: number;
    readonly trigger: Trigger;
    readonly polarity: Polarity;
  }[];
}

export type Trigger = "edge" | "level";
export type Polarity = "high" | "low";

/** One instance of a device in a guest. */
export interface DeviceModel {
  /** Unique in the guest. */
  readonly name: string;
  /** The declared device type, such as `uart16550`. */
  readonly type: string;
  /** Index of the virtual CPU that it is a part of, which alone sees its windows; null: of the guest. */
  readonly vcpu: number | null;
  readonly windows: readonly WindowModel[];
  readonly lines: readonly LineModel[];
}

/** Addresses that a device claims. No two windows that one virtual CPU sees overlap in one space. */
export interface WindowModel {
  /** The device's name for it; one device may have several. */
  readonly name: string;
  readonly space: "port" | "mmio" | "msr" | "configuration";
  /** First port, guest-physical address, MSR, or address in PCI configuration space. */
  readonly base: number;
  /** Number of ports, bytes, or MSRs. */
  readonly size: number;
}

/** A wire from a device to the interrupt controllers. */
export interface LineModel {
  /** The device's name for it. */
  readonly name: string;
  /** Input of the 8259 pair, 0 to 15; null where the line does not reach it. */
  readonly irq: number | null;
  /** Global system interrupt: pin of the I/O APIC, 0 to 23. */
  readonly gsi: number;
  readonly trigger: Trigger;
  readonly polarity: Polarity;
  readonly shareable: boolean;
}

/** The guest's ACPI tables, ready to be copied. */
export interface AcpiModel {
  /** The RSDP; Linux finds it in boot_params, others between 0xe0000 and 0xfffff. */
  readonly rsdpGpa: number;
  readonly tables: readonly AcpiTableModel[];
}

export interface AcpiTableModel {
  /** `RSD PTR `, `FACP`, … */
  readonly signature: string;
  readonly gpa: number;
  readonly bytes: readonly number[];
}

/** What follows where a guest ends. Each is also a notice. */
export interface PowerModel {
  readonly onPowerOff: "power-off-machine" | "stop";
  readonly onReboot: "restart" | "stop";
  readonly onCrash: "restart" | "stop";
  /** How a guest that asked for it is restarted; null: at once, always. */
  readonly rebootPolicy: RestartModel | null;
  /** How a guest that crashed is restarted; null: at once, always. */
  readonly crashPolicy: RestartModel | null;
  /** How long a guest may take to turn itself off when the operator asks it to. */
  readonly stopDeadlineNs: number;
}

/** How soon and how often a guest is restarted that ends again and again. */
export interface RestartModel {
  /** What it waits for after the first end; twice as long after each further one in a row. */
  readonly backOffNs: number;
  readonly longestBackOffNs: number;
  /** A run of this length ends the row. */
  readonly calmNs: number;
  /** Restarts in a row; null: no limit. */
  readonly most: number | null;
}

/** What the builder learnt of a payload's file; it hands one per `ImageModel.payloads` to the platform's program. */
export interface PayloadFacts {
  readonly name: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Of a Linux kernel: what its setup header says (Documentation/arch/x86/boot.rst); null otherwise. */
  readonly linux: LinuxKernelFacts | null;
}

export interface LinuxKernelFacts {
  /** Boot protocol, 0x020f for 2.15. */
  readonly protocol: number;
  /** Bytes before the protected-mode part: boot sector and setup sectors. */
  readonly setupBytes: number;
  /** The protected-mode part, rounded up to 16 bytes, as `syssize` says. */
  readonly protectedModeBytes: number;
  readonly relocatable: boolean;
  readonly kernelAlignment: number;
  readonly prefAddress: number;
  /** Memory that the kernel needs from its run-time start address until it has its own memory map. */
  readonly initSize: number;
  readonly initrdAddrMax: number;
  readonly commandLineSize: number;
  readonly xloadflags: number;
  /** The kernel's version text; null where the header has none. */
  readonly version: string | null;
}
