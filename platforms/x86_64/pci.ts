/**
 * The host's PCI functions, through configuration mechanism 1 (PCI local bus 3.0 §3.2.2.3.2). Buses are those that can be
 * reached from bus 0 through bridges, as the firmware has numbered them.
 */
import { array, bool, struct } from "../../dsl/core/layout.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import { in32, out32 } from "./instructions.ts";

const addressPort = 0xcf8;
const dataPort = 0xcfc;
const enable = 0x8000_0000;

/** Offsets in configuration space (PCI local bus 3.0 §6.1, PCI-to-PCI bridge 1.2 §3.2). */
export const pciRegister = Object.freeze({
  identity: 0x00,
  command: 0x04,
  classCode: 0x08,
  headerType: 0x0c,
  firstBar: 0x10,
  busNumbers: 0x18,
  capabilities: 0x34,
} as const);
/** Memory decoding, bus mastership, no INTx (§6.2.2). */
export const pciCommand = Object.freeze({ memory: 0x002, busMaster: 0x004, noPin: 0x400 } as const);

const hasCapabilities = 0x10_0000;
const mostCapabilities = 48;

/** Reads 32 bits of a function's configuration space; `at` has bus [23:16], device [15:11], function [10:8]. */
export function readPci(at: u32, register: u32): u32 {
  out32(addressPort, u32(enable | at | (register & 0xfc)));
  return in32(dataPort);
}

/** Writes 32 bits of a function's configuration space. */
export function writePci(at: u32, register: u32, value: u32): void {
  out32(addressPort, u32(enable | at | (register & 0xfc)));
  out32(dataPort, value);
}

/** Offset of a capability, or 0 (§6.7). */
export function findCapability(at: u32, id: u8): u32 {
  if ((readPci(at, pciRegister.command) & hasCapabilities) === 0) return 0;
  let offset = u32(readPci(at, pciRegister.capabilities) & 0xfc);
  for (let i = 0; i < mostCapabilities; i++) {
    if (offset === 0) return 0;
    const word = readPci(at, offset);
    if ((word & 0xff) === id) return offset;
    offset = u32((word >>> 8) & 0xfc);
  }
  return 0;
}

/** Host-physical address behind a base address register of memory; 0 where there is none (§6.2.5.1). */
export function memoryBehind(at: u32, bar: u32): u64 {
  if (bar > 5) return 0n;
  const register = u32(pciRegister.firstBar + 4 * bar);
  const low = readPci(at, register);
  if ((low & 1) !== 0) return 0n;
  const high = (low & 6) === 4 && bar < 5 ? readPci(at, u32(register + 4)) : 0;
  return u64((BigInt(high) << 32n) | BigInt(u32(low & 0xffff_fff0)));
}

/** Lets a function decode memory and use the bus, and keeps its interrupt pin quiet. */
export function enablePci(at: u32): void {
  const command = readPci(at, pciRegister.command) & 0xffff;
  writePci(
    at,
    pciRegister.command,
    u32(command | pciCommand.memory | pciCommand.busMaster | pciCommand.noPin),
  );
}

const buses = storage("pciBuses", struct("PciBuses", { reached: array(bool, 256) }));

/** Calls `found` for every function with a class code (base class, sub-class, interface). */
export function eachPci(classCode: u32, found: (at: u32) => void): void {
  for (let bus = 0; bus < 256; bus++) buses.reached[bus] = bus === 0;
  for (let bus = 0; bus < 256; bus++) {
    if (!buses.reached[bus]) continue;
    for (let device = 0; device < 32; device++) {
      let functions = 1;
      for (let index = 0; index < 8; index++) {
        if (index >= functions) break;
        const at = u32((bus << 16) | (device << 11) | (index << 8));
        if ((readPci(at, pciRegister.identity) & 0xffff) === 0xffff) continue;
        const header = (readPci(at, pciRegister.headerType) >>> 16) & 0xff;
        if (index === 0 && (header & 0x80) !== 0) functions = 8;
        if (u32(readPci(at, pciRegister.classCode) >>> 8) === classCode) found(at);
        // A bridge's secondary bus has a higher number than its primary one.
        if ((header & 0x7f) === 1) buses.reached[(readPci(at, pciRegister.busNumbers) >>> 8) & 0xff] = true;
      }
    }
  }
}
