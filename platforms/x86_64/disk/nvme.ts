/**
 * Disks on NVMe controllers (NVM Express 1.4): the first namespace of each, with sectors of 512 bytes. One pair of queues,
 * one interrupt; a request becomes as many commands as its memory needs, whose data goes straight to and from it.
 */
import { array, bool, struct, type FixedArray } from "../../../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  load16,
  load32,
  load64,
  load8,
  store32,
  store64,
  volatile,
} from "../../../dsl/core/intrinsics.ts";
import { storage } from "../../../dsl/core/storage.ts";
import {
  BlockOperation,
  BlockResult,
  isIssued,
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
import { controllers } from "./controllers.ts";
import {
  completionsOf,
  freeCommand,
  mostCommands,
  nextCommand,
  nextCompletion,
  NvmeQueue,
  openQueue,
  queueLength,
  ring,
} from "./nvme-queue.ts";
import type { DiskDriver } from "./driver.ts";

/** Controllers that are driven. */
const most = 4;
/** Registers (§3.1). */
const capabilities = 0x00n;
const configuration = 0x14n;
const controllerStatus = 0x1cn;
const adminLengths = 0x24n;
const adminCommands = 0x28n;
const adminCompletions = 0x30n;
/** CC: enabled, entries of 64 and 16 bytes (§3.1.5). CSTS: ready, fatal. */
const enabled = 0x46_0001;
const isReady = 1;
const isFatal = 2;
/** Opcodes (§5, §6). */
const admin = Object.freeze({
  createCommands: 0x01,
  createCompletions: 0x05,
  identify: 0x06,
  setFeatures: 0x09,
});
const opcode = Object.freeze({ flush: 0x00, write: 0x01, read: 0x02, manage: 0x09 });
const deallocate = 4;
/** Invalid opcode, invalid field (§4.6.1.2.1). */
const unknownStatus = 0x02;
const pageBytes = 4096;
/** Pages of one command: its list of addresses is then a quarter of a kilobyte and crosses no page. */
const listEntries = 32;
const namespace = 1;

const Controller = struct(
  "NvmeController",
  {
    admin: NvmeQueue,
    queue: NvmeQueue,
    /** What the controller tells of itself. */
    identity: array(u8, pageBytes),
    /** For each command: addresses of its pages but the first, or the sectors to discard. */
    lists: array(array(u64, listEntries), queueLength),
    /** The request that each command belongs to. */
    owners: array(u16, queueLength),
    registers: u64,
    sectors: u64,
    /** Most bytes of one command. */
    mostBytes: u32,
    discards: bool,
    interrupts: bool,
  },
  { align: 4096 },
);

/** Makes the driver. Build time. */
export function nvme(): DiskDriver {
  const found = controllers({ name: "nvme", classCode: 0x01_0802, bar: 0, bytes: 0x2000n, most });
  const vector = hostVector("nvme", () => {
    acknowledge();
    interrupted(localCpuIndex());
  });
  const units = storage("nvme", array(Controller, most), { align: 4096 });
  type Unit = (typeof units)[number];

  const readRegister = (unit: Unit, register: u64): u32 => volatile.load32(u64(unit.registers + register));
  const writeRegister = (unit: Unit, register: u64, value: u32): void =>
    volatile.store32(u64(unit.registers + register), value);
  /** Waits until CSTS.RDY is as wanted, for as long as CAP.TO allows, in units of half a second. */
  const awaitReady = (unit: Unit, wanted: u32): boolean => {
    const halves = BigInt(u32(volatile.load32(u64(unit.registers + capabilities)) >>> 24) + 1);
    const end = u64(machine.now() + u64(halves * (machine.ticksPerSecond() >> 1n)));
    for (;;) {
      const status = readRegister(unit, controllerStatus);
      if ((status & isReady) === wanted) return true;
      if (machine.now() > end || ((status & isFatal) !== 0 && wanted !== 0)) return false;
    }
  };
  /** Does one administrative command and waits for it, up to two seconds. */
  const command = (unit: Unit, code: u16, prp1: u64, word10: u32, word11: u32, inNamespace: u32): boolean => {
    const place = nextCommand(unit.admin);
    place.opcode = code;
    place.namespace = inNamespace;
    place.prp1 = prp1;
    place.words[0] = word10;
    place.words[1] = word11;
    ring(unit.admin, 0);
    const end = u64(machine.now() + (machine.ticksPerSecond() << 1n));
    for (;;) {
      const { id, status } = nextCompletion(unit.admin);
      if (id >= 0) return (status & 0x7ff) === 0;
      if (machine.now() > end) return false;
    }
  };

  const readIdentity = (unit: Unit): boolean => {
    const at = addressOf(unit.identity);
    if (!command(unit, admin.identify, at, 1, 0, 0)) return false;
    // Bytes 77, 520 (§5.15.2.2): most data of a command, in pages; optional commands.
    const shift = load8(u64(at + 77n));
    unit.mostBytes = shift === 0 || shift > 5 ? listEntries * pageBytes : u32(pageBytes << (shift & 7));
    unit.discards = (load16(u64(at + 520n)) & 4) !== 0;
    if (!command(unit, admin.identify, at, 0, 0, namespace)) return false;
    const format = load32(u64(at + 128n + u64(BigInt(load8(u64(at + 26n)) & 15) * 4n)));
    // Sectors of 2^9 bytes without metadata (§5.15.2.1).
    if (((format >>> 16) & 0xff) !== 9 || (format & 0xffff) !== 0) return false;
    unit.sectors = load64(at);
    return true;
  };
  const createQueues = (unit: Unit): boolean => {
    const length = (queueLength - 1) << 16;
    const interrupting = unit.interrupts ? 2 : 0;
    return (
      command(unit, admin.setFeatures, 0n, 7, 0, 0) &&
      command(
        unit,
        admin.createCompletions,
        completionsOf(unit.queue),
        u32(length | 1),
        1 | interrupting,
        0,
      ) &&
      command(unit, admin.createCommands, addressOf(unit.queue), u32(length | 1), 0x1_0001, 0)
    );
  };
  /** Brings a controller up; what it was doing for the firmware ends here. */
  const open = (unit: Unit, registers: u64, at: u32): void => {
    unit.sectors = 0n;
    unit.registers = registers;
    enablePci(at);
    writeRegister(unit, configuration, 0);
    if (!awaitReady(unit, 0)) return;
    const low = volatile.load32(u64(registers + capabilities));
    const high = volatile.load32(u64(registers + capabilities + 4n));
    // MQES holds the queues, and MPSMIN allows pages of 4 KiB.
    if ((low & 0xffff) < queueLength - 1 || ((high >>> 16) & 15) !== 0) return;
    const stride = u64(4n << BigInt(high & 15));
    // Further doorbells lie behind what is mapped.
    if (stride > 512n) return;
    openQueue(unit.admin, registers, 0, stride);
    openQueue(unit.queue, registers, 1, stride);
    unit.interrupts = routeMessages(at, vector.vector, apicId());
    writeRegister(unit, adminLengths, ((queueLength - 1) << 16) | (queueLength - 1));
    volatile.store64(u64(registers + adminCommands), addressOf(unit.admin));
    volatile.store64(u64(registers + adminCompletions), completionsOf(unit.admin));
    writeRegister(unit, configuration, enabled);
    if (!awaitReady(unit, 1)) return;
    if (!readIdentity(unit) || !createQueues(unit)) unit.sectors = 0n;
  };

  /** Lays down the pages of the next command from where the request stands (§4.3); how many bytes they hold, and how many pages. */
  const layPages = (
    unit: Unit,
    request: BlockRequest,
    list: FixedArray<u64>,
  ): { readonly first: u64; readonly bytes: u32; readonly pages: u32 } => {
    let first: u64 = 0n;
    let bytes: u32 = 0;
    let pages: u32 = 0;
    let piece: u32 = request.piece;
    let begun: u64 = request.begun;
    const count = Math.min(request.pieceCount, maxPieces);
    for (let i = 0; i <= listEntries; i++) {
      if (piece >= count || bytes >= unit.mostBytes) break;
      const { hpa: start, bytes: whole } = pieceAt(request, piece);
      const hpa = u64(start + begun);
      const inPage = u32(hpa & 0xfffn);
      // Every page but the first begins at its start.
      if (pages > 0 && inPage !== 0) break;
      const rest = u64(whole - begun);
      const room = u32(Math.min(pageBytes - inPage, unit.mostBytes - Math.min(bytes, unit.mostBytes)));
      const step = rest < BigInt(room) ? u32(rest) : room;
      if (pages === 0) first = hpa;
      else list[Math.min(pages - 1, listEntries - 1)] = hpa;
      pages = u32(pages + 1);
      bytes = u32(bytes + step);
      begun = u64(begun + BigInt(step));
      if (begun >= whole) {
        piece = u32(piece + 1);
        begun = 0n;
      }
      // And every page but the last is used to its end.
      if (inPage + step !== pageBytes) break;
    }
    const whole = u32(bytes & ~511);
    return { first, bytes: whole, pages: u32((u32(first & 0xfffn) + whole + pageBytes - 1) >>> 12) };
  };
  const pieceAt = (request: BlockRequest, piece: u32): { readonly hpa: u64; readonly bytes: u64 } => {
    const p = request.pieces[Math.min(piece, maxPieces - 1)];
    return { hpa: p.hpa, bytes: p.bytes };
  };
  /** Moves a request on by bytes that have begun. */
  const advance = (request: BlockRequest, bytes: u32): void => {
    let left: u64 = BigInt(bytes);
    for (let i = 0; i < maxPieces; i++) {
      if (left === 0n) break;
      const rest = u64(pieceAt(request, request.piece).bytes - request.begun);
      if (left < rest) {
        request.begun = u64(request.begun + left);
        left = 0n;
      } else {
        left = u64(left - rest);
        request.piece = u16(request.piece + 1);
        request.begun = 0n;
      }
    }
    request.sector = u64(request.sector + BigInt(bytes >>> 9));
    request.sectors = u32(request.sectors - Math.min(bytes >>> 9, request.sectors));
  };

  /** Puts the next command of a request into the queue under an identifier. False: its memory cannot be named. */
  const begin = (unit: Unit, request: BlockRequest, id: u32): boolean => {
    const slot = id & (queueLength - 1);
    const list = unit.lists[slot];
    const place = nextCommand(unit.queue);
    place.namespace = namespace;
    switch (request.operation) {
      case BlockOperation.flush:
        place.opcode = opcode.flush;
        request.sectors = 0;
        break;
      case BlockOperation.discard: {
        // One range (§6.7.1).
        const range = addressOf(list);
        place.opcode = opcode.manage;
        place.prp1 = range;
        place.words[1] = deallocate;
        store32(range, 0);
        store32(u64(range + 4n), request.sectors);
        store64(u64(range + 8n), request.sector);
        request.sectors = 0;
        break;
      }
      default: {
        const { first, bytes, pages } = layPages(unit, request, list);
        if (bytes === 0) return false;
        place.opcode = request.operation === BlockOperation.write ? opcode.write : opcode.read;
        place.prp1 = first;
        place.prp2 = pages === 2 ? list[0] : pages > 2 ? addressOf(list) : 0n;
        place.words[0] = u32(request.sector);
        place.words[1] = u32(request.sector >> 32n);
        place.words[2] = u32(Math.min(bytes >>> 9, request.sectors) - 1);
        advance(request, bytes);
      }
    }
    unit.owners[slot] = request.index;
    partBegun(request);
    ring(unit.queue, id);
    return true;
  };

  const take = (unit: Unit, requests: BlockRequests): void => {
    for (let i = 0; i < mostCommands; i++) {
      const { id, status } = nextCompletion(unit.queue);
      if (id < 0) return;
      const code = status & 0x7ff;
      const result =
        code === 0 ? BlockResult.done : code <= unknownStatus ? BlockResult.unsupported : BlockResult.failed;
      const owner = unit.owners[id & (queueLength - 1)];
      if (owner < requests.length) partCompleted(requests[owner], result);
    }
  };

  return Object.freeze({
    map: found.map,
    make: (requests: BlockRequests, firstDisk: number): BlockDriver =>
      Object.freeze({
        disks: most,
        start(): void {
          for (let i = 0; i < most; i++)
            if (i < found.count()) open(units[i], found.list[i].registers, found.list[i].at);
        },
        sectors: (disk: u32): u64 => (disk < most ? units[disk].sectors : 0n),
        discards: (disk: u32): boolean => disk < most && units[disk].discards,
        interrupts: (disk: u32): boolean => disk < most && units[disk].interrupts,
        issue(request: BlockRequest): void {
          const disk = u32(request.disk - Math.min(firstDisk, request.disk));
          if (disk >= most) return;
          const unit = units[disk];
          for (let i = 0; i < mostCommands; i++) {
            if (isIssued(request)) return;
            const id = freeCommand(unit.queue);
            if (id < 0) return;
            if (!begin(unit, request, id)) {
              partBegun(request);
              partCompleted(request, BlockResult.outside);
              return;
            }
          }
        },
        poll(): void {
          for (let i = 0; i < most; i++) if (units[i].sectors !== 0n) take(units[i], requests);
        },
        halt(disk: u32): void {
          if (disk >= most) return;
          units[disk].sectors = 0n;
          writeRegister(units[disk], configuration, 0);
          awaitReady(units[disk], 0);
        },
      }),
  });
}
