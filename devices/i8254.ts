/**
 * The 8254 interval timer of a PC with system control port B.
 *
 * Nothing counts: a counter remembers the tick of its clock at which it was loaded, and what it would hold, or drive,
 * follows from the time. Between two rising edges of counter 0's output the interrupt line stays high; its falling is
 * made up immediately before it rises again, which is all that an edge-triggered input sees.
 */
import {
  array,
  bank,
  bit,
  bool,
  device,
  line,
  now,
  pitClock,
  readOnly,
  repeat,
  rw,
  struct,
  timer,
  u16,
  u32,
  u64,
  u8,
  wo,
  type StateOf,
  type ValueOf,
} from "../dsl/device/vocabulary.ts";
import { idiv } from "../dsl/core/intrinsics.ts";
import { shortestPeriodNs } from "./shortest-period.ts";

/** One counter. Ticks are those of the 1.193182 MHz clock since the domain started. */
const Counter = struct("I8254Counter", {
  /** The tick at which the present count was loaded. */
  loadedAt: u64,
  /** Ticks counted when the gate went low; counting goes on from there. */
  heldTicks: u64,
  /** The count in clocks, 1 to 65,536; 0 before the first load. */
  period: u32,
  /** The period that ends at `loadedAt`, where a new count waits for its end. */
  priorPeriod: u32,
  mode: u8,
  /** 1: low byte, 2: high byte, 3: low, then high. */
  access: u8,
  bcd: bool,
  gate: bool,
  /** The control word has come, a count has not. */
  waiting: bool,
  writesHigh: bool,
  low: u8,
  readsHigh: bool,
  countLatched: bool,
  latchedCount: u16,
  statusLatched: bool,
  latchedStatus: u8,
});
type Counter = ValueOf<typeof Counter>;

const shape = device("i8254", {
  title: "8254 interval timer",
  about:
    "Three counters at 1.193182 MHz in all modes, binary and BCD, with system control port B. Counter 0 drives the timer interrupt, counter 2 the speaker; only counter 2 has a gate that software reaches.",
  manuals: ["Intel 8254 data sheet 231164, 1993", "Intel ICH9 data sheet 316972"],
  banks: {
    counters: bank(
      u8,
      {
        counter: repeat(
          3,
          1,
          rw(0, {}, { about: "A counter: a byte of its count, of a latched count, or its latched status." }),
        ),
        control: wo(
          3,
          {},
          { section: "Control Word Format", about: "Sets a counter's mode, latches a count, or reads back." },
        ),
      },
      { size: 4 },
    ),
    portB: bank(u8, {
      portB: rw(
        0,
        {
          gate2: bit(0, "Counter 2's gate."),
          speaker: bit(1, "Counter 2 reaches the speaker; kept, there is none."),
          parityCheckOff: bit(2, "Kept, and without effect."),
          channelCheckOff: bit(3, "Kept, and without effect."),
          refresh: readOnly(bit(4, "Changes every 15 µs.")),
          out2: readOnly(bit(5, "Counter 2's output.")),
          channelCheck: readOnly(bit(6, "Never set.")),
          parityCheck: readOnly(bit(7, "Never set.")),
        },
        { section: "ICH9 §13.7.1", about: "System control port B." },
      ),
    }),
  },
  state: {
    units: array(Counter, 4),
    /** The next rising edge of counter 0's output, in periods since its count was loaded. */
    edges: u64,
    tick: timer(),
    irq: line(),
  },
});
type Pit = StateOf<typeof shape>;

/** Memory refresh toggles this bit every 15.085 µs, 18 clocks (ICH9 §13.7.1). */
const refreshClocks = 18n;
const fullPeriod = 0x1_0000;

/** A BCD number of four digits, and back. */
function fromBcd(value: u16): u16 {
  const thousands = (value >>> 12) * 1000;
  const hundreds = ((value >>> 8) & 15) * 100;
  const tens = ((value >>> 4) & 15) * 10;
  return u16(thousands + hundreds + tens + (value & 15));
}
function toBcd(value: u16): u16 {
  const thousands = idiv(value, 1000) % 10;
  const hundreds = idiv(value, 100) % 10;
  const tens = idiv(value, 10) % 10;
  return u16((thousands << 12) | (hundreds << 8) | (tens << 4) | (value % 10));
}

/** Modes 2 and 3 repeat, whatever bit 2 of the mode says (data sheet, figure 7). */
function modeOf(control: u8): u8 {
  const mode = (control >>> 1) & 7;
  return mode >= 6 ? u8(mode - 4) : mode;
}
function repeats(c: Counter): boolean {
  return c.mode === 2 || c.mode === 3;
}

/** Clocks since the count was loaded; before that, where the period that still runs is. */
function elapsed(c: Counter, ticks: u64): u64 {
  if (!c.gate) return c.heldTicks;
  if (ticks >= c.loadedAt) return u64(ticks - c.loadedAt);
  const toGo = u64(c.loadedAt - ticks);
  const prior = BigInt(c.priorPeriod);
  return prior > toGo ? u64(prior - toGo) : 0n;
}

/** The period that is running at a tick. */
function periodAt(c: Counter, ticks: u64): u32 {
  return c.priorPeriod !== 0 && ticks < c.loadedAt ? c.priorPeriod : c.period;
}

/** Where in its period a repeating counter is: 0 to period - 1. */
function phase(c: Counter, ticks: u64): u32 {
  const period = periodAt(c, ticks);
  return period === 0 ? 0 : u32(elapsed(c, ticks) % BigInt(period));
}

/** What the counting element holds (data sheet, "Mode Definitions"). */
function countAt(c: Counter, ticks: u64): u16 {
  const period = periodAt(c, ticks);
  if (period === 0) return 0;
  if (!repeats(c)) return u16(BigInt(period) - elapsed(c, ticks));
  const at = phase(c, ticks);
  if (c.mode === 2) return u16(period - at);
  // Counts down by two, through each half once.
  const half = (period + 1) >>> 1;
  const into = at < half ? at : u32(at - half);
  return u16((period & 0x1fffe) - 2 * into);
}

/** The output pin. */
function outputAt(c: Counter, ticks: u64): boolean {
  const period = periodAt(c, ticks);
  if (c.waiting || period === 0) return c.mode !== 0;
  if (repeats(c)) {
    if (!c.gate) return true;
    const at = phase(c, ticks);
    return c.mode === 2 ? at !== period - 1 : at < (period + 1) >>> 1;
  }
  const passed = elapsed(c, ticks);
  return c.mode < 2 ? passed >= BigInt(period) : passed !== BigInt(period);
}

/** Ticks that there are at least between two edges that follow each other. */
const shortestPeriod = pitClock.ticksAt(shortestPeriodNs);
/** Periods that a virtual CPU may have missed and is still told of: guests count them to keep time. */
const mostOwed = 50n;

/**
 * When counter 0's output is to rise next. Edges that the virtual CPU was not running for are made up for at four
 * times the rate, so that none falls into the service of another.
 */
function nextEdge(u: Pit, c: Counter, ticks: u64): u64 {
  const period = BigInt(c.period);
  if (period === 0n) return ticks;
  const due = u64(c.loadedAt + u.edges * period);
  const soonest = u64(ticks + shortestPeriod);
  if (due > ticks) return period < shortestPeriod && due < soonest ? soonest : due;
  const passed = u64(u64(ticks - c.loadedAt) / period);
  if (passed > u.edges + mostOwed) u.edges = u64(passed - mostOwed);
  const soon = u64(ticks + (period >> 2n) + 1n);
  return soon < soonest ? soonest : soon;
}

/** Has the timer come at the next rising edge of counter 0's output. */
function scheduleTick(u: Pit): void {
  const c = u.units[0];
  if (c.waiting || c.period === 0) {
    u.tick.cancel();
    return;
  }
  const ticks = pitClock.ticksAt(now());
  if (repeats(c)) {
    u.tick.arm(pitClock.nsAt(nextEdge(u, c, ticks)));
    return;
  }
  const end = u64(c.loadedAt + BigInt(c.period) + (c.mode === 4 ? 1n : 0n));
  if (ticks < end) u.tick.arm(pitClock.nsAt(end));
  else u.tick.cancel();
}

/** A whole count has been written to a counter. */
function load(u: Pit, c: Counter, index: u8, value: u16): void {
  const binary = c.bcd ? fromBcd(value) : value;
  const period: u32 = binary === 0 ? (c.bcd ? 10_000 : fullPeriod) : binary;
  const ticks = pitClock.ticksAt(now());
  if (repeats(c) && !c.waiting && c.gate && c.period !== 0) {
    // The present period runs to its end first.
    const running = periodAt(c, ticks);
    c.loadedAt = u64(ticks + BigInt(running) - BigInt(phase(c, ticks)));
    c.priorPeriod = running;
    if (index === 0) u.edges = 0n;
  } else {
    c.loadedAt = ticks;
    c.priorPeriod = 0;
    c.heldTicks = 0n;
    if (index === 0) u.edges = 1n;
  }
  c.period = period;
  // Modes 1 and 5 start when the gate rises.
  c.waiting = c.mode === 1 || c.mode === 5;
  if (index === 0) {
    if (c.mode === 0) u.irq.set(false);
    scheduleTick(u);
  }
}

function writeCount(u: Pit, index: u8, value: u8): void {
  const c = u.units[index & 3];
  switch (c.access) {
    case 1:
      load(u, c, index, value);
      break;
    case 2:
      load(u, c, index, u16(value << 8));
      break;
    default:
      if (c.writesHigh) {
        c.writesHigh = false;
        load(u, c, index, u16((value << 8) | c.low));
      } else {
        c.low = value;
        c.writesHigh = true;
        // In mode 0 the first byte stops the counter.
        if (c.mode === 0) c.waiting = true;
      }
      break;
  }
}

function visibleCount(c: Counter): u16 {
  const count = countAt(c, pitClock.ticksAt(now()));
  return c.bcd ? toBcd(count) : count;
}

/** The byte that a read gives now, without the effects of reading. */
function peekCount(u: Pit, index: u8): u8 {
  const c = u.units[index & 3];
  if (c.statusLatched) return c.latchedStatus;
  const count = c.countLatched ? c.latchedCount : visibleCount(c);
  const high = c.access === 2 || (c.access === 3 && c.readsHigh);
  return high ? u8(count >>> 8) : u8(count);
}

function readCount(u: Pit, index: u8): u8 {
  const c = u.units[index & 3];
  if (c.statusLatched) {
    c.statusLatched = false;
    return c.latchedStatus;
  }
  const byte = peekCount(u, index);
  if (c.access !== 3) c.countLatched = false;
  else {
    if (c.readsHigh) c.countLatched = false;
    c.readsHigh = !c.readsHigh;
  }
  return byte;
}

function latchCount(c: Counter): void {
  if (c.countLatched) return;
  c.latchedCount = visibleCount(c);
  c.countLatched = true;
}

/** Data sheet, "Read-Back Command": output, null count, access, mode, BCD. */
function latchStatus(c: Counter): void {
  if (c.statusLatched) return;
  const out = outputAt(c, pitClock.ticksAt(now())) ? 0x80 : 0;
  c.latchedStatus = u8(
    out | (c.waiting ? 0x40 : 0) | ((c.access & 3) << 4) | ((c.mode & 7) << 1) | (c.bcd ? 1 : 0),
  );
  c.statusLatched = true;
}

function readBack(u: Pit, command: u8): void {
  for (let index: u8 = 0; index < 3; index++) {
    if ((command & (2 << index)) === 0) continue;
    const c = u.units[index];
    if ((command & 0x20) === 0) latchCount(c);
    if ((command & 0x10) === 0) latchStatus(c);
  }
}

function writeControl(u: Pit, value: u8): void {
  const index = value >>> 6;
  if (index === 3) {
    readBack(u, value);
    return;
  }
  const c = u.units[index];
  const access = (value >>> 4) & 3;
  if (access === 0) {
    latchCount(c);
    return;
  }
  c.access = access;
  c.mode = modeOf(value);
  c.bcd = (value & 1) !== 0;
  c.writesHigh = false;
  c.readsHigh = false;
  c.countLatched = false;
  c.statusLatched = false;
  c.waiting = true;
  c.period = 0;
  c.priorPeriod = 0;
  c.heldTicks = 0n;
  if (index === 0) {
    u.tick.cancel();
    u.irq.set(c.mode !== 0);
  }
}

/** The gate of counter 2 has changed (data sheet, "Gate Pin Operations Summary"). */
function setGate(c: Counter, level: boolean): void {
  if (c.gate === level) return;
  const ticks = pitClock.ticksAt(now());
  if (!level) {
    c.heldTicks = elapsed(c, ticks);
    c.gate = false;
    return;
  }
  c.gate = true;
  c.priorPeriod = 0;
  const resumes = c.mode === 0 || c.mode === 4;
  c.loadedAt = resumes ? u64(ticks - c.heldTicks) : ticks;
  if (!resumes && c.period !== 0) c.waiting = false;
}

export const i8254 = shape.implement({
  peek: {
    counter: peekCount,
    portB: {
      refresh: () => ((pitClock.ticksAt(now()) / refreshClocks) & 1n) !== 0n,
      out2: (u) => outputAt(u.units[2], pitClock.ticksAt(now())),
    },
  },
  read: { counter: readCount },
  write: {
    counter: writeCount,
    control: writeControl,
  },
  written: {
    portB(u, value) {
      setGate(u.units[2], (value & 1) !== 0);
    },
  },
  expire: {
    tick(u) {
      const c = u.units[0];
      if (c.mode !== 0) u.irq.set(false);
      u.irq.set(true);
      if (!repeats(c)) return;
      u.edges = u64(u.edges + 1n);
      scheduleTick(u);
    },
  },
  reset(u) {
    for (const c of u.units) {
      c.access = 3;
      c.waiting = true;
      c.gate = true;
    }
    u.units[2].gate = false;
  },
});
