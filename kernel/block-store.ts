/**
 * The volumes of an image: what guests (and the kernel itself) have of the machine's disks. A volume is a partition that
 * the manifest names, or memory; whoever uses it sees sectors from 0 on, and can reach no others.
 */
import { array, bool, struct } from "../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { text, type Text } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import {
  addPiece,
  BlockOperation,
  BlockRequest,
  BlockResult,
  endRequest,
  isIssued,
  maxDiscardSectors,
  pieceBytes,
  RequestState,
  requestsPerVolume,
  type BlockDriver,
  type BlockRequests,
} from "./block.ts";
import { fileDisks } from "./file-disks.ts";
import { putDecimal, putText } from "./console.ts";
import { partitionReader } from "./gpt.ts";
import { machine } from "./machine.ts";
import { putPrefix } from "./notices.ts";

/** A volume: the only partition with a name in its disk's GUID partition table, or a payload. */
export type BlockVolume = (
  { readonly kind: "partition" } | { readonly kind: "file"; readonly payload: number }
) & { readonly name: string; readonly readOnly: boolean };

/** Makes a driver over the image's requests, in which its disks have numbers from `firstDisk` on. */
export type BlockDriverMaker = (requests: BlockRequests, firstDisk: number) => BlockDriver;

/** The volumes at run time. */
export interface BlockStore {
  /** Finds disks and partitions, and says what is missing; called once, before the first guest. */
  start(): void;
  /** Size of a volume; 0 where it is missing. */
  sectors(volume: u32): u64;
  /** Whether a volume takes discards. */
  discards(volume: u32): boolean;
  readOnly(volume: u32): boolean;
  /** A volume's request with a number below `requestsPerVolume`, emptied for `addPiece`; null while it is under way. */
  open(volume: u32, slot: u32): BlockRequest | null;
  /** The same as it is. */
  request(volume: u32, slot: u32): BlockRequest | null;
  /** Hands a request in, from a sector of its volume on; flushes have neither sectors nor memory, discards no memory. The next `poll` begins it, and it is finished in any case. */
  submit(volume: u32, request: BlockRequest, operation: u32, sector: u64, sectors: u32): void;
  /** Takes note of what disks have completed, and tells `finished` of every request once. */
  poll(finished: (volume: u32, slot: u32, result: u32) => void): void;
  /** Whether something is under way. */
  busy(): boolean;
  /** While something is under way: how soon `poll` is wanted at the latest, in ticks; interrupts come earlier. */
  pollTicks(): u64;
  /** Waits until nothing of a volume is under way, so that no disk touches its memory. Nobody is told of what was. */
  drain(volume: u32): void;
  /** Reads, writes or flushes and waits for it: for the start, and where no guest runs meanwhile. `bytes` are whole sectors at an address divisible by 4. A `BlockResult`. */
  transfer(volume: u32, operation: u32, sector: u64, hpa: u64, bytes: u64): u32;
}

/** Ticks after which a disk that has not answered is given up: a second shifted left by this, 32 s. */
const patienceShift = 5n;
/** How often disks without interrupts are looked at: a second shifted right by this, a quarter of a millisecond. */
const pollShift = 12n;

/** Bytes that `transfer` moves at once. */
const transferBytes = 0x10_0000n;

/** Builds the store of an image. */
export function blockStore(volumes: readonly BlockVolume[], makers: readonly BlockDriverMaker[]): BlockStore {
  const requestCount = volumes.length * requestsPerVolume + 1;
  const own = requestCount - 1;
  const requests = storage("blockRequests", array(BlockRequest, requestCount));
  const State = struct("BlockVolume", { first: u64, sectors: u64, disk: u16, places: u16, discards: bool });
  const states = storage("blockVolumes", array(State, Math.max(volumes.length, 1)));
  const turn = storage("blockTurn", struct("BlockTurn", { next: u32 }));
  const lastVolume = volumes.length - 1;
  const files = volumes.flatMap((v, index) => (v.kind === "file" ? [{ index, payload: v.payload }] : []));
  const fileMakers = files.length === 0 ? [] : [fileDisks(files.map(({ payload }) => payload))];
  let firstDisk = 0;
  /** Disks have numbers over all drivers. */
  const drivers = Object.freeze(
    [...makers, ...fileMakers].map((make) => {
      const driver = make(requests, firstDisk);
      const first = firstDisk;
      firstDisk += driver.disks;
      return Object.freeze({ driver, first, end: firstDisk });
    }),
  );
  const names = Object.freeze(
    volumes.map(({ kind, name, readOnly }, index) => Object.freeze({ index, kind, name, readOnly })),
  );
  const partitions = names.filter(({ kind }) => kind === "partition");
  /** Files' disks are the last. */
  const fileVolumes = Object.freeze(
    files.map(({ index }, i) => Object.freeze({ index, disk: firstDisk - files.length + i })),
  );
  const partitioned = Object.freeze(drivers.slice(0, makers.length));

  const issue = (request: BlockRequest): void => {
    const disk = request.disk;
    for (const d of drivers) if (disk >= d.first && disk < d.end) d.driver.issue(request);
  };
  const sectorsOf = (disk: u32): u64 => {
    for (const d of drivers)
      if (disk >= d.first && disk < d.end) return d.driver.sectors(u32(disk - d.first));
    return 0n;
  };
  /** Gives a disk up that does not answer; its requests come to nothing. */
  const giveUp = (disk: u32): void => {
    for (const d of drivers) if (disk >= d.first && disk < d.end) d.driver.halt(u32(disk - d.first));
    for (let i = 0; i < requestCount; i++) {
      const request = requests[i];
      if (request.disk === disk && request.state === RequestState.active)
        endRequest(request, BlockResult.absent);
    }
    putPrefix();
    putText(text("a disk does not answer, and is not used any more\n"));
  };

  const look = (): void => {
    for (const d of drivers) d.driver.poll();
    // Round and round, so that none of those that wait for one disk waits for ever.
    const first = turn.next;
    for (let i = 0; i < requestCount; i++) {
      const index = first + i < requestCount ? first + i : first + i - requestCount;
      const request = requests[Math.min(index, own)];
      if (request.state === RequestState.active) {
        if (!isIssued(request)) {
          issue(request);
          if (isIssued(request)) turn.next = u32(Math.min(index + 1, own));
        }
        if (request.state === RequestState.active && machine.now() > request.deadline) giveUp(request.disk);
      }
    }
  };

  const isBusy = (): boolean => {
    for (let i = 0; i < requestCount; i++) if (requests[i].state !== RequestState.free) return true;
    return false;
  };

  /** Begins a request for sectors of a disk. */
  const start = (request: BlockRequest, disk: u32, operation: u32, sector: u64, sectors: u32): void => {
    request.operation = u8(operation);
    request.result = BlockResult.done;
    request.pending = 0;
    request.piece = 0;
    request.begun = 0n;
    request.disk = u16(disk);
    request.sector = sector;
    request.sectors = sectors;
    request.deadline = u64(machine.now() + (machine.ticksPerSecond() << patienceShift));
    request.state = RequestState.active;
    if (sectorsOf(disk) === 0n) endRequest(request, BlockResult.absent);
  };
  const empty = (request: BlockRequest, index: u32): void => {
    request.index = u16(index);
    request.pieceCount = 0;
  };

  /** Does one thing with a disk and waits for it. */
  const transferOn = (disk: u32, operation: u32, sector: u64, hpa: u64, bytes: u64): u32 => {
    const request = requests[own];
    empty(request, own);
    addPiece(request, hpa, bytes);
    // A flush counts as one sector for as long as it has not begun.
    const sectors = operation === BlockOperation.flush ? 1 : u32(bytes >> 9n);
    start(request, disk, operation, sector, sectors);
    while (request.state === RequestState.active) look();
    request.state = RequestState.free;
    return request.result;
  };

  /** Whether sectors lie on a volume. */
  const onVolume = (volume: u32, sector: u64, sectors: u64): boolean => {
    const whole = states[Math.min(volume, lastVolume)].sectors;
    return sector <= whole && sectors <= u64(whole - sector);
  };
  const isReadOnly = (volume: u32): boolean => {
    for (const v of names) if (volume === v.index) return v.readOnly;
    return true;
  };
  /** What speaks against a request; `done` where nothing does. */
  const objection = (volume: u32, operation: u32, sector: u64, sectors: u32, memory: u64): u32 => {
    const state = states[Math.min(volume, lastVolume)];
    if (state.sectors === 0n) return BlockResult.absent;
    if (operation === BlockOperation.flush) return BlockResult.done;
    if (operation !== BlockOperation.read && isReadOnly(volume)) return BlockResult.failed;
    if (!onVolume(volume, sector, BigInt(sectors))) return BlockResult.outside;
    if (operation === BlockOperation.discard)
      return !state.discards
        ? BlockResult.unsupported
        : sectors > maxDiscardSectors
          ? BlockResult.outside
          : BlockResult.done;
    return memory === u64(BigInt(sectors) << 9n) ? BlockResult.done : BlockResult.outside;
  };

  const tellMissing = (name: Text, places: u32): void => {
    putPrefix();
    putText(text("partition "));
    putText(name);
    if (places === 0) putText(text(" is on no disk of this machine; whoever has it sees an empty disk\n"));
    else {
      putText(text(" is there "));
      putDecimal(u64(places));
      putText(text(" times, and none of them is used; whoever has it sees an empty disk\n"));
    }
  };

  const reader = partitionReader(
    partitions,
    (disk: u32, sector: u64, hpa: u64, bytes: u64): boolean =>
      u64(sector + (bytes >> 9n)) <= sectorsOf(disk) &&
      transferOn(disk, BlockOperation.read, sector, hpa, bytes) === BlockResult.done,
  );
  const findPartitions = (disk: u32, sectors: u64, discards: boolean): void => {
    if (!reader.find(disk, sectors)) return;
    for (const v of partitions) {
      const partition = reader.partitions[v.index];
      const state = states[v.index];
      if (partition.found !== 0) {
        state.places = u16(state.places + partition.found);
        state.disk = u16(disk);
        state.first = partition.first;
        state.sectors = partition.sectors;
        state.discards = discards;
      }
    }
  };

  const requestOf = (volume: u32, slot: u32): BlockRequest | null => {
    if (volume > lastVolume || slot >= requestsPerVolume) return null;
    const request = requests[volume * requestsPerVolume + slot];
    return request.state === RequestState.free ? request : null;
  };

  return Object.freeze({
    start(): void {
      for (const d of partitioned) {
        d.driver.start();
        for (let disk: u32 = 0; disk < d.driver.disks; disk++) {
          const sectors = d.driver.sectors(disk);
          if (sectors !== 0n) findPartitions(u32(d.first + disk), sectors, d.driver.discards(disk));
        }
      }
      for (const f of fileVolumes) {
        const state = states[f.index];
        state.disk = f.disk;
        state.sectors = sectorsOf(f.disk);
      }
      for (const v of partitions) {
        const state = states[v.index];
        if (state.places !== 1) {
          state.sectors = 0n;
          tellMissing(text(v.name), state.places);
        }
      }
    },
    sectors: (volume: u32): u64 => states[Math.min(volume, lastVolume)].sectors,
    discards: (volume: u32): boolean => states[Math.min(volume, lastVolume)].discards,
    readOnly: isReadOnly,
    open(volume: u32, slot: u32): BlockRequest | null {
      const request = requestOf(volume, slot);
      if (request !== null) empty(request, u32(volume * requestsPerVolume + slot));
      return request;
    },
    request: requestOf,
    submit(volume: u32, request: BlockRequest, operation: u32, sector: u64, sectors: u32): void {
      const state = states[Math.min(volume, lastVolume)];
      const against = objection(volume, operation, sector, sectors, pieceBytes(request));
      if (against !== BlockResult.done) {
        request.result = BlockResult.done;
        endRequest(request, against);
      } else {
        const one = operation === BlockOperation.flush ? 1 : sectors;
        start(request, state.disk, operation, u64(state.first + sector), one);
      }
    },
    poll(finished: (volume: u32, slot: u32, result: u32) => void): void {
      look();
      for (let i = 0; i < own; i++) {
        const request = requests[i];
        if (request.state === RequestState.finished) {
          request.state = RequestState.free;
          finished(u32(i >>> 3), u32(i & 7), request.result);
        }
      }
    },
    busy: isBusy,
    pollTicks(): u64 {
      for (let i = 0; i < requestCount; i++) {
        const request = requests[i];
        if (request.state === RequestState.finished) return 0n;
        if (request.state === RequestState.active) {
          const disk = request.disk;
          for (const d of drivers)
            if (disk >= d.first && disk < d.end && !d.driver.interrupts(u32(disk - d.first)))
              return u64(machine.ticksPerSecond() >> pollShift);
        }
      }
      return machine.ticksPerSecond();
    },
    drain(volume: u32): void {
      if (volume > lastVolume) return;
      const first = u32(volume * requestsPerVolume);
      for (let i = first; i < first + requestsPerVolume; i++) {
        const request = requests[i];
        while (request.state === RequestState.active) look();
        request.state = RequestState.free;
      }
    },
    transfer(volume: u32, operation: u32, sector: u64, hpa: u64, bytes: u64): u32 {
      const state = states[Math.min(volume, lastVolume)];
      if ((bytes & 511n) !== 0n || (hpa & 3n) !== 0n || bytes >> 9n > 0xffff_ffffn)
        return BlockResult.outside;
      const against = objection(volume, operation, sector, u32(bytes >> 9n), bytes);
      if (against !== BlockResult.done) return against;
      let done: u64 = 0n;
      do {
        const rest = u64(bytes - done);
        const step = rest < transferBytes ? rest : transferBytes;
        const at = u64(state.first + sector + (done >> 9n));
        const result = transferOn(state.disk, operation, at, u64(hpa + done), step);
        if (result !== BlockResult.done) return result;
        done = u64(done + step);
      } while (done < bytes);
      return BlockResult.done;
    },
  });
}
