/** The host's I/O APICs (Intel 82093AA datasheet §3): every pin masked but those that the host side takes. */
import { volatile } from "../../dsl/core/intrinsics.ts";
import { type u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { maxIoApics, type HostAcpi, type HostIoApic } from "./acpi/host-acpi.ts";

const windowOffset = 0x10n;
const versionRegister = 1;
const firstRedirection = 0x10;
const masked = 0x1_0000;
const levelTriggered = 0x8000;
const activeLow = 0x2000;

function read(ioApic: HostIoApic, register: u32): u32 {
  volatile.store32(ioApic.address, register);
  return volatile.load32(u64(ioApic.address + windowOffset));
}

function write(ioApic: HostIoApic, register: u32, value: u32): void {
  volatile.store32(ioApic.address, register);
  volatile.store32(u64(ioApic.address + windowOffset), value);
}

const maxPins = 240;

/** Number of pins, 1 to 240. */
function pinsOf(ioApic: HostIoApic): u16 {
  return ((read(ioApic, versionRegister) >>> 16) & 0xff) + 1;
}

/** Masks every pin of every I/O APIC. */
export function maskIoApics(acpi: HostAcpi): void {
  for (let i = 0; i < maxIoApics; i++) {
    if (i >= acpi.ioApicCount) break;
    maskPins(acpi.ioApics[i]);
  }
}

function maskPins(ioApic: HostIoApic): void {
  const pins = pinsOf(ioApic);
  for (let pin: u32 = 0; pin < maxPins; pin++) {
    if (pin >= pins) break;
    write(ioApic, firstRedirection + 2 * pin, masked);
  }
}

/** Routes an ISA interrupt to a vector of one CPU, as MADT says it is wired. False: no I/O APIC has its pin. */
export function routeIsa(acpi: HostAcpi, irq: u32, vector: u8, apicId: u32): boolean {
  const route = acpi.isa[irq & 15];
  const gsi = route.gsi;
  for (let i = 0; i < maxIoApics; i++) {
    if (i >= acpi.ioApicCount) break;
    const ioApic = acpi.ioApics[i];
    if (gsi < ioApic.gsiBase || gsi - ioApic.gsiBase >= pinsOf(ioApic)) continue;
    const pin = u32(gsi - ioApic.gsiBase);
    write(ioApic, u32(firstRedirection + 2 * pin + 1), u32(apicId << 24));
    write(ioApic, u32(firstRedirection + 2 * pin), redirection(route.flags, vector));
    return true;
  }
  return false;
}

/** Low word of a redirection entry for MADT flags: 3 in [1:0] is active low, 3 in [3:2] level-triggered (ACPI 6.5 §5.2.12.5). */
export function redirection(flags: u32, vector: u8): u32 {
  const polarity = (flags & 3) === 3 ? activeLow : 0;
  const trigger = ((flags >>> 2) & 3) === 3 ? levelTriggered : 0;
  return u32(vector | polarity | trigger);
}
