/** One device with one of everything, for the test of Node against native. */
import { deviceProgram } from "../../testing/device-program.ts";
import {
  array,
  bank,
  bit,
  bits,
  bool,
  constant,
  device,
  fifo,
  indirect,
  inputs,
  line,
  messages,
  overlay,
  now,
  pitClock,
  pmClock,
  readOnly,
  readToClear,
  repeat,
  reserved,
  retained,
  ro,
  rw,
  selfClearing,
  signal,
  sink,
  source,
  timer,
  u16,
  u32,
  u64,
  u8,
  unimplemented,
  wo,
  writeOneToClear,
  writeOneToSet,
} from "../vocabulary.ts";

const shape = device("everything", {
  banks: {
    bytes: bank(u8, {
      all: rw(
        0,
        {
          stored: bits(1, 0),
          status: readOnly(bit(2)),
          fixed: constant(bit(3), true),
          clears: writeOneToClear(bit(4)),
          sets: writeOneToSet(bit(5)),
          once: readToClear(bit(6)),
          command: selfClearing(bit(7)),
        },
        { reset: 0x01 },
      ),
      strict: rw(1, {
        low: bits(3, 0),
        none: reserved(5, 4, { reads: 2, wrongWrite: "report" }),
        missing: unimplemented(bit(6)),
      }),
      absent: rw(2, {}, { unimplemented: true, reset: 0x5a }),
      index: rw(3, { at: bits(6, 0), nmi: bit(7) }),
      data: rw(4),
      split: rw(5, { low: bits(7, 0), high: bits(15, 8) }, { width: u16 }),
    }),
    behind: indirect(
      u8,
      { index: "index.at", data: "data" },
      {
        seconds: rw(0),
        version: ro(2, {}, { reset: 7 }),
        memory: repeat(64, 1, rw(0x40)),
        both: rw(0x10, {}, { width: u16 }),
      },
    ),
    words: bank(u16, { low: rw(0), high: rw(2), clock: ro(4) }),
    strictly: bank(
      u32,
      { only: rw(0, {}, { reset: 0x11223344 }) },
      { space: "mmio", narrow: "ignore", wide: "ignore" },
    ),
    doubles: bank(
      u32,
      {
        mode: rw(0, { select: bits(1, 0) }),
        pair: rw(8, { sticky: writeOneToClear(bit(0)), rest: bits(63, 1) }, { width: u64 }),
        isr: repeat(8, 0x10, ro(0x100)),
        timers: repeat(3, 0x20, rw(0x200, { on: bit(0), vector: bits(15, 8) }, { reset: 0x100 })),
        compare: repeat(3, 0x20, rw(0x208, {}, { width: u64 })),
      },
      { space: "mmio", size: 0x400 },
    )
      .when("mode.select", 1, { one: rw(0x10) })
      .when("mode.select", 2, { two: rw(0x10), many: repeat(2, 4, rw(0x20)) })
      .select("mode.select", 3, {
        size: rw(0x30, { entries: bits(15, 0), vector: bits(31, 16) }, { reset: 0x40 }),
        ring: rw(0x38, {}, { width: u64 }),
        kick: wo(0x34),
      }),
    quads: bank(
      u64,
      {
        counter: ro(0),
        flags: rw(8, {
          top: bits(63, 32),
          mid: bits(31, 16),
          low: bits(7, 0),
          on: bit(8),
          huge: readOnly(bit(9)),
        }),
        ranges: repeat(4, 0x10, rw(0x20, { wide: bits(51, 12), bit: readToClear(bit(1)) })),
      },
      { space: "mmio" },
    ),
    address: bank(
      u32,
      { address: rw(0, {}, { reset: 0x12345678 }) },
      { size: 4, narrow: { bytes: "under" } },
    ),
    under: overlay({ control: rw(1, { kind: bit(1), go: bit(2) }) }),
    commands: bank(u8, { command: wo(0), level: ro(1) }),
  },
  state: {
    queue8: fifo(u8, 4),
    queue16: fifo(u16, 8),
    queue32: fifo(u32, 2),
    timers1: array(timer(), 3),
    late: timer(),
    lines: array(line(), 2),
    irq: line(),
    pins: inputs(8),
    more: inputs(32),
    out: messages(),
    events: signal(),
    host: sink(),
    input: source(),
    battery: retained(u32),
    numbers: array(u32, 3),
    bigs: array(u64, 2),
    flags1: array(bool, 2),
    flag: bool,
    byte: u8,
    word: u16,
    big: u64,
    sum: u32,
  },
});

export const everything = shape.implement({
  peek: {
    isr: (u, index) => u32(u.sum + index),
    size: { vector: (u, index) => u16(u.sum + index) },
    counter: () => pitClock.ticksAt(now()),
    clock: () => u16(pmClock.ticksAt(now())),
    level: (u) => (u.pins.level(3) ? 1 : 0),
    flags: { top: (u) => u.sum, on: (u) => u.flag, low: (u) => u.byte },
    all: { stored: (u) => u8(u.queue8.count & 3) },
  },
  read: {
    seconds: (u) => u8(u.sum),
    low(u, peeked) {
      u.word = u16(u.word + peeked);
      return peeked;
    },
    compare(u, index, peeked) {
      u.bigs[index & 1] = peeked;
      return u64(peeked ^ u.big);
    },
  },
  write: {
    kick(u, index, value) {
      u.sum = u32(u.sum + value + index);
    },
    command(u, value) {
      const kind = value & 15;
      if (kind === 1) u.timers1[2].arm(u64(now() + 500n));
      else if (kind === 2) u.timers1[2].cancel();
      else if (kind === 3) u.out.send(value, u.sum);
      else if (kind === 4) u.events.raise(9);
      else if (kind === 5) u.queue8.push(value);
      else if (kind === 6) u.host.put(u.queue8.pop());
      else if (kind === 7) u.queue16.push(u16(value * 3));
      else if (kind === 8) u.sum = u32(u.sum + u.queue16.pop() + u.queue32.peek());
      else if (kind === 9) u.late.arm(pmClock.nsAt(u64(pmClock.ticksAt(now()) + 1n)));
      else if (kind === 10) u.battery = u32(u.battery + 1);
      else if (kind === 11) u.flags.top = u.sum;
      else if (kind === 12) u.ranges[1].wide = u64(u.big & 0xff_ffff_ffffn);
      else if (kind === 13) u.input.ready();
      else if (!u.queue32.push(value)) u.queue32.clear();
    },
    mode(u, value) {
      u.mode.value = value & 3;
    },
  },
  written: {
    timers(u, index, value, old) {
      u.numbers[index < 3 ? index : 0] = u32(value ^ old);
    },
    all(u, value) {
      if ((value & 0x80) !== 0) u.sum = u32(u.sum + 1);
      u.all.status = !u.all.status;
      u.all.once = true;
    },
    flags(u, value, old) {
      u.big = u64(value + old);
      u.flags.mid = 7;
    },
    ranges(u, index, value) {
      u.ranges[index & 3].bit = (value & 0x1000n) !== 0n;
      u.flags1[index & 1] = true;
    },
  },
  expire: {
    timers1(u, index) {
      u.sum = u32(u.sum * 16 + index + 1);
    },
    late(u) {
      u.flag = !u.flag;
    },
  },
  input: {
    pins(u, pin, level) {
      u.lines[pin & 1].set(level);
    },
    more(u, pin) {
      u.big = u64(BigInt(pin) + 100n);
    },
  },
  room: { input: (u) => (u.queue8.full ? 0 : 1) },
  receive: {
    input(u, byte) {
      u.queue8.push(byte);
    },
  },
  reset(u) {
    u.byte = 0x77;
  },
  settle: (u) => u.irq.set(u.queue8.full),
});

export const program = deviceProgram(everything);
