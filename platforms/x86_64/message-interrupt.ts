/** Interrupts of PCI functions as messages to a local APIC: MSI-X where there is it, else MSI (PCI local bus 3.0 §6.8). */
import { volatile } from "../../dsl/core/intrinsics.ts";
import { u32, u64, type u8 } from "../../dsl/core/int.ts";
import { findCapability, memoryBehind, readPci, writePci } from "./pci.ts";

const msiId = 0x05;
const msixId = 0x11;
/** A fixed, edge-triggered message to one APIC in physical mode (Intel SDM vol. 3 §11.11). */
const messageAddress = 0xfee0_0000;
const msixEnable = 0x8000_0000;
const msixMaskAll = 0x4000_0000;
const msiEnable = 0x1_0000;
const msiWide = 0x80_0000;
const msiMessages = 0x70_0000;

/** Host-physical address of a function's MSI-X table, which must be mapped before `routeMessages`; 0 where it has none. */
export function messageTable(at: u32): u64 {
  const capability = findCapability(at, msixId);
  if (capability === 0) return 0n;
  const place = readPci(at, u32(capability + 4));
  const base = memoryBehind(at, place & 7);
  return base === 0n ? 0n : u64(base + BigInt(u32(place & 0xffff_fff8)));
}

/** Sends a function's first message to a vector of the CPU with an APIC id below 256; false where it has no messages. */
export function routeMessages(at: u32, vector: u8, apicId: u32): boolean {
  if (apicId > 0xff) return false;
  const address = u32(messageAddress | (apicId << 12));
  const table = messageTable(at);
  if (table !== 0n) {
    const capability = findCapability(at, msixId);
    const control = u32(readPci(at, capability) & ~(msixEnable | msixMaskAll));
    writePci(at, capability, u32(control | msixEnable | msixMaskAll));
    volatile.store32(table, address);
    volatile.store32(u64(table + 4n), 0);
    volatile.store32(u64(table + 8n), vector);
    volatile.store32(u64(table + 12n), 0);
    writePci(at, capability, u32(control | msixEnable));
    return true;
  }
  const capability = findCapability(at, msiId);
  if (capability === 0) return false;
  const control = readPci(at, capability);
  const wide = (control & msiWide) !== 0;
  writePci(at, u32(capability + 4), address);
  if (wide) writePci(at, u32(capability + 8), 0);
  const data = u32(capability + (wide ? 12 : 8));
  writePci(at, data, u32((readPci(at, data) & 0xffff_0000) | vector));
  // One message of all that it could send.
  writePci(at, capability, u32((control & ~msiMessages) | msiEnable));
  return true;
}
