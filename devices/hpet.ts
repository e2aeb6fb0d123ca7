/**
 * The high precision event timer.
 *
 * Nothing counts: the counter follows from the time, and a comparator knows the count at which it matches next. The
 * interrupts of the 8254 and of the real-time clock pass through this device, which lets its own comparators take their
 * place, as the chipset does.
 *
 * An edge-triggered interrupt stays high until it is disabled or comes again; its falling is made up immediately before
 * it rises again, which is all that an edge-triggered input sees.
 */
import {
  array,
  bank,
  bit,
  bits,
  bool,
  constant,
  device,
  inputs,
  line,
  now,
  repeat,
  ro,
  rw,
  selfClearing,
  struct,
  timer,
  u32,
  u64,
  u8,
  writeOneToClear,
  type StateOf,
} from "../dsl/device/vocabulary.ts";
import { shortestPeriodNs } from "./shortest-period.ts";

/** Comparators of the one block. */
const comparators = 3;
const tickNs = 10n;
const femtosecondsPerTick = 10_000_000;
/** INT_ROUTE_CAP: pins 20 to 23 (ICH9 §20.1.5). */
const firstPin = 20;
const pinCount = 4;
const routes = 0x00f0_0000;
/** A match further away than 91 years does not come. */
const horizon = 1n << 58n;

const capabilities = 0x8086_0000 | 0xa000 | ((comparators - 1) << 8) | 1;

/** What the HPET description table tells: `HpetFacts` of the ACPI generator. */
export const hpetFacts = Object.freeze({
  eventTimerBlockId: u32(capabilities),
  minimumTick: Number(shortestPeriodNs / tickNs),
});
/** The device's window as a whole; its banks lie in it at these offsets. */
export const hpetWindow = Object.freeze({ sizeBytes: 0x400, general: 0, timers: 0x100 } as const);
/** The pins of the I/O APIC that a comparator may be routed to: `pins[0]` is the first. */
export const hpetPins = Object.freeze({ first: firstPin, count: pinCount } as const);

/** A comparator, besides its registers. */
const Comparator = struct("HpetComparator", {
  /** The count at which it matches next, where it ever does. */
  due: u64,
  /** What a periodic comparator advances by. */
  periodLow: u32,
  periodHigh: u32,
  /** `due` says something. */
  live: bool,
  /** The next write goes to the comparator itself, not to the period alone. */
  valueSet: bool,
  /** The last write did, to the lower half: the upper half follows, where it is one write of 64 bits. */
  lowSet: bool,
  /** An edge has come and has not been taken back. */
  high: bool,
});

const shape = device("hpet", {
  title: "High precision event timer",
  about:
    "A counter of 64 bits at 100 MHz and three comparators, each of which can be periodic, with legacy replacement routing. Interrupts leave through pins 20 to 23 of the I/O APIC, as on an ICH9; there is no FSB delivery. Matches of a periodic comparator that are less than 100 µs apart are one.",
  manuals: ["IA-PC HPET specification 1.0a, 2004", "Intel ICH9 data sheet 316972 §20"],
  banks: {
    general: bank(
      u64,
      {
        capabilities: ro(
          0x00,
          {
            block: constant(
              bits(31, 0, "Revision, comparators less 1, counter width, vendor."),
              u32(capabilities),
            ),
            period: constant(bits(63, 32, "Femtoseconds of a tick."), femtosecondsPerTick),
          },
          { section: "§2.3.4" },
        ),
        configuration: rw(
          0x10,
          {
            enable: bit(0, "The counter runs, and comparators may interrupt."),
            legacyReplacement: bit(
              1,
              "Comparators 0 and 1 take the place of the 8254 and of the real-time clock.",
            ),
          },
          { section: "§2.3.5" },
        ),
        status: rw(
          0x20,
          {
            pending: writeOneToClear(
              bits(comparators - 1, 0, "Level-triggered comparators that have matched."),
            ),
          },
          { section: "§2.3.6" },
        ),
        counter: rw(0xf0, {}, { weight: 16, section: "§2.3.7", about: "The main counter." }),
      },
      { space: "mmio", size: 0x100 },
    ),
    timers: bank(
      u32,
      {
        config: repeat(
          comparators,
          0x20,
          rw(
            0x00,
            {
              level: bit(1, "Level-triggered: `status` tells of a match until it is cleared."),
              interruptEnable: bit(2, "A match interrupts."),
              periodic: bit(3, "After a match the comparator advances by what was last written to it."),
              periodicCapable: constant(bit(4), true),
              wideCapable: constant(bit(5), true),
              valueSet: selfClearing(
                bit(6, "The next write of a periodic comparator sets it, not its period alone."),
              ),
              only32: bit(8, "The lower halves alone are compared."),
              route: bits(13, 9, "The pin of the I/O APIC, 20 to 23."),
              fsbEnable: constant(bit(14), false),
              fsbCapable: constant(bit(15), false),
            },
            { section: "§2.3.8", about: "How a comparator matches and interrupts." },
          ),
        ),
        routeCapability: repeat(
          comparators,
          0x20,
          ro(
            0x04,
            { pins: constant(bits(31, 0, "A 1 for each pin that `route` may name."), routes) },
            { section: "§2.3.8" },
          ),
        ),
        comparatorLow: repeat(
          comparators,
          0x20,
          rw(
            0x08,
            {},
            { reset: 0xffff_ffff, section: "§2.3.9", about: "The count of the next match, lower half." },
          ),
        ),
        comparatorHigh: repeat(
          comparators,
          0x20,
          rw(0x0c, {}, { reset: 0xffff_ffff, section: "§2.3.9", about: "Upper half." }),
        ),
      },
      { space: "mmio", size: 0x300 },
    ),
  },
  state: {
    /** The counter where it stands; where it runs, the counter less the ticks since the domain started. */
    origin: u64,
    units: array(Comparator, comparators),
    match: array(timer(), comparators),
    /** 0: the 8254; 1: the real-time clock. */
    replaced: inputs(2),
    irq0: line(),
    irq8: line(),
    pins: array(line(), pinCount),
  },
});
type Hpet = StateOf<typeof shape>;

// ---- The counter ----------------------------------------------------------------------------------------------

function counter(u: Hpet): u64 {
  return u.configuration.enable ? u64(u64(now() / tickNs) + u.origin) : u.origin;
}

/** Whether the counter has passed a count: at most half of its range ago. */
function reached(count: u64, due: u64): boolean {
  return u64(count - due) < 1n << 63n;
}

// ---- Interrupts -----------------------------------------------------------------------------------------------

function asserted(u: Hpet, i: 0 | 1 | 2): boolean {
  if (!u.configuration.enable || !u.config[i].interruptEnable) return false;
  return u.config[i].level ? ((u.status.pending >>> i) & 1) !== 0 : u.units[i].high;
}

/** Sets every output. */
function drive(u: Hpet): void {
  const legacy = u.configuration.enable && u.configuration.legacyReplacement;
  u.irq0.set(legacy ? asserted(u, 0) : u.replaced.level(0));
  u.irq8.set(legacy ? asserted(u, 1) : u.replaced.level(1));
  for (let pin: u8 = 0; pin < pinCount; pin++) {
    let level = u.config[2].route === pin + firstPin && asserted(u, 2);
    if (!legacy) {
      if (u.config[0].route === pin + firstPin && asserted(u, 0)) level = true;
      if (u.config[1].route === pin + firstPin && asserted(u, 1)) level = true;
    }
    u.pins[pin].set(level);
  }
}

// ---- Comparators ----------------------------------------------------------------------------------------------

function comparator(u: Hpet, i: u8): u64 {
  if (i >= comparators) return 0n;
  return u64(BigInt(u.comparatorLow[i].value) | (BigInt(u.comparatorHigh[i].value) << 32n));
}

/** The period; 0 where it matches once. */
function period(u: Hpet, i: u8): u64 {
  if (i >= comparators || !u.config[i].periodic) return 0n;
  const low = BigInt(u.units[i].periodLow);
  return u.config[i].only32 ? low : u64(low | (BigInt(u.units[i].periodHigh) << 32n));
}

/** The first match of a periodic comparator after `count`, of which `due` was one. */
function following(due: u64, count: u64, step: u64): u64 {
  if (step === 0n) return due;
  const late: u64 = reached(count, due) ? u64(count - due) : 0n;
  return u64(due + u64(u64(late / step) + 1n) * step);
}

/** What the comparator's register holds now. */
function comparatorNow(u: Hpet, i: u8): u64 {
  const stored = comparator(u, i);
  const step = period(u, i);
  if (i >= comparators || step === 0n || !u.units[i].live) return stored;
  const due = u.units[i].due;
  const count = counter(u);
  if (!reached(count, due)) return stored;
  const next = following(due, count, step);
  return u.config[i].only32 ? u64((stored & ~0xffff_ffffn) | (next & 0xffff_ffffn)) : next;
}

/** Waits for the count `due`, if anybody would notice that it has come; not before `earliestNs`. */
function awaitCount(u: Hpet, i: u8, due: u64, earliestNs: u64): void {
  if (i >= comparators) return;
  u.units[i].due = due;
  u.units[i].live = true;
  if (!u.config[i].interruptEnable && !u.config[i].level) {
    u.match[i].cancel();
    return;
  }
  const dueNs = u64(u64(due - u.origin) * tickNs);
  u.match[i].arm(dueNs < earliestNs ? earliestNs : dueNs);
}

/** Finds the next match from the count `from` on: where the counter, or its lower half, equals the comparator. */
function schedule(u: Hpet, i: u8, from: u64): void {
  if (i >= comparators) return;
  const apart = u64(comparator(u, i) - from);
  const distance: u64 = u.config[i].only32 ? u64(apart & 0xffff_ffffn) : apart;
  if (!u.configuration.enable || distance > horizon) {
    u.units[i].live = false;
    u.match[i].cancel();
    return;
  }
  awaitCount(u, i, u64(from + distance), 0n);
}

/** The counter, now at `count`, has reached `due`. */
function matched(u: Hpet, i: u8, count: u64): void {
  if (i >= comparators) return;
  if (u.config[i].level) {
    u.status.pending = u8(u.status.pending | (1 << i)) & 7;
  } else if (u.config[i].interruptEnable) {
    u.units[i].high = false;
    drive(u);
    u.units[i].high = true;
  }
  drive(u);
  const step = period(u, i);
  if (step === 0n) {
    // Wraps of a 32-bit comparator that have passed unnoticed are one match, as of a periodic one.
    schedule(u, i, u64(count + 1n));
    return;
  }
  const due = u.units[i].due;
  const next = following(due, count, step);
  u.comparatorLow[i].value = u32(next);
  if (!u.config[i].only32) u.comparatorHigh[i].value = u32(next >> 32n);
  awaitCount(u, i, next, u64(now() + shortestPeriodNs));
}

/** Matches whose time has come while the timer has not: what follows is to find everything as it is on hardware. */
function catchUp(u: Hpet, i: u8): void {
  if (i >= comparators || !u.units[i].live) return;
  const count = counter(u);
  if (!reached(count, u.units[i].due)) return;
  u.match[i].cancel();
  matched(u, i, count);
}

/** A guest's write to one half of a comparator (1.0a §2.3.9.2.2). */
function writeComparator(u: Hpet, i: u8, high: boolean, value: u32): void {
  if (i >= comparators) return;
  catchUp(u, i);
  const c = u.units[i];
  const periodic = u.config[i].periodic;
  if (!periodic || c.valueSet || (high && c.lowSet)) {
    if (high) u.comparatorHigh[i].value = value;
    else u.comparatorLow[i].value = value;
  }
  if (periodic) {
    if (high) c.periodHigh = value;
    else c.periodLow = value;
  }
  c.lowSet = c.valueSet && !high;
  c.valueSet = false;
  schedule(u, i, counter(u));
}

/** Bits of a configuration that say when the comparator matches: TYPE and 32MODE. */
const matchBits = 0x108;

// ---- Control --------------------------------------------------------------------------------------------------

function configured(u: Hpet, i: u8, value: u32, old: u32): void {
  if (i >= comparators) return;
  const fresh = u.config[i].value;
  u.config[i].value = old;
  catchUp(u, i);
  u.config[i].value = fresh;
  // A pin that it cannot be routed to is not taken (1.0a §2.3.8, Tn_INT_ROUTE_CNF).
  const route = u.config[i].route;
  if (route < firstPin || route >= firstPin + pinCount) u.config[i].route = (old >>> 9) & 31;
  const c = u.units[i];
  c.valueSet = (value & 0x40) !== 0 && u.config[i].periodic;
  c.lowSet = false;
  if (!u.config[i].interruptEnable || u.config[i].level) c.high = false;
  if (!u.config[i].level) u.status.pending = u.status.pending & ~(1 << i) & 7;
  drive(u);
  // What has matched does not match once more because its interrupt is enabled or routed anew.
  if (((value ^ old) & matchBits) !== 0) schedule(u, i, counter(u));
  else if (c.live) awaitCount(u, i, c.due, 0n);
}

/** The counter starts, stops or is set: everything is looked for again from where it is. */
function scheduleAll(u: Hpet): void {
  const count = counter(u);
  for (let i: u8 = 0; i < comparators; i++) schedule(u, i, count);
}

export const hpet = shape.implement({
  peek: {
    counter,
    comparatorLow: (u, index) => u32(comparatorNow(u, index)),
    comparatorHigh: (u, index) => u32(comparatorNow(u, index) >> 32n),
  },
  write: {
    counter(u, value) {
      for (let i: u8 = 0; i < comparators; i++) catchUp(u, i);
      u.origin = u.configuration.enable ? u64(value - u64(now() / tickNs)) : value;
      scheduleAll(u);
    },
    comparatorLow: (u, index, value) => writeComparator(u, index, false, value),
    comparatorHigh: (u, index, value) => writeComparator(u, index, true, value),
  },
  written: {
    configuration(u, value, old) {
      if (((value ^ old) & 1n) !== 0n) {
        const fresh = u.configuration.value;
        u.configuration.value = old;
        for (let i: u8 = 0; i < comparators; i++) catchUp(u, i);
        const count = counter(u);
        u.configuration.value = fresh;
        u.origin = u.configuration.enable ? u64(count - u64(now() / tickNs)) : count;
        scheduleAll(u);
      }
      drive(u);
    },
    config: configured,
    status: (u) => drive(u),
  },
  expire: { match: (u, index) => matched(u, index, counter(u)) },
  input: { replaced: (u) => drive(u) },
});
