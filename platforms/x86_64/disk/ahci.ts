/**
 * SATA disks on AHCI controllers (Serial ATA AHCI 1.3.1, ATA/ATAPI Command Set 3), with sectors of 512 bytes and 48-bit
 * addresses. A disk does one command at a time, whose data goes straight to and from memory; a request is one command.
 */
import { array } from "../../../dsl/core/layout.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import { addressOf, fillBytes, load16, load64, volatile } from "../../../dsl/core/intrinsics.ts";
import { storage } from "../../../dsl/core/storage.ts";
import {
  BlockOperation,
  BlockResult,
  maxPieces,
  partBegun,
  partCompleted,
  type BlockDriver,
  type BlockRequest,
  type BlockRequests,
} from "../../../kernel/block.ts";
import { interrupted } from "../../../kernel/cpu.ts";
import { machine } from "../../../kernel/machine.ts";
import { acknowledge, apicId } from "../apic.ts";
import { localCpuIndex } from "../cpu.ts";
import { routeMessages } from "../message-interrupt.ts";
import { enablePci } from "../pci.ts";
import { hostVector } from "../vectors.ts";
import {
  AhciPort,
  beginCommand,
  CommandState,
  commandState,
  interruptAtEnd,
  openPort,
  setRegion,
  stopPort,
} from "./ahci-port.ts";
import { controllers } from "./controllers.ts";
import type { DiskDriver } from "./driver.ts";

const mostControllers = 2;
/** Disks that are driven. */
const most = 8;
/** Registers of the controller (§3.1). */
const capabilities = 0x00n;
const control = 0x04n;
const interruptStatus = 0x08n;
const portsImplemented = 0x0cn;
const moreCapabilities = 0x24n;
const handOff = 0x28n;
const ahciEnable = 0x8000_0000;
const interruptEnable = 2;
const addresses64 = 0x8000_0000;
/** BOHC: the firmware owns it, the system wants it (§3.1.11). */
const firmwareOwns = 1;
const systemOwns = 2;
const firstPort = 0x100n;
const portStride = 0x80n;
/** Commands (ATA/ATAPI Command Set 3 §7). */
const ata = Object.freeze({ read: 0x25, write: 0x35, flush: 0xea, manage: 0x06, identify: 0xec });
const trim = 1;
/** Most bytes of a region, most sectors of a command, and of one range to trim. */
const regionBytes = 0x40_0000n;
const mostSectors = 0x1_0000;
const mostTrimmed = 0xffff;

/** Makes the driver. Build time. */
export function ahci(): DiskDriver {
  const found = controllers({
    name: "ahci",
    classCode: 0x01_0601,
    bar: 5,
    bytes: 0x1100n,
    most: mostControllers,
  });
  const vector = hostVector("ahci", () => {
    acknowledge();
    interrupted(localCpuIndex());
  });
  const ports = storage("ahci", array(AhciPort, most), { align: 1024 });

  /** Waits for a port's command, up to two seconds. */
  const finish = (port: AhciPort): boolean => {
    const end = u64(machine.now() + (machine.ticksPerSecond() << 1n));
    for (;;) {
      const state = commandState(port);
      if (state !== CommandState.underWay) return state === CommandState.done;
      if (machine.now() > end) return false;
    }
  };
  const identityWord = (port: AhciPort, index: u32): u32 =>
    load16(u64(addressOf(port.memory.buffer) + BigInt(2 * index)));
  /** What a disk tells of itself (ATA/ATAPI Command Set 3 §7.12.7); false where it cannot be driven. */
  const readIdentity = (port: AhciPort): boolean => {
    const at = addressOf(port.memory.buffer);
    setRegion(port, 0, at, 512);
    beginCommand(port, { code: ata.identify, feature: 0, sector: 0n, count: 0, writes: false }, 1);
    if (!finish(port)) return false;
    // 48-bit addresses; sectors that are not longer than 512 bytes.
    if ((identityWord(port, 83) & 0x0400) === 0 || (identityWord(port, 106) & 0xd000) === 0x5000)
      return false;
    port.sectors = u64(load64(u64(at + 200n)) & 0xffff_ffff_ffffn);
    port.trims = identityWord(port, 169) & 1;
    return true;
  };
  /** Takes a controller over from the firmware (§10.6.3). */
  const takeOver = (registers: u64): boolean => {
    volatile.store32(u64(registers + control), ahciEnable);
    if ((volatile.load32(u64(registers + moreCapabilities)) & 1) !== 0) {
      const at = u64(registers + handOff);
      volatile.store32(at, u32(volatile.load32(at) | systemOwns));
      const end = u64(machine.now() + (machine.ticksPerSecond() << 1n));
      while ((volatile.load32(at) & firmwareOwns) !== 0) if (machine.now() > end) break;
    }
    return (volatile.load32(u64(registers + capabilities)) & addresses64) !== 0;
  };
  /** Opens the disks of a controller from number `first` on; the number behind them. */
  const open = (registers: u64, at: u32, first: u32): u32 => {
    enablePci(at);
    if (!takeOver(registers)) return first;
    const implemented = volatile.load32(u64(registers + portsImplemented));
    const interrupting = routeMessages(at, vector.vector, apicId());
    let next: u32 = first;
    for (let i = 0; i < 32; i++) {
      if (next >= most) break;
      if (((implemented >>> i) & 1) !== 0) {
        const port = ports[next];
        const place = u64(registers + firstPort + u64(portStride * BigInt(i)));
        if (openPort(port, place) && readIdentity(port)) {
          if (interrupting) interruptAtEnd(port);
          port.interrupts = interrupting ? 1 : 0;
          next = u32(next + 1);
        } else {
          stopPort(port);
          port.sectors = 0n;
        }
      }
    }
    volatile.store32(u64(registers + interruptStatus), 0xffff_ffff);
    if (interrupting) volatile.store32(u64(registers + control), u32(ahciEnable | interruptEnable));
    return next;
  };

  /** Describes a request's memory; how many regions, or 0 where it cannot be described. */
  const layRegions = (port: AhciPort, request: BlockRequest): u32 => {
    const count = Math.min(request.pieceCount, maxPieces);
    for (let i = 0; i < count; i++) {
      const piece = request.pieces[i];
      if (((piece.hpa | piece.bytes) & 1n) !== 0n || piece.bytes > regionBytes) return 0;
      setRegion(port, i, piece.hpa, u32(piece.bytes));
    }
    return u32(count);
  };
  /** Writes the ranges of a discard into the port's buffer (§7.5.3). */
  const layRanges = (port: AhciPort, request: BlockRequest): void => {
    fillBytes(addressOf(port.memory.buffer), 0, 512n);
    let sector: u64 = request.sector;
    let left: u32 = request.sectors;
    for (let i = 0; i < 64; i++) {
      if (left === 0) break;
      const count = u32(Math.min(left, mostTrimmed));
      port.memory.buffer[i] = u64((BigInt(count) << 48n) | (sector & 0xffff_ffff_ffffn));
      sector = u64(sector + BigInt(count));
      left = u32(left - count);
    }
    setRegion(port, 0, addressOf(port.memory.buffer), 512);
  };
  /** Begins a request; false where it cannot be said to a disk. */
  const begin = (port: AhciPort, request: BlockRequest): boolean => {
    const { sector } = request;
    switch (request.operation) {
      case BlockOperation.flush:
        beginCommand(port, { code: ata.flush, feature: 0, sector: 0n, count: 0, writes: false }, 0);
        return true;
      case BlockOperation.discard:
        layRanges(port, request);
        beginCommand(port, { code: ata.manage, feature: trim, sector: 0n, count: 1, writes: true }, 1);
        return true;
      default: {
        const regions = layRegions(port, request);
        if (regions === 0 || request.sectors > mostSectors) return false;
        const writes = request.operation === BlockOperation.write;
        const code = writes ? ata.write : ata.read;
        // A count of 0 means 65,536.
        beginCommand(port, { code, feature: 0, sector, count: u16(request.sectors), writes }, regions);
        return true;
      }
    }
  };

  return Object.freeze({
    map: found.map,
    make: (requests: BlockRequests, firstDisk: number): BlockDriver =>
      Object.freeze({
        disks: most,
        start(): void {
          let next: u32 = 0;
          for (let i = 0; i < mostControllers; i++)
            if (i < found.count()) next = open(found.list[i].registers, found.list[i].at, next);
        },
        sectors: (disk: u32): u64 => (disk < most ? ports[disk].sectors : 0n),
        discards: (disk: u32): boolean => disk < most && ports[disk].trims !== 0,
        interrupts: (disk: u32): boolean => disk < most && ports[disk].interrupts !== 0,
        issue(request: BlockRequest): void {
          const disk = u32(request.disk - Math.min(firstDisk, request.disk));
          if (disk >= most || ports[disk].owner !== 0) return;
          const port = ports[disk];
          partBegun(request);
          if (begin(port, request)) {
            port.owner = u16(request.index + 1);
            request.sectors = 0;
          } else partCompleted(request, BlockResult.outside);
        },
        poll(): void {
          for (let i = 0; i < mostControllers; i++)
            if (i < found.count())
              volatile.store32(u64(found.list[i].registers + interruptStatus), 0xffff_ffff);
          for (let i = 0; i < most; i++) {
            const port = ports[i];
            const owner = port.owner;
            if (port.sectors !== 0n && owner !== 0) {
              const state = commandState(port);
              if (state !== CommandState.underWay) {
                port.owner = 0;
                if (owner <= requests.length)
                  partCompleted(
                    requests[owner - 1],
                    state === CommandState.done ? BlockResult.done : BlockResult.failed,
                  );
              }
            }
          }
        },
        halt(disk: u32): void {
          if (disk >= most) return;
          stopPort(ports[disk]);
          ports[disk].sectors = 0n;
          ports[disk].owner = 0;
        },
      }),
  });
}
