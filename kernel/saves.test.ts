import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf, load64, load8, store64, store8 } from "../dsl/core/intrinsics.ts";
import { array, bool, make, ref, struct, viewAt } from "../dsl/core/layout.ts";
import { Domain } from "./domain.ts";
import { savedPart } from "./saved-part.ts";
import { mostSavedBytes, SaveProblem } from "./save-format.ts";
import type { SaveMedium } from "./save-stream.ts";
import { guestSaves, layoutText, type SavedGuest } from "./saves.ts";
import { addExtent, findExtent, sharedOwner } from "./slots.ts";
import { modelMachine, said, type ModelMachine } from "./testing/machine.ts";
import { startGuestTime } from "./timebase.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

const page = 4096;

/** A disk in memory, which fails from its `failsAfter`th transfer on. */
class Disk implements SaveMedium {
  readonly content: Uint8Array;
  failsAfter = Infinity;
  flushes = 0;
  constructor(pages: number) {
    this.content = new Uint8Array(pages * page);
  }
  #move(at: bigint, bytes: bigint, move: (i: number) => void): boolean {
    if (at % 4096n !== 0n || bytes % 4096n !== 0n) throw new Error("not whole pages");
    if (at + bytes > BigInt(this.content.length)) throw new Error("beyond the disk");
    if (this.failsAfter-- <= 0) return false;
    for (let i = 0; i < Number(bytes); i++) move(i);
    return true;
  }
  bytes = (): u64 => BigInt(this.content.length);
  read = (at: u64, to: u64, bytes: u64): boolean =>
    this.#move(at, bytes, (i) => store8(to + BigInt(i), this.content[Number(at) + i]!));
  write = (at: u64, from: u64, bytes: u64): boolean =>
    this.#move(at, bytes, (i) => {
      this.content[Number(at) + i] = load8(from + BigInt(i));
    });
  flush = (): boolean => {
    this.flushes++;
    return this.failsAfter > 0;
  };
}

const Uart = struct("TestUart", { lcr: u8, divisor: u16, fifo: array(u8, 4), ready: bool });
const WiderUart = struct("TestUart", { lcr: u16, divisor: u16, fifo: array(u8, 4), ready: bool, msr: u8 });
const Timer = struct("TestTimer", { channels: array(struct("TestChannel", { count: u32, due: u64 }), 3) });

let identity = 7n;
let resets = 0;
provide(virtualization, {
  identity: () => u64(identity),
  reset: () => {
    resets++;
  },
} as unknown as Virtualization);

/** Host memory at an address that is a multiple of 4 KiB. */
function pages(count: number): bigint {
  return (addressOf(make(array(u8, (count + 1) * page))) + 0xfffn) & ~0xfffn;
}

interface Scene {
  readonly machine: ModelMachine;
  readonly disk: Disk;
  readonly domain: Domain;
  readonly uart: InstanceType<typeof Object> & { lcr: number; divisor: number; ready: boolean };
  readonly guest: SavedGuest;
  readonly saves: ReturnType<typeof guestSaves>;
  at(pageNumber: number): bigint;
}

/** A guest of twelve pages in pieces of the given lengths, with a UART and a timer. */
function scene(
  disk: Disk,
  {
    pieces = [8, 4],
    uartType = Uart as typeof Uart | typeof WiderUart,
    name = "linux",
    machine = modelMachine(),
  } = {},
): Scene {
  const domain = make(Domain);
  for (const count of pieces) addExtent(domain.slots, 0, pages(count), BigInt(count * page));
  startGuestTime(domain.time);
  const uart = make(uartType as typeof Uart);
  const timer = make(Timer);
  const guest: SavedGuest = {
    index: 0,
    name,
    memoryBytes: BigInt(12 * page),
    parts: [savedPart("uart0", uart), savedPart("timer", timer), savedPart("time", domain.time)],
  };
  const saves = guestSaves([guest], disk);
  const at = (number: number): bigint => findExtent(domain.slots, BigInt(number * page)).hpa;
  return { machine, disk, domain, uart: uart as never, guest, saves, at };
}

/** A scene whose guest is saved, and how many pages of the disk its save takes. */
function saved(): Scene {
  const s = scene(new Disk(64));
  s.uart.lcr = 0x83;
  s.uart.divisor = 0x1234;
  for (const number of [0, 1, 7, 8, 11]) store64(s.at(number) + 8n * BigInt(number), BigInt(number + 1));
  if (s.saves.save(s.domain) !== SaveProblem.none) throw new Error("the scene is not saved");
  return s;
}
const memoryOf = (s: Scene): number[] =>
  Array.from({ length: 12 }, (_, i) => Array.from(viewAt(array(u64, 512), Number(s.at(i)))))
    .flat()
    .map(Number);

test.serial("a guest comes back in another run, with memory in other pieces", (t) => {
  const before = saved();
  resets = 0;
  const after = scene(before.disk, { pieces: [3, 5, 4] });
  store64(after.at(5), 99n);
  after.uart.lcr = 1;
  t.is(after.saves.restore(after.domain), SaveProblem.none);
  t.is(after.uart.lcr, 0x83);
  t.is(after.uart.divisor, 0x1234);
  t.deepEqual(memoryOf(after), memoryOf(before));
  t.is(resets, 1, "its vCPUs were reset before their parts came");
});

test.serial("memory that guests share is neither saved nor changed by a restore", (t) => {
  const before = saved();
  const shared = pages(1);
  addExtent(before.domain.slots, sharedOwner, shared, BigInt(page));
  store64(shared, 0x1111n);
  t.is(before.saves.save(before.domain), SaveProblem.none);
  store64(shared, 0x2222n);
  t.is(before.saves.restore(before.domain), SaveProblem.none);
  t.is(load64(shared), 0x2222n);
  t.is(load64(before.at(11) + 88n), 12n);
});

test.serial("a save is restored once", (t) => {
  const before = saved();
  t.true(before.saves.isSaved(before.domain));
  t.is(before.saves.restore(before.domain), SaveProblem.none);
  t.false(before.saves.isSaved(before.domain));
  t.is(before.saves.restore(before.domain), SaveProblem.nothingSaved);
});

test.serial("a save that is discarded is restored never", (t) => {
  const before = saved();
  t.is(before.saves.discard(before.domain), SaveProblem.none);
  t.is(before.saves.restore(before.domain), SaveProblem.nothingSaved);
  t.is(scene(new Disk(8)).saves.restore(make(Domain)), SaveProblem.nothingSaved);
});

test.serial("a damaged save is discarded too", (t) => {
  const { disk } = saved();
  disk.content[100]! ^= 1;
  const s = scene(disk);
  t.is(s.saves.restore(s.domain), SaveProblem.damaged);
  t.is(s.saves.discard(s.domain), SaveProblem.none);
  t.is(s.saves.restore(s.domain), SaveProblem.nothingSaved);
});

test.serial("only pages that hold something are written", (t) => {
  const s = saved();
  t.is(s.saves.keptMiB(), 1n);
  const nothing = scene(new Disk(64));
  t.is(nothing.saves.save(nothing.domain), SaveProblem.none);
  t.is(nothing.saves.keptMiB(), 0n);
  const used = (d: Disk): number => d.content.findLastIndex((byte) => byte !== 0);
  t.is(Math.ceil(used(s.disk) / page) - Math.ceil(used(nothing.disk) / page), 5);
});

test.serial("more runs than a chunk names come back", (t) => {
  const count = 1100;
  const build = (disk: Disk): Scene => {
    const s = scene(disk, { pieces: [] });
    addExtent(s.domain.slots, 0, pages(count), BigInt(count * page));
    return s;
  };
  const disk = new Disk(2000);
  const make1 = (d: Disk) => {
    const s = build(d);
    const guest = { ...s.guest, memoryBytes: BigInt(count * page) };
    return { ...s, saves: guestSaves([guest], d) };
  };
  const one = make1(disk);
  for (let i = 0; i < count; i += 2) store64(one.at(i), BigInt(i + 1));
  t.is(one.saves.save(one.domain), SaveProblem.none);
  const other = make1(disk);
  store64(other.at(1), 5n);
  t.is(other.saves.restore(other.domain), SaveProblem.none);
  for (let i = 0; i < count; i++)
    t.is(viewAt(array(u64, 1), Number(other.at(i)))[0], i % 2 === 0 ? BigInt(i + 1) : 0n);
});

test.serial("whichever byte of a save is damaged, it is refused, and devices stay as they are", (t) => {
  const { disk } = saved();
  const end = disk.content.findLastIndex((byte) => byte !== 0);
  const clean = disk.content.slice();
  // Every byte of what is not memory's content; a sample of that.
  const s = scene(disk);
  for (let at = 0; at <= end; at += at < 4 * page ? 7 : 1511) {
    disk.content.set(clean);
    disk.content[at]! ^= 0x10;
    s.uart.lcr = 0x55;
    const problem = s.saves.restore(s.domain);
    const expected = at < 8 ? [SaveProblem.nothingSaved] : [SaveProblem.damaged];
    t.true(expected.includes(problem), `byte ${at}: ${SaveProblem[problem]}`);
    t.is(s.uart.lcr, 0x55, `byte ${at}`);
  }
});

test.serial("a save that is cut short is refused", (t) => {
  const { disk } = saved();
  const end = Math.ceil((disk.content.findLastIndex((byte) => byte !== 0) + 1) / page);
  for (let kept = 0; kept < end; kept++) {
    const cut = new Disk(64);
    cut.content.set(disk.content.subarray(0, kept * page));
    const s = scene(cut);
    t.is(s.saves.restore(s.domain), kept === 0 ? SaveProblem.nothingSaved : SaveProblem.damaged, `${kept}`);
    const small = new Disk(kept);
    small.content.set(disk.content.subarray(0, kept * page));
    const problem = scene(small).saves.restore(s.domain);
    t.not(problem, SaveProblem.none, `a disk of ${kept} pages`);
  }
});

test.serial("while a save is being written there is none", (t) => {
  for (let transfers = 1; ; transfers++) {
    const s = saved();
    s.uart.lcr = 0x44;
    s.disk.failsAfter = transfers;
    const problem = s.saves.save(s.domain);
    s.disk.failsAfter = Infinity;
    const again = scene(s.disk);
    if (problem === SaveProblem.none) {
      t.true(transfers > 5, "there are several transfers to fail");
      t.is(again.saves.restore(again.domain), SaveProblem.none);
      t.is(again.uart.lcr, 0x44);
      return;
    }
    t.is(problem, SaveProblem.mediumFailed);
    // The last thing written is what makes it complete; it may be there though its flush failed.
    const restored = again.saves.restore(again.domain);
    if (restored === SaveProblem.none) t.is(again.uart.lcr, 0x44);
    else t.is(restored, SaveProblem.nothingSaved, `after ${transfers} transfers`);
  }
});

test.serial("another layout is refused, with the names of what differs", (t) => {
  const { disk } = saved();
  const s = scene(disk, { uartType: WiderUart });
  t.is(s.saves.restore(s.domain), SaveProblem.otherLayout);
  s.saves.tellDifferences(s.domain);
  t.is(
    said(s.machine).replaceAll("\r", ""),
    ["  saved: uart0.lcr u8 at 0", "  here: uart0.lcr u16 at 0", "  here: uart0.msr u8 at 9", ""].join("\n"),
  );
});

test.serial("long differences end with a word that there are more", (t) => {
  const { disk } = saved();
  const Many = struct("TestMany", Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`r${i}`, u8])));
  const s = scene(disk);
  const guest = { ...s.guest, parts: [...s.guest.parts, savedPart("many", make(Many))] };
  const saves = guestSaves([guest], disk);
  t.is(saves.restore(s.domain), SaveProblem.otherLayout);
  saves.tellDifferences(s.domain);
  const lines = said(s.machine).split("\r\n");
  t.is(lines.length, 18);
  t.is(lines[16], "  and more");
});

test.serial("another guest's save is refused", (t) => {
  const { disk } = saved();
  const s = scene(disk, { name: "linux2" });
  t.is(s.saves.restore(s.domain), SaveProblem.otherGuest);
});

test.serial("another processor, and a counter of another rate, are refused", (t) => {
  const { disk } = saved();
  identity = 8n;
  const s = scene(disk);
  t.is(s.saves.restore(s.domain), SaveProblem.otherProcessor);
  identity = 7n;
  const faster = scene(disk, { machine: modelMachine(1_100_000_000n) });
  t.is(faster.saves.restore(faster.domain), SaveProblem.otherRate);
  const close = scene(disk, { machine: modelMachine(1_001_000_000n) });
  t.is(close.saves.restore(close.domain), SaveProblem.none);
});

test.serial("a disk that is missing or too small is told apart", (t) => {
  const none = scene(new Disk(0));
  t.is(none.saves.save(none.domain), SaveProblem.noMedium);
  t.is(none.saves.restore(none.domain), SaveProblem.noMedium);
  const small = scene(new Disk(4));
  store64(small.at(0), 1n);
  store64(small.at(3), 1n);
  t.is(small.saves.save(small.domain), SaveProblem.mediumTooSmall);
  t.is(small.saves.restore(small.domain), SaveProblem.nothingSaved);
});

test.serial("the guests' saves lie beside one another", (t) => {
  const disk = new Disk(256);
  const [one, other] = [scene(disk), scene(disk, { name: "bsd" })];
  other.domain.index = 1;
  const saves = guestSaves([one.guest, { ...other.guest, index: 1 }], disk);
  one.uart.lcr = 1;
  other.uart.lcr = 2;
  for (let i = 0; i < 12; i++) {
    store64(one.at(i), 100n + BigInt(i));
    store64(other.at(i), 200n + BigInt(i));
  }
  t.is(saves.save(one.domain), SaveProblem.none);
  t.is(saves.save(other.domain), SaveProblem.none);
  const [first, second] = [memoryOf(one), memoryOf(other)];
  one.uart.lcr = 0;
  other.uart.lcr = 0;
  t.is(saves.restore(other.domain), SaveProblem.none);
  t.is(saves.restore(one.domain), SaveProblem.none);
  t.deepEqual([one.uart.lcr, other.uart.lcr], [1, 2]);
  t.deepEqual([memoryOf(one), memoryOf(other)], [first, second]);
});

test.serial("a guest's save is found in an image whose other guests have grown", (t) => {
  const disk = new Disk(512);
  const [one, other] = [scene(disk), scene(disk, { name: "bsd" })];
  other.domain.index = 1;
  const second = { ...other.guest, index: 1 };
  other.uart.lcr = 2;
  store64(other.at(3), 5n);
  t.is(guestSaves([one.guest, second], disk).save(other.domain), SaveProblem.none);
  other.uart.lcr = 0;
  const grown = { ...one.guest, memoryBytes: BigInt(200 * page) };
  const saves = guestSaves([grown, second], disk);
  t.is(saves.restore(other.domain), SaveProblem.none);
  t.is(other.uart.lcr, 2);
  // What the first guest's save then takes is told when it is missed.
  t.is(guestSaves([one.guest, second], disk).save(other.domain), SaveProblem.none);
  addExtent(one.domain.slots, 0, pages(188), BigInt(188 * page));
  for (let i = 0; i < 200; i++) store64(one.at(i), 1n);
  t.is(saves.save(one.domain), SaveProblem.none);
  t.is(saves.restore(other.domain), SaveProblem.damaged);
});

test.serial("how long a guest was away is told in seconds, and never less than none", (t) => {
  const s = saved();
  s.machine.ticks = 90_500_000_000n;
  t.is(s.saves.restore(s.domain), SaveProblem.none);
  t.is(s.saves.awaySeconds(s.domain), 90n);
  s.machine.ticks = 0n;
  t.is(s.saves.awaySeconds(s.domain), 0n);
});

test("a layout has a line for every scalar, with elements of arrays once", (t) => {
  const value = make(
    struct("TestLayout", { flag$: struct("TestFlag", { value: bool }), channels: array(Timer, 2) }),
  );
  const parts = [savedPart("device", value)];
  t.is(
    layoutText({ index: 0, name: "linux", memoryBytes: 4096n, parts }),
    [
      "memory 4096 bytes",
      "device.flag bool at 0",
      "device.channels 2 of 48 bytes at 8",
      "device.channels[].channels 3 of 16 bytes at 0",
      "device.channels[].channels[].count u32 at 0",
      "device.channels[].channels[].due u64 at 8",
      "",
    ].join("\n"),
  );
});

test("a range of a struct's fields is a part, and a reference cannot be one", (t) => {
  const Whole = struct("TestWhole", { a: u32, b: u64, c: u8, other: ref(Timer) });
  const part = savedPart("whole", make(Whole), { from: "b", before: "other" });
  t.deepEqual([part.offset, part.bytes], [8n, 16n]);
  t.deepEqual(part.layout, ["whole.b u64 at 0", "whole.c u8 at 8"]);
  t.throws(() => savedPart("whole", make(Whole)), { message: /whole\.other is a reference/ });
  t.throws(() => savedPart("whole", make(Whole), { from: "d" }), { message: /has no field d/ });
  t.throws(() => savedPart("whole", {}), { message: /only structs and arrays/ });
});

test("what a save takes at most is enough where every second page is empty", (t) => {
  t.is(mostSavedBytes(1n, 1n, BigInt(2040 * page)), BigInt((1 + 1 + 2040 + 4) * page));
});
