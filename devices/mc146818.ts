/**
 * The real-time clock: Motorola MC146818A (data sheet ADI-1020) as a PC has it (Intel ICH9 datasheet §13.6), with the
 * century at index 0x32 and 112 bytes of battery-backed memory.
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

const kept = Object.freeze({ retained: true });

const shape = device("mc146818", {
  banks: {
    ports: bank(u8, { index: rw(0, { at: bits(6, 0), nmiOff: bit(7) }), data: rw(1) }),
    clock: indirect(
      u8,
      { index: "index.at", data: "data" },
      {
        seconds: rw(0x00, {}, kept),
        secondsAlarm: rw(0x01, {}, kept),
        minutes: rw(0x02, {}, kept),
        minutesAlarm: rw(0x03, {}, kept),
        hours: rw(0x04, {}, kept),
        hoursAlarm: rw(0x05, {}, kept),
        weekday: rw(0x06, {}, kept),
        day: rw(0x07, {}, kept),
        month: rw(0x08, {}, kept),
        year: rw(0x09, {}, kept),
        a: rw(
          0x0a,
          { rate: bits(3, 0), divider: bits(6, 4), updating: readOnly(bit(7)) },
          { retained: true, reset: 0x26 },
        ),
        b: rw(
          0x0b,
          {
            daylightSaving: bit(0),
            hours24: bit(1),
            binary: bit(2),
            squareWave: bit(3),
            updateEnable: bit(4),
            alarmEnable: bit(5),
            periodicEnable: bit(6),
            set: bit(7),
          },
          { retained: true, reset: 0x02 },
        ),
        c: ro(0x0c, { update: bit(4), alarm: bit(5), periodic: bit(6), request: bit(7) }),
        d: ro(0x0d, { valid: constant(bit(7), true) }),
        memory: repeat(36, 1, rw(0x0e, {}, kept)),
        century: rw(0x32, {}, kept),
        upperMemory: repeat(77, 1, rw(0x33, {}, kept)),
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

function secondOf(u: Rtc, seconds: u64): u8 {
  return encoded(u, u8(seconds % 60n));
}
function minuteOf(u: Rtc, seconds: u64): u8 {
  return encoded(u, u8(u64(seconds / 60n) % 60n));
}
function hourOf(u: Rtc, seconds: u64): u8 {
  return encodedHour(u, u8(u64(seconds / 3_600n) % 24n));
}
function daysOf(seconds: u64): u32 {
  return u32(seconds / secondsPerDay);
}
/** 1 is Sunday; 0000-03-01 was a Wednesday. */
function weekdayOf(u: Rtc, seconds: u64): u8 {
  return encoded(u, u8(((daysOf(seconds) + 3) % 7) + 1));
}

/** Puts the present time into the registers. */
function latch(u: Rtc): void {
  const seconds = secondsAt(u, clockNs(u));
  const date = dateOf(daysOf(seconds));
  u.seconds.value = secondOf(u, seconds);
  u.minutes.value = minuteOf(u, seconds);
  u.hours.value = hourOf(u, seconds);
  u.weekday.value = weekdayOf(u, seconds);
  u.day.value = encoded(u, date.day);
  u.month.value = encoded(u, date.month);
  u.year.value = encoded(u, u8(date.year % 100));
  u.century.value = encoded(u, u8(idiv(date.year, 100)));
}

/** Makes the registers' time the present time. The weekday follows the date. */
function take(u: Rtc): void {
  const year = u16(decoded(u, u.century.value) * 100 + decoded(u, u.year.value));
  const days = dayOf(year, decoded(u, u.month.value), decoded(u, u.day.value));
  const hours = decodedHour(u, u.hours.value);
  const inDay = hours * 3_600 + decoded(u, u.minutes.value) * 60 + decoded(u, u.seconds.value);
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
  const anySecond = u.secondsAlarm.value >= 0xc0;
  const anyMinute = u.minutesAlarm.value >= 0xc0;
  const anyHour = u.hoursAlarm.value >= 0xc0;
  const alarmSecond = anySecond ? 0 : decoded(u, u.secondsAlarm.value);
  const alarmMinute = anyMinute ? 0 : decoded(u, u.minutesAlarm.value);
  const alarmHour = anyHour ? 0 : decodedHour(u, u.hoursAlarm.value);
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

/** Register C's flags as they are now. */
function flagsNow(u: Rtc): u8 {
  const ns = clockNs(u);
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

/** Stores the flags as they are now. */
function catchUp(u: Rtc): void {
  u.c.value = flagsNow(u);
  const ns = clockNs(u);
  u.checkedTicks = rtcClock.ticksAt(ns);
  if (!frozen(u)) u.checkedSeconds = secondsAt(u, ns);
}

/** Arms the timer for the next interrupt that is enabled and has not come yet. */
function rearm(u: Rtc): void {
  const wanted = u.b.value & ~u.c.value & flags;
  const ns = clockNs(u);
  let wait: u64 = none;
  if ((wanted & 0x40) !== 0) {
    const shift = periodShift(u);
    if (shift !== 0) {
      const period = BigInt(shift & 31);
      const tick = u64(u64(u64(rtcClock.ticksAt(ns) >> period) + 1n) << period);
      wait = u64(rtcClock.nsAt(tick) - ns);
    }
  }
  if ((wanted & 0x30) !== 0 && !frozen(u)) {
    const seconds = secondsAt(u, ns);
    const due = (wanted & 0x10) !== 0 ? u64(seconds + 1n) : nextAlarm(u, seconds);
    if (due !== none) {
      const inSecond = u64(ns % nsPerSecond);
      const until = u64(u64(due - seconds) * nsPerSecond - inSecond);
      if (until < wait) wait = until;
    }
  }
  if (wait === none) u.next.cancel();
  else u.next.arm(u64(now() + wait));
}

// ---- Registers ------------------------------------------------------------------------------------------------

/** Before a guest's write to a register of the time. */
function beforeTime(u: Rtc): void {
  if (frozen(u)) return;
  catchUp(u);
  latch(u);
}
/** After it. */
function afterTime(u: Rtc): void {
  if (frozen(u)) return;
  take(u);
  rearm(u);
}

function present(u: Rtc): u64 {
  return secondsAt(u, clockNs(u));
}

export const mc146818 = shape.implement({
  peek: {
    seconds: (u) => (frozen(u) ? u.seconds.value : secondOf(u, present(u))),
    minutes: (u) => (frozen(u) ? u.minutes.value : minuteOf(u, present(u))),
    hours: (u) => (frozen(u) ? u.hours.value : hourOf(u, present(u))),
    weekday: (u) => (frozen(u) ? u.weekday.value : weekdayOf(u, present(u))),
    day: (u) => (frozen(u) ? u.day.value : encoded(u, dateOf(daysOf(present(u))).day)),
    month: (u) => (frozen(u) ? u.month.value : encoded(u, dateOf(daysOf(present(u))).month)),
    year: (u) => (frozen(u) ? u.year.value : encoded(u, u8(dateOf(daysOf(present(u))).year % 100))),
    century: (u) =>
      frozen(u) ? u.century.value : encoded(u, u8(idiv(dateOf(daysOf(present(u))).year, 100))),
    a: { updating: (u) => !frozen(u) && u64(clockNs(u) % nsPerSecond) >= nsPerSecond - updateNs },
    c(u) {
      const raised = flagsNow(u);
      return u8(raised | ((raised & u.b.value) !== 0 ? 0x80 : 0));
    },
  },
  read: {
    c(u, peeked) {
      catchUp(u);
      u.c.value = 0;
      rearm(u);
      return peeked;
    },
  },
  write: {
    seconds(u, value) {
      beforeTime(u);
      u.seconds.value = value;
      afterTime(u);
    },
    minutes(u, value) {
      beforeTime(u);
      u.minutes.value = value;
      afterTime(u);
    },
    hours(u, value) {
      beforeTime(u);
      u.hours.value = value;
      afterTime(u);
    },
    weekday(u, value) {
      beforeTime(u);
      u.weekday.value = value;
      afterTime(u);
    },
    day(u, value) {
      beforeTime(u);
      u.day.value = value;
      afterTime(u);
    },
    month(u, value) {
      beforeTime(u);
      u.month.value = value;
      afterTime(u);
    },
    year(u, value) {
      beforeTime(u);
      u.year.value = value;
      afterTime(u);
    },
    century(u, value) {
      beforeTime(u);
      u.century.value = value;
      afterTime(u);
    },
    secondsAlarm(u, value) {
      catchUp(u);
      u.secondsAlarm.value = value;
      rearm(u);
    },
    minutesAlarm(u, value) {
      catchUp(u);
      u.minutesAlarm.value = value;
      rearm(u);
    },
    hoursAlarm(u, value) {
      catchUp(u);
      u.hoursAlarm.value = value;
      rearm(u);
    },
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
