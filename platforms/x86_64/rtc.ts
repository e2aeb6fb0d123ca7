/**
 * The time of day from the machine's MC146818: read once, and once more at the moment when its second changes, which
 * its update interrupt tells. Until then the time is right within a second, afterwards within microseconds.
 */
import { idiv } from "../../dsl/core/intrinsics.ts";
import { i32, u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { in8, out8, readTsc } from "./instructions.ts";

const indexPort = 0x70;
const dataPort = 0x71;
const statusA = 0x0a;
const statusB = 0x0b;
const statusC = 0x0c;

const updateInProgress = 0x80;
const updateEnable = 0x10;
const binaryMode = 0x04;
const mode24 = 0x02;
const afternoon = 0x80;

/** The time's registers (MC146818A datasheet); the century as firmware of PCs keeps it. */
const registers = Object.freeze([0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32]);
/** Their places in what `secondsOf` takes. */
export const rtcFields = Object.freeze({
  seconds: 0,
  minutes: 1,
  hours: 2,
  day: 3,
  month: 4,
  year: 5,
  century: 6,
} as const);

/** Looks at a clock that is always updating before its registers are taken as they are. */
const maxLooks = 100_000;

const WallClock = struct("WallClock", {
  /** Seconds since 1970-01-01 UTC when the TSC was `ticks`. */
  seconds: u64,
  ticks: u64,
  /** Taken at the change of a second. */
  exact: bool,
});
export type WallClock = ValueOf<typeof WallClock>;
export const wallClock = storage("wallClock", WallClock);

/** The registers as they were read. */
export const RtcReading = array(u8, 7);
export type RtcReading = ValueOf<typeof RtcReading>;
const reading = storage("rtcReading", RtcReading);

function read(register: u8): u8 {
  out8(indexPort, register);
  return in8(dataPort);
}

function write(register: u8, value: u8): void {
  out8(indexPort, register);
  out8(dataPort, value);
}

/** Days from 1970-01-01 to a day of the Gregorian calendar from 1600 on; `month` and `day` count from 1. */
export function daysSince1970(year: u32, month: u32, day: u32): i32 {
  // The year begins in March, so that the leap day is its last.
  const shifted = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const dayOfYear = idiv(153 * monthFromMarch + 2, 5) + day - 1;
  return i32(
    shifted * 365 + idiv(shifted, 4) - idiv(shifted, 100) + idiv(shifted, 400) + dayOfYear - 719_468,
  );
}

/** Seconds since 1970-01-01 UTC of registers that were read in the mode of status register B. */
export function secondsOf(from: RtcReading, mode: u8): u64 {
  const isBinary = (mode & binaryMode) !== 0;
  const rawHours = from[rtcFields.hours];
  let hours: u32 = plain(u8(rawHours & 0x7f), isBinary);
  if ((mode & mode24) === 0) {
    if (hours === 12) hours = 0;
    if ((rawHours & afternoon) !== 0) hours = hours + 12;
  }
  const inCentury = plain(from[rtcFields.year], isBinary);
  const century = plain(from[rtcFields.century], isBinary);
  // A clock without the century's register is younger than 2000 only in a museum.
  const year = (century >= 19 && century <= 25 ? century * 100 : 2000) + inCentury;
  const days = daysSince1970(
    year,
    plain(from[rtcFields.month], isBinary),
    plain(from[rtcFields.day], isBinary),
  );
  if (days < 0) return 0n;
  const inDay =
    hours * 3600 + plain(from[rtcFields.minutes], isBinary) * 60 + plain(from[rtcFields.seconds], isBinary);
  return u64(BigInt(days) * 86_400n + BigInt(inDay));
}

function plain(value: u8, isBinary: boolean): u8 {
  return isBinary ? value : u8((value >> 4) * 10 + (value & 15));
}

function readSeconds(): u64 {
  for (let i = 0; i < registers.length; i++) reading[i] = read(registers[i]);
  return secondsOf(reading, read(statusB));
}

/** Takes the time as it is, and asks for an interrupt when the second changes. */
export function startWallClock(): void {
  for (let i = 0; i < maxLooks; i++) {
    if ((read(statusA) & updateInProgress) === 0) break;
  }
  wallClock.seconds = readSeconds();
  wallClock.ticks = readTsc();
  wallClock.exact = false;
  read(statusC);
  write(statusB, u8(read(statusB) | updateEnable));
}

/** The second has just changed: the interrupt's work. The clock is left alone afterwards. */
export function onSecondChanged(): void {
  if ((read(statusC) & updateEnable) === 0 || wallClock.exact) return;
  wallClock.ticks = readTsc();
  wallClock.seconds = readSeconds();
  wallClock.exact = true;
  write(statusB, u8(read(statusB) & ~updateEnable));
}
