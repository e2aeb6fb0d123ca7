/**
 * The real-time clock.
 *
 * The time is the board's, moved by what the guest has set; nothing is counted. Flags are computed when somebody looks,
 * and a timer runs only while an interrupt that is enabled has yet to come.
 */
import { idiv } from "../dsl/core/intrinsics.ts";
import {
  bank,
  bit,
  bits,
  board,
  constant,
  device,
  indirect,
  line,
  now,
  readOnly,
  repeat,
  retained,
  ro,
  rtcClock,
  rw,
  timer,
  u16,
  u32,
  u64,
  u8,
  type StateOf,
} from "../dsl/device/vocabulary.ts";

const memory = Object.freeze({ retained: true, about: "A byte that the battery keeps." });

const shape = device("mc146818", {
  title: "MC146818A real-time clock",
  about:
    "As a PC has it: with the century at index 0x32 and 112 bytes of memory that a battery keeps. The time is the board's, moved by what the guest has set.",
  manuals: ["Motorola MC146818A data sheet, ADI-1020", "Intel ICH9 data sheet 316972 §13.6"],
  banks: {
    ports: bank(u8, {
      index: rw(0, {
        at: bits(6, 0, "Which register the data port shows."),
        nmiOff: bit(7, "Kept, and without effect."),
      }),
      data: rw(1, {}, { about: "The register at the index." }),
    }),
    clock: indirect(
      u8,
      { index: "index.at", data: "data" },
      {
        /** By `Part`. */
        time: repeat(
          10,
          1,
          rw(
            0x00,
            {},
            {
              retained: true,
              about: "Seconds, minutes and hours, each followed by its alarm; weekday, day, month, year.",
            },
          ),
        ),
        a: rw(
          0x0a,
          {
            rate: bits(
              3,
              0,
              "The periodic interrupt: 0 none, n every 2^(n-1) ticks of 32.768 kHz, 1 and 2 as 8 and 9.",
            ),
            divider: bits(6, 4, "2: runs; 6 and 7: held, an update comes half a second after."),
            updating: readOnly(bit(7, "An update is about to come or under way.")),
          },
          { retained: true, reset: 0x26, section: "Register A" },
        ),
        b: rw(
          0x0b,
          {
            daylightSaving: bit(0, "Kept, and without effect."),
            hours24: bit(1, "Hours are 0 to 23; otherwise 1 to 12, with bit 7 in the afternoon."),
            binary: bit(2, "Numbers are binary; otherwise BCD."),
            squareWave: bit(3, "Kept, and without effect."),
            updateEnable: bit(4, "Updates interrupt."),
            alarmEnable: bit(5, "The alarm interrupts."),
            periodicEnable: bit(6, "The periodic interrupt is on."),
            set: bit(7, "The time stands, so that it can be set."),
          },
          { retained: true, reset: 0x02, section: "Register B" },
        ),
        c: ro(
          0x0c,
          {
            update: bit(4, "An update has ended."),
            alarm: bit(5, "The alarm has come."),
            periodic: bit(6, "A period has ended."),
            request: bit(7, "One of them is enabled and interrupts."),
          },
          { section: "Register C", about: "A read takes the interrupt back." },
        ),
        d: ro(0x0d, { valid: constant(bit(7, "The battery is good."), true) }, { section: "Register D" }),
        memory: repeat(36, 1, rw(0x0e, {}, memory)),
        century: rw(0x32, {}, { retained: true, about: "The upper two digits of the year." }),
        upperMemory: repeat(77, 1, rw(0x33, {}, memory)),
      },
    ),
  },
  state: {
    /** Added to the board's time of day; with it, seconds begin where this clock's do. */
    phaseNs: retained(u64),
    /** Added to the seconds, modulo 2^64. */
    offsetSeconds: retained(u64),
    /** Up to where the flags of register C are known: in seconds, and in ticks of 32.768 kHz. */
    checkedSeconds: u64,
    checkedTicks: u64,
    next: timer(),
    irq: line(),
  },
});
type Rtc = StateOf<typeof shape>;

const nsPerSecond = 1_000_000_000n;
const secondsPerDay = 86_400n;
/** Days from 0000-03-01 to 1970-01-01 in the Gregorian calendar: years that begin in March end in their leap day. */
const daysTo1970 = 719_468n;
/** An update takes 1,984 µs, and UIP is set 244 µs before it begins (MC146818A, table 6). */
const updateNs = 2_228_000n;
const halfSecondNs = 500_000_000n;
const flags = 0x70;
const none = 0xffff_ffff_ffff_ffffn;

// ---- Time -----------------------------------------------------------------------------------------------------

/** The divider chain's time in nanoseconds. */
function clockNs(u: Rtc): u64 {
  return u64(board.epoch() + now() + u.phaseNs);
}

/** Seconds since 0000-03-01 00:00, as the clock has them. */
function secondsAt(u: Rtc, ns: u64): u64 {
  return u64(u64(ns / nsPerSecond) + daysTo1970 * secondsPerDay + u.offsetSeconds);
}

/** Whether the time stands: SET is set, or the divider is held in reset. */
function frozen(u: Rtc): boolean {
  return u.b.set || u.a.divider >= 6;
}

interface CalendarDate {
  readonly year: u32;
  readonly month: u8;
  readonly day: u8;
}

/** The date of a day that is counted from 0000-03-01. */
function dateOf(days: u32): CalendarDate {
  const era = idiv(days, 146_097);
  const dayOfEra = days % 146_097;
  const yearOfEra = idiv(
    dayOfEra - idiv(dayOfEra, 1_460) + idiv(dayOfEra, 36_524) - idiv(dayOfEra, 146_096),
    365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + idiv(yearOfEra, 4) - idiv(yearOfEra, 100));
  const fromMarch = idiv(5 * dayOfYear + 2, 153);
  const day = dayOfYear - idiv(153 * fromMarch + 2, 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return { year: u32(era * 400 + yearOfEra + (fromMarch < 10 ? 0 : 1)), month: u8(month), day: u8(day) };
}

/** The day of a date, counted from 0000-03-01; before it, 0. */
function dayOf(year: u16, month: u8, day: u8): u32 {
  const early = month <= 2;
  const from = early ? year - 1 : year;
  if (from < 0) return 0;
  const era = idiv(from, 400);
  const yearOfEra = from % 400;
  const fromMarch = early ? month + 9 : month - 3;
  const dayOfYear = idiv(153 * fromMarch + 2, 5) + day - 1;
  return u32(era * 146_097 + yearOfEra * 365 + idiv(yearOfEra, 4) - idiv(yearOfEra, 100) + dayOfYear);
}

// ---- Formats --------------------------------------------------------------------------------------------------

/** A number below 100 as registers hold it: binary, or two decimal digits. */
function encoded(u: Rtc, value: u8): u8 {
  return u.b.binary ? value : u8((idiv(value, 10) << 4) | (value % 10));
}

function decoded(u: Rtc, raw: u8): u8 {
  return u.b.binary ? raw : u8((raw >>> 4) * 10 + (raw & 15));
}

/** An hour: in 12-hour mode 1 to 12, with bit 7 in the afternoon. */
function encodedHour(u: Rtc, hour: u8): u8 {
  if (u.b.hours24) return encoded(u, hour);
  const half = hour % 12;
  return u8(encoded(u, half === 0 ? 12 : half) | (hour >= 12 ? 0x80 : 0));
}

function decodedHour(u: Rtc, raw: u8): u8 {
  if (u.b.hours24) return decoded(u, raw);
  const half = decoded(u, raw & 0x7f) % 12;
  return u8(half + ((raw & 0x80) !== 0 ? 12 : 0));
}

/** The registers of the time, by their index. */
enum Part {
  seconds = 0,
  secondsAlarm = 1,
  minutes = 2,
  minutesAlarm = 3,
  hours = 4,
  hoursAlarm = 5,
  weekday = 6,
  day = 7,
  month = 8,
  year = 9,
  century = 0x32,
}

/** The indices among the registers of the time that are alarms, as bits. */
const alarmParts = 0x2a;

/** A register of the time as it is at `seconds`. */
function partAt(u: Rtc, seconds: u64, part: u8): u8 {
  switch (part) {
    case Part.seconds:
      return encoded(u, u8(seconds % 60n));
    case Part.minutes:
      return encoded(u, u8(u64(seconds / 60n) % 60n));
    case Part.hours:
      return encodedHour(u, u8(u64(seconds / 3_600n) % 24n));
    default:
  }
  const days = u32(seconds / secondsPerDay);
  // 1 is Sunday; 0000-03-01 was a Wednesday.
  if (part === Part.weekday) return encoded(u, u8(((days + 3) % 7) + 1));
  const date = dateOf(days);
  switch (part) {
    case Part.day:
      return encoded(u, date.day);
    case Part.month:
      return encoded(u, date.month);
    case Part.year:
      return encoded(u, u8(date.year % 100));
    default:
      return encoded(u, u8(idiv(date.year, 100)));
  }
}

/** Whether a register of the time is an alarm. */
function isAlarm(part: u8): boolean {
  return part < 10 && ((alarmParts >>> (part & 31)) & 1) !== 0;
}

/** A register of the time as a guest reads it; alarms, and a clock that stands, show what is stored. */
function presentPart(u: Rtc, part: u8, stored: u8): u8 {
  if (frozen(u) || isAlarm(part)) return stored;
  return partAt(u, secondsAt(u, clockNs(u)), part);
}

/** Puts the present time into the registers. */
function latch(u: Rtc): void {
  const seconds = secondsAt(u, clockNs(u));
  for (let part = 0; part <= 10; part += 1) {
    // The century follows the other nine in one loop, so that dates are computed in one place.
    if (part === 10) u.century.value = partAt(u, seconds, Part.century);
    else if (!isAlarm(part)) u.time[part].value = partAt(u, seconds, part);
  }
}

/** Makes the registers' time the present time. The weekday follows the date. */
function take(u: Rtc): void {
  const year = u16(decoded(u, u.century.value) * 100 + decoded(u, u.time[Part.year].value));
  const days = dayOf(year, decoded(u, u.time[Part.month].value), decoded(u, u.time[Part.day].value));
  const hours = decodedHour(u, u.time[Part.hours].value);
  const inDay =
    hours * 3_600 + decoded(u, u.time[Part.minutes].value) * 60 + decoded(u, u.time[Part.seconds].value);
  const wanted = u64(BigInt(days) * secondsPerDay + BigInt(inDay));
  const ns = clockNs(u);
  u.offsetSeconds = u64(u.offsetSeconds + wanted - secondsAt(u, ns));
  u.checkedSeconds = wanted;
}

// ---- Flags and interrupts -------------------------------------------------------------------------------------

/** The base-2 logarithm of the periodic interrupt's period in ticks of 32.768 kHz; 0 for none (table 5). */
function periodShift(u: Rtc): u8 {
  const rate = u.a.rate & 15;
  if (rate === 0 || u.a.divider >= 6) return 0;
  return rate <= 2 ? u8(rate + 6) : u8(rate - 1);
}

/** The first second after `after` at which the alarm's registers match; `none` where they never do. */
function nextAlarm(u: Rtc, after: u64): u64 {
  const anySecond = u.time[Part.secondsAlarm].value >= 0xc0;
  const anyMinute = u.time[Part.minutesAlarm].value >= 0xc0;
  const anyHour = u.time[Part.hoursAlarm].value >= 0xc0;
  const alarmSecond = anySecond ? 0 : decoded(u, u.time[Part.secondsAlarm].value);
  const alarmMinute = anyMinute ? 0 : decoded(u, u.time[Part.minutesAlarm].value);
  const alarmHour = anyHour ? 0 : decodedHour(u, u.time[Part.hoursAlarm].value);
  if (alarmSecond > 59 || alarmMinute > 59 || alarmHour > 23) return none;
  const first = u64(after + 1n);
  const start = u32(first % secondsPerDay);
  let at: u32 = start;
  if (!anySecond) at = u32(at + ((alarmSecond + 60 - (at % 60)) % 60));
  const minute = idiv(at, 60) % 60;
  if (!anyMinute && minute !== alarmMinute) {
    at = u32(at - (at % 60) + ((alarmMinute + 60 - minute) % 60) * 60 + alarmSecond);
  }
  const hour = idiv(at, 3_600) % 24;
  if (!anyHour && hour !== alarmHour) {
    at = u32(at - (at % 3_600) + ((alarmHour + 24 - hour) % 24) * 3_600 + alarmMinute * 60 + alarmSecond);
  }
  return u64(first + BigInt(u32(at - start)));
}

/** Register C's flags as they are at `ns`. */
function flagsAt(u: Rtc, ns: u64): u8 {
  let raised: u8 = u.c.value & flags;
  const shift = periodShift(u);
  if (shift !== 0) {
    const period = BigInt(shift & 31);
    if (u64(rtcClock.ticksAt(ns) >> period) !== u64(u.checkedTicks >> period)) raised = u8(raised | 0x40);
  }
  if (!frozen(u)) {
    const seconds = secondsAt(u, ns);
    if (seconds > u.checkedSeconds) {
      raised = u8(raised | 0x10);
      if (nextAlarm(u, u.checkedSeconds) <= seconds) raised = u8(raised | 0x20);
    }
  }
  return raised;
}

/** Register C with its flags: bit 7 says that one of them is enabled. */
function withRequest(u: Rtc, raised: u8): u8 {
  return u8(raised | ((raised & u.b.value & flags) !== 0 ? 0x80 : 0));
}

/** Stores the flags as they are now. What comes later is found by the next call: nothing falls between two. */
function catchUp(u: Rtc): void {
  const ns = clockNs(u);
  u.c.value = flagsAt(u, ns);
  u.checkedTicks = rtcClock.ticksAt(ns);
  if (!frozen(u)) u.checkedSeconds = secondsAt(u, ns);
}

/** Arms the timer for the next interrupt that is enabled and has not come yet. */
function rearm(u: Rtc): void {
  const wanted = u.b.value & ~u.c.value & flags;
  let due: u64 = none;
  if ((wanted & 0x40) !== 0) {
    const shift = periodShift(u);
    if (shift !== 0) {
      const period = BigInt(shift & 31);
      due = rtcClock.nsAt(u64(u64(u64(u.checkedTicks >> period) + 1n) << period));
    }
  }
  if ((wanted & 0x30) !== 0 && !frozen(u)) {
    const second = (wanted & 0x10) !== 0 ? u64(u.checkedSeconds + 1n) : nextAlarm(u, u.checkedSeconds);
    if (second !== none) {
      const start = u64(u64(second - daysTo1970 * secondsPerDay - u.offsetSeconds) * nsPerSecond);
      if (start < due) due = start;
    }
  }
  if (due === none) {
    u.next.cancel();
    return;
  }
  const zero = u64(board.epoch() + u.phaseNs);
  u.next.arm(due > zero ? u64(due - zero) : 0n);
}

// ---- Registers ------------------------------------------------------------------------------------------------

/** A guest's write to a register of the time: of a clock that runs, it changes the present time. */
function writePart(u: Rtc, part: u8, value: u8): void {
  const runs = !frozen(u);
  if (runs) {
    catchUp(u);
    if (!isAlarm(part)) latch(u);
  }
  if (part < 10) u.time[part].value = value;
  else u.century.value = value;
  if (runs) {
    if (!isAlarm(part)) take(u);
    rearm(u);
  }
}

export const mc146818 = shape.implement({
  peek: {
    time: (u, index) => presentPart(u, index, u.time[index < 10 ? index : 0].value),
    century: (u) => presentPart(u, Part.century, u.century.value),
    a: { updating: (u) => !frozen(u) && u64(clockNs(u) % nsPerSecond) >= nsPerSecond - updateNs },
    c: (u) => withRequest(u, flagsAt(u, clockNs(u))),
  },
  read: {
    c(u) {
      catchUp(u);
      const value = withRequest(u, u.c.value);
      u.c.value = 0;
      rearm(u);
      return value;
    },
  },
  write: {
    time: (u, index, value) => writePart(u, index, value),
    century: (u, value) => writePart(u, Part.century, value),
    a(u, value) {
      const stood = frozen(u);
      catchUp(u);
      if (!stood) latch(u);
      const held = u.a.divider >= 6;
      u.a.value = value & 0x7f;
      if (held && u.a.divider < 6) {
        // The first update comes half a second after the divider is let go (MC146818A, "divider control").
        u.phaseNs = u64(u.phaseNs + halfSecondNs + nsPerSecond - u64(clockNs(u) % nsPerSecond));
        u.checkedTicks = rtcClock.ticksAt(clockNs(u));
      }
      if (stood && !frozen(u)) take(u);
      rearm(u);
    },
    b(u, value) {
      const stood = frozen(u);
      catchUp(u);
      if (!stood) latch(u);
      // Setting SET clears UIE (MC146818A, register B).
      const stored = (value & 0x80) !== 0 ? value & 0xef : value;
      u.b.value = u8(stored);
      if (stood && !frozen(u)) take(u);
      rearm(u);
    },
  },
  expire: {
    next(u) {
      catchUp(u);
      rearm(u);
    },
  },
  reset(u) {
    // RESET clears the interrupt enables and flags, and leaves the time (MC146818A, "RESET").
    u.b.value = u8(u.b.value & 0x87);
    u.c.value = 0;
    const ns = clockNs(u);
    u.checkedTicks = rtcClock.ticksAt(ns);
    u.checkedSeconds = secondsAt(u, ns);
  },
  settle: (u) => u.irq.set((u.c.value & u.b.value & flags) !== 0),
});
