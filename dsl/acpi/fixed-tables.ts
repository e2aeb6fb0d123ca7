/** The tables whose shape the specification fixes: FADT, FACS, MADT, MCFG, HPET. */
import { ascii, littleEndian } from "./aml.ts";
import type { AcpiInput } from "./input.ts";
import { genericAddress, noAddress, table } from "./table.ts";

/** Offsets and lengths of the blocks at PMBASE (Intel ICH9 datasheet §13.8.3: PM1, PM timer, GPE0). */
export const pmBlocks = Object.freeze({
  pm1Event: { offset: 0, bytes: 4 },
  pm1Control: { offset: 4, bytes: 2 },
  timer: { offset: 8, bytes: 4 },
  gpe0: { offset: 0x20, bytes: 16 },
} as const);

/** The value that, written to the reset port, resets the whole machine (ICH9 datasheet §13.7.5: SYS_RST and RST_CPU). */
const resetValue = 0x06;

/** Flags of the FADT (ACPI 6.5 table 5.10) that say something of these machines. */
const fadtFlags = {
  wbinvd: 1 << 0,
  c1OnEveryCpu: 1 << 2,
  /** No fixed sleep button. */
  noSleepButton: 1 << 5,
  /** The RTC's wake status is not in the fixed registers. */
  rtcNotFixed: 1 << 6,
  timer32: 1 << 8,
  resetRegister: 1 << 10,
  usePlatformClock: 1 << 15,
} as const;

/** IA-PC boot architecture flags (table 5.11). */
const bootFlags = { legacyDevices: 1 << 0, noVga: 1 << 2, noCmosRtc: 1 << 5 } as const;

/** Fixed ACPI Description Table, revision 6.5 (§5.2.9). */
export function fadt(input: AcpiInput, facsGpa: number, dsdtGpa: number): number[] {
  const { chipset, power } = input;
  const block = (which: keyof typeof pmBlocks): number =>
    chipset.pmBase === null ? 0 : chipset.pmBase + pmBlocks[which].offset;
  const length = (which: keyof typeof pmBlocks): number =>
    chipset.pmBase === null ? 0 : pmBlocks[which].bytes;
  const extended = (which: keyof typeof pmBlocks, accessBytes: 1 | 2 | 4): readonly number[] =>
    chipset.pmBase === null ? noAddress : genericAddress("io", length(which) * 8, block(which), accessBytes);
  const flags =
    fadtFlags.wbinvd |
    fadtFlags.c1OnEveryCpu |
    fadtFlags.noSleepButton |
    fadtFlags.rtcNotFixed |
    (power?.timerBits === 32 ? fadtFlags.timer32 : 0) |
    (input.resetPort === undefined ? 0 : fadtFlags.resetRegister) |
    (chipset.hpetGpa === null && chipset.pmBase === null ? 0 : fadtFlags.usePlatformClock);
  const boot =
    bootFlags.legacyDevices | bootFlags.noVga | (input.rtcCentury === undefined ? bootFlags.noCmosRtc : 0);
  return table("FACP", 6, [
    ...littleEndian(facsGpa, 4),
    ...littleEndian(dsdtGpa, 4),
    0, // was INT_MODEL
    0, // preferred profile: unspecified
    ...littleEndian(chipset.sci?.gsi ?? 0, 2),
    ...littleEndian(0, 4), // SMI_CMD: no system-management mode, so ACPI is always on
    0, // ACPI_ENABLE
    0, // ACPI_DISABLE
    0, // S4BIOS_REQ
    0, // PSTATE_CNT
    ...littleEndian(block("pm1Event"), 4),
    ...littleEndian(0, 4), // PM1b_EVT_BLK
    ...littleEndian(block("pm1Control"), 4),
    ...littleEndian(0, 4), // PM1b_CNT_BLK
    ...littleEndian(0, 4), // PM2_CNT_BLK
    ...littleEndian(block("timer"), 4),
    ...littleEndian(block("gpe0"), 4),
    ...littleEndian(0, 4), // GPE1_BLK
    length("pm1Event"),
    length("pm1Control"),
    0, // PM2_CNT_LEN
    length("timer"),
    length("gpe0"),
    0, // GPE1_BLK_LEN
    0, // GPE1_BASE
    0, // CST_CNT
    ...littleEndian(0xffff, 2), // P_LVL2_LAT: more than 100 means no C2
    ...littleEndian(0xffff, 2), // P_LVL3_LAT: more than 1000 means no C3
    ...littleEndian(0, 2), // FLUSH_SIZE: WBINVD works
    ...littleEndian(0, 2), // FLUSH_STRIDE
    0, // DUTY_OFFSET
    0, // DUTY_WIDTH
    0, // DAY_ALRM
    0, // MON_ALRM
    input.rtcCentury ?? 0,
    ...littleEndian(boot, 2),
    0,
    ...littleEndian(flags, 4),
    ...(input.resetPort === undefined ? noAddress : genericAddress("io", 8, input.resetPort, 1)),
    input.resetPort === undefined ? 0 : resetValue,
    ...littleEndian(0, 2), // ARM boot flags
    5, // minor version
    ...littleEndian(0, 8), // X_FIRMWARE_CTRL: 0, since FIRMWARE_CTRL is used
    ...littleEndian(dsdtGpa, 8),
    ...extended("pm1Event", 2),
    ...noAddress,
    ...extended("pm1Control", 2),
    ...noAddress,
    ...noAddress,
    ...extended("timer", 4),
    ...extended("gpe0", 1),
    ...noAddress,
    ...noAddress, // SLEEP_CONTROL_REG
    ...noAddress, // SLEEP_STATUS_REG
    ...littleEndian(0, 8), // hypervisor vendor identity
  ]);
}

/** Firmware ACPI Control Structure, version 2 (§5.2.10): no header, 64 bytes, aligned to 64. */
export function facs(): number[] {
  const bytes = new Array<number>(64).fill(0);
  bytes.splice(0, 8, ...ascii("FACS"), ...littleEndian(64, 4));
  bytes[32] = 2;
  return bytes;
}

/** Multiple APIC Description Table, revision 5 (§5.2.12). */
export function madt(input: AcpiInput, lapicGpa: number): number[] {
  const { chipset, vcpus } = input;
  const entries: number[][] = vcpus.map(({ index, apicId }) =>
    apicId < 255
      ? [0, 8, index, apicId, ...littleEndian(1, 4)]
      : [9, 16, 0, 0, ...littleEndian(apicId, 4), ...littleEndian(1, 4), ...littleEndian(index, 4)],
  );
  if (chipset.ioapic !== null) {
    const { id, gpa, gsiBase } = chipset.ioapic;
    entries.push([1, 12, id, 0, ...littleEndian(gpa, 4), ...littleEndian(gsiBase, 4)]);
  }
  for (const { irq, gsi, trigger, polarity } of chipset.overrides) {
    // MPS INTI flags (table 5.24): 1 high, 3 low; 1 edge, 3 level; 0 as the ISA bus has it.
    const plain = trigger === "edge" && polarity === "high";
    const flags = plain ? 0 : (polarity === "high" ? 1 : 3) | ((trigger === "edge" ? 1 : 3) << 2);
    entries.push([2, 10, 0, irq, ...littleEndian(gsi, 4), ...littleEndian(flags, 2)]);
  }
  // NMI reaches LINT1 of every processor (§5.2.12.7).
  entries.push([4, 6, 0xff, ...littleEndian(0, 2), 1]);
  const flags = input.legacyPics ? 1 : 0;
  return table("APIC", 5, [...littleEndian(lapicGpa, 4), ...littleEndian(flags, 4), ...entries.flat()]);
}

/** Memory-mapped configuration space (PCI Firmware Specification 3.3 §4.1.2). */
export function mcfg(ecam: { readonly gpa: number; readonly buses: number }): number[] {
  const allocation = [
    ...littleEndian(ecam.gpa, 8),
    ...littleEndian(0, 2),
    0,
    ecam.buses - 1,
    ...littleEndian(0, 4),
  ];
  return table("MCFG", 1, [...littleEndian(0, 8), ...allocation]);
}

/** HPET description table (IA-PC HPET 1.0a §3.2.4). */
export function hpet(
  gpa: number,
  facts: { readonly eventTimerBlockId: number; readonly minimumTick: number },
): number[] {
  return table("HPET", 1, [
    ...littleEndian(facts.eventTimerBlockId, 4),
    ...genericAddress("memory", 64, gpa, 8),
    0,
    ...littleEndian(facts.minimumTick, 2),
    0, // no guarantee for the rest of its page
  ]);
}
