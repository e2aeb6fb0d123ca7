/**
 * A port of an AHCI controller (Serial ATA AHCI 1.3.1 §3.3, §4.2): its registers, and the one command that it has at a time,
 * in the first slot of its list.
 */
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, fence, fillBytes, volatile } from "../../../dsl/core/intrinsics.ts";
import { maxPieces } from "../../../kernel/block.ts";
import { machine } from "../../../kernel/machine.ts";

/** Registers of a port (§3.3). */
const listBase = 0x00n;
const receivedBase = 0x08n;
const interruptStatus = 0x10n;
const interruptEnable = 0x14n;
const command = 0x18n;
const taskFile = 0x20n;
const signature = 0x24n;
const linkStatus = 0x28n;
const linkErrors = 0x30n;
const commandIssue = 0x38n;
/** PxCMD: started, spun up, powered, receives; it still receives, it still runs (§3.3.7). */
const start = 0x0001;
const spinUp = 0x0006;
const receive = 0x0010;
const receiving = 0x4000;
const running = 0x8000;
/** PxTFD: busy or requesting data, error (§3.3.8). PxIS: task file error, and other errors (§3.3.5). */
const busy = 0x88;
const failing = 0x01;
const errors = 0x7800_0000;
/** A register FIS or a PIO set-up FIS came, or an error (§3.3.6). */
const interrupting = 0x7800_0003;
const linkUp = 3;
const ataSignature = 0x101;

/** One stretch of memory (§4.2.3.3). */
const Region = struct("AhciRegion", { address: u64, spare: u32, length: u32 });
/** What the HBA reads and writes of a port. */
const PortMemory = struct(
  "AhciPortMemory",
  {
    /** The list's first entry: its flags and count of regions, bytes moved, the table's address (§4.2.2). */
    header: array(u32, 8),
    otherHeaders: array(u32, 31 * 8),
    received: array(u32, 64),
    /** The register FIS of the command (Serial ATA 3.0 §10.3.4), then its regions. */
    fis: array(u8, 128),
    regions: array(Region, maxPieces),
    /** What the disk tells of itself, or sectors to discard. */
    buffer: array(u64, 64),
  },
  { align: 1024 },
);
/** A port and its disk. */
export const AhciPort = struct(
  "AhciPort",
  {
    memory: PortMemory,
    /** Of the port's registers; 0: there is none. */
    registers: u64,
    sectors: u64,
    /** The request that the command belongs to, plus 1; 0: there is no command. */
    owner: u16,
    trims: u8,
    interrupts: u8,
  },
  { align: 1024 },
);
export type AhciPort = ValueOf<typeof AhciPort>;

const read = (port: AhciPort, register: u64): u32 => volatile.load32(u64(port.registers + register));
const write = (port: AhciPort, register: u64, value: u32): void =>
  volatile.store32(u64(port.registers + register), value);

/** Waits until bits of a register have a value, for a second shifted right; false where they do not come to it. */
function awaitBits(port: AhciPort, register: u64, mask: u32, value: u32, shift: u64): boolean {
  const end = u64(machine.now() + (machine.ticksPerSecond() >> (shift & 63n)));
  while (u32(read(port, register) & mask) !== value) if (machine.now() > end) return false;
  return true;
}

/** Makes a port leave memory alone (§10.1.2). */
export function stopPort(port: AhciPort): boolean {
  write(port, command, u32(read(port, command) & ~start));
  if (!awaitBits(port, command, running, 0, 0n)) return false;
  write(port, command, u32(read(port, command) & ~receive));
  return awaitBits(port, command, receiving, 0, 0n);
}

/** Starts a port that is stopped, with nothing to do. */
export function startPort(port: AhciPort): void {
  write(port, linkErrors, 0xffff_ffff);
  write(port, interruptStatus, 0xffff_ffff);
  write(port, command, u32(read(port, command) | receive));
  write(port, command, u32(read(port, command) | start));
}

/** Takes a port over from whoever had it; false where no ATA disk is at it. */
export function openPort(port: AhciPort, registers: u64): boolean {
  port.registers = registers;
  port.owner = 0;
  if (!stopPort(port)) return false;
  const memory = addressOf(port.memory);
  fillBytes(memory, 0, BigInt(PortMemory.size));
  volatile.store32(u64(registers + listBase), u32(memory));
  volatile.store32(u64(registers + listBase + 4n), u32(memory >> 32n));
  const received = addressOf(port.memory.received);
  volatile.store32(u64(registers + receivedBase), u32(received));
  volatile.store32(u64(registers + receivedBase + 4n), u32(received >> 32n));
  write(port, command, u32(read(port, command) | spinUp));
  // A hundredth of a second for a link, and sixteen for its disk.
  if (!awaitBits(port, linkStatus, 0xf, linkUp, 7n)) return false;
  startPort(port);
  if (!awaitBits(port, taskFile, busy, 0, 0n)) return false;
  return read(port, signature) === ataSignature;
}

/** Lets a port interrupt when its command has ended. */
export function interruptAtEnd(port: AhciPort): void {
  write(port, interruptEnable, interrupting);
}

/** What a command asks of the disk (ATA/ATAPI Command Set 3 §7). */
export interface AtaCommand {
  readonly code: u8;
  readonly feature: u8;
  readonly sector: u64;
  readonly count: u16;
  /** Data goes to the disk. */
  readonly writes: boolean;
}

/** Describes the region with a number; at most 4 MiB, an even number of bytes at an even address. */
export function setRegion(port: AhciPort, index: u32, hpa: u64, bytes: u32): void {
  if (index >= maxPieces) return;
  const region = port.memory.regions[index];
  region.address = hpa;
  region.length = u32(bytes - 1);
}

/** Begins a command over the first `regions` regions. */
export function beginCommand(port: AhciPort, ata: AtaCommand, regions: u32): void {
  const { memory } = port;
  const { fis } = memory;
  const { sector, count } = ata;
  fis[0] = 0x27;
  fis[1] = 0x80;
  fis[2] = ata.code;
  fis[3] = ata.feature;
  fis[7] = 0x40;
  for (let i = 0; i < 3; i++) {
    fis[4 + i] = u8(sector >> BigInt(8 * i));
    fis[8 + i] = u8(sector >> BigInt(24 + 8 * i));
  }
  fis[12] = u8(count);
  fis[13] = u8(count >>> 8);
  const table = addressOf(fis);
  // Five words of FIS; the direction; how many regions.
  memory.header[0] = u32(5 | (ata.writes ? 0x40 : 0) | (Math.min(regions, maxPieces) << 16));
  memory.header[1] = 0;
  memory.header[2] = u32(table);
  memory.header[3] = u32(table >> 32n);
  fence();
  write(port, commandIssue, 1);
}

/** How a port's command stands. */
export enum CommandState {
  underWay = 0,
  done = 1,
  /** The port has been started again. */
  failed = 2,
}

/** Looks at a port's command. */
export function commandState(port: AhciPort): CommandState {
  const status = read(port, interruptStatus);
  if (status !== 0) write(port, interruptStatus, status);
  if ((status & errors) !== 0) {
    stopPort(port);
    startPort(port);
    return CommandState.failed;
  }
  if ((read(port, commandIssue) & 1) !== 0) return CommandState.underWay;
  fence();
  return (read(port, taskFile) & failing) === 0 ? CommandState.done : CommandState.failed;
}
