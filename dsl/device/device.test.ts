import test from "ava";
import { attach } from "../testing/attach.ts";
import {
  bank,
  bit,
  bits,
  constant,
  device,
  indirect,
  overlay,
  readOnly,
  readToClear,
  repeat,
  reserved,
  ro,
  rw,
  selfClearing,
  u16,
  u32,
  u64,
  u8,
  unimplemented,
  wo,
  writeOneToClear,
  writeOneToSet,
} from "./vocabulary.ts";

const kinds = device("kinds", {
  banks: {
    ports: bank(u8, {
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
      lenient: rw(2, { low: bits(3, 0), none: reserved(7, 4, { reads: 0xa }) }),
      absent: rw(3, {}, { unimplemented: true, reset: 0x5a }),
      plain: rw(4, {}, { reset: 0x99 }),
      gaps: rw(5, { low: bit(0), high: bit(7) }, { reset: 0x3c }),
    }),
  },
  state: { commands: u32, seen: u8 },
}).implement({
  written: {
    all(u, value) {
      if ((value & 0x80) !== 0) u.commands = u32(u.commands + 1);
      u.seen = value;
    },
  },
});

test("a stored field keeps what is written", (t) => {
  const guest = attach(kinds);
  t.is(guest.read("all"), 0x09);
  guest.write("all", 0x02);
  t.is(guest.u.all.stored, 2);
  t.is(guest.read("all"), 0x0a);
});

test("a read-only field is the device's, a constant nobody's", (t) => {
  const guest = attach(kinds);
  guest.write("all", 0x04);
  t.false(guest.u.all.status);
  t.is(guest.read("all"), 0x08);
  guest.u.all.status = true;
  guest.write("all", 0x00);
  t.is(guest.read("all"), 0x0c);
});

test("writing one clears or sets, writing zero leaves", (t) => {
  const guest = attach(kinds);
  guest.u.all.clears = true;
  guest.write("all", 0x20);
  t.is(guest.read("all"), 0x38);
  guest.write("all", 0x10);
  t.is(guest.read("all"), 0x28);
});

test("a read clears a read-to-clear field after it was seen, and looking does not", (t) => {
  const guest = attach(kinds);
  guest.u.all.once = true;
  t.is(guest.peekAt("ports", 0), 0x49);
  t.is(guest.read("all"), 0x49);
  t.is(guest.read("all"), 0x09);
});

test("a self-clearing bit reaches the handler and is not stored", (t) => {
  const guest = attach(kinds);
  guest.write("all", 0x81);
  t.is(guest.u.commands, 1);
  t.is(guest.u.seen, 0x81);
  t.is(guest.read("all"), 0x09);
});

test("stored, reserved and unimplemented are three different things", (t) => {
  const guest = attach(kinds);
  guest.write("lenient", 0x05);
  t.is(guest.read("lenient"), 0xa5);
  t.deepEqual(guest.reported(), []);
  guest.write("strict", 0x2f);
  t.is(guest.read("strict"), 0x2f);
  t.deepEqual(guest.reported(), []);
  guest.write("strict", 0x0f);
  t.is(guest.read("strict"), 0x2f);
  t.deepEqual(guest.reported(), ["strict"]);
  guest.write("strict", 0x6f);
  t.is(guest.read("strict"), 0x2f);
  t.deepEqual(guest.reported(), ["strict"]);
});

test("an unimplemented register counts every access and reports the first", (t) => {
  const guest = attach(kinds);
  t.is(guest.read("absent"), 0x5a);
  guest.write("absent", 1);
  t.is(guest.read("absent"), 0x5a);
  t.deepEqual(guest.reported(), ["absent"]);
  t.is((guest.u as unknown as { unimplemented: { count: number } }).unimplemented.count, 3);
});

test("a register without fields is stored as a whole, and bits between fields are left as they are", (t) => {
  const guest = attach(kinds);
  t.is(guest.read("plain"), 0x99);
  guest.write("plain", 0xff);
  t.is(guest.read("plain"), 0xff);
  guest.write("gaps", 0xff);
  t.is(guest.read("gaps"), 0xbd);
});

const wide = device("wide", {
  banks: {
    small: bank(u32, { first: rw(0), second: rw(4), third: wo(8) }, { space: "mmio", size: 0x20 }),
    strictly: bank(
      u32,
      { only: rw(0, {}, { reset: 0x11223344 }) },
      { space: "mmio", narrow: "ignore", wide: "ignore" },
    ),
    words: bank(u16, { low: rw(0), high: rw(2) }),
    large: bank(
      u64,
      { counter: rw(0), flags: rw(8, { top: bits(63, 32), bottom: bits(31, 0) }) },
      { space: "mmio" },
    ),
    halves: bank(
      u32,
      { pair: rw(0, { sticky: writeOneToClear(bit(0)), rest: bits(63, 1) }, { width: u64 }) },
      { space: "mmio" },
    ),
  },
  state: { writes: u32 },
}).implement({
  settle: (u) => {
    u.writes = u32(u.writes + 1);
  },
});

test("a byte of a 32-bit register is read alone and written with the rest as it is", (t) => {
  const guest = attach(wide);
  guest.write("first", 0x11223344);
  t.is(guest.readAt("small", 2, 1), 0x22);
  t.is(guest.readAt("small", 2, 2), 0x1122);
  guest.writeAt("small", 1, 1, 0xee);
  t.is(guest.read("first"), 0x1122ee44);
  guest.writeAt("small", 2, 2, 0xabcd);
  t.is(guest.read("first"), 0xabcdee44);
});

test("a partial write of a write-only register keeps the rest", (t) => {
  const guest = attach(wide);
  guest.write("third", 0x11223344);
  guest.writeAt("small", 8, 1, 0xff);
  t.is(guest.u.third.value, 0x112233ff);
  t.is(guest.read("third"), 0);
});

test("where narrow accesses are ignored they read a hole and write nothing", (t) => {
  const guest = attach(wide);
  t.is(guest.readAt("strictly", 0, 1), 0);
  guest.writeAt("strictly", 0, 2, 0xffff);
  t.is(guest.read("only"), 0x11223344);
});

test("eight bytes of 32-bit registers are two accesses, the lower first", (t) => {
  const guest = attach(wide);
  guest.writeAt64("small", 0, 0x1111_2222_3333_4444n);
  t.is(guest.read("first"), 0x33334444);
  t.is(guest.read("second"), 0x11112222);
  t.is(guest.readAt64("small", 0), 0x1111_2222_3333_4444n);
});

test("a 32-bit access of 16-bit registers reaches both, and settles after each", (t) => {
  const guest = attach(wide);
  const before = guest.u.writes;
  guest.writeAt("words", 0, 4, 0xaaaa5555);
  t.is(guest.u.writes, before + 2);
  t.is(guest.read("low"), 0x5555);
  t.is(guest.read("high"), 0xaaaa);
  t.is(guest.readAt("words", 0, 4), 0xaaaa5555);
  t.is(guest.readAt("words", 1, 1), 0x55);
  guest.writeAt("words", 3, 1, 0x01);
  t.is(guest.read("high"), 0x01aa);
});

test("64-bit registers are read and written whole or by halves", (t) => {
  const guest = attach(wide);
  guest.write("counter", 0x1122_3344_5566_7788n);
  t.is(guest.readBig("counter"), 0x1122_3344_5566_7788n);
  t.is(guest.readAt("large", 4, 4), 0x11223344);
  guest.writeAt("large", 0, 4, 0xdeadbeef);
  t.is(guest.readBig("counter"), 0x1122_3344_dead_beefn);
  guest.writeAt("large", 8, 4, 7);
  guest.u.flags.top = 0xfeed;
  t.is(guest.readBig("flags"), 0xfeed_0000_0007n);
});

test("the halves of a wide register are units of their own, and a write of one acknowledges nothing in the other", (t) => {
  const guest = attach(wide);
  guest.u.pair.sticky = true;
  guest.writeAt("halves", 4, 4, 0x55);
  t.true(guest.u.pair.sticky);
  t.is(guest.readAt("halves", 4, 4), 0x55);
  guest.writeAt("halves", 0, 4, 0x11);
  t.false(guest.u.pair.sticky);
  t.is(guest.readBig("pair"), 0x55_0000_0010n);
});

const grouped = device("grouped", {
  banks: {
    mmio: bank(
      u32,
      {
        mode: rw(0, { select: bits(1, 0) }),
        isr: repeat(8, 0x10, ro(0x100)),
        timers: repeat(3, 0x20, rw(0x200, { on: bit(0), vector: bits(15, 8) }, { reset: 0x100 })),
        compare: repeat(3, 0x20, rw(0x208, {}, { width: u64 })),
      },
      { space: "mmio", size: 0x400, narrow: "ignore" },
    )
      .when("mode.select", 1, { one: rw(0x10) })
      .when("mode.select", 2, { two: rw(0x10), many: repeat(2, 4, rw(0x20)) }),
    door: bank(u8, { index: rw(0, { at: bits(6, 0), nmi: bit(7) }), data: rw(1) }),
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
  },
  state: { last: u8, lastValue: u32, sum: u32 },
}).implement({
  peek: { isr: (u, index) => u32(u.sum + index) },
  written: {
    timers(u, index, value, old) {
      u.last = index;
      u.lastValue = u32(value ^ old);
    },
  },
  read: { seconds: (u) => u8(u.sum) },
});

test("handlers of repeated registers are given the index", (t) => {
  const guest = attach(grouped);
  guest.u.sum = 40;
  t.is(guest.read("isr", 7), 47);
  t.is(guest.read("isr"), 40);
  guest.write("timers", 0x2a01, 2);
  t.is(guest.u.last, 2);
  t.is(guest.u.lastValue, 0x2b01);
  t.is(guest.read("timers", 2), 0x2a01);
  t.is(guest.read("timers", 1), 0x100);
  t.true(guest.u.timers[2]?.on);
});

test("interleaved arrays of wide registers find their own elements", (t) => {
  const guest = attach(grouped);
  guest.write("compare", 0x1_0000_0002n, 1);
  t.is(guest.readBig("compare", 1), 0x1_0000_0002n);
  t.is(guest.readBig("compare", 0), 0n);
  t.is(guest.readAt("mmio", 0x22c, 4), 1);
  t.is(guest.readAt("mmio", 0x230, 4), 0);
});

test("offsets behind the last element of an array are holes", (t) => {
  const guest = attach(grouped);
  guest.writeAt("mmio", 0x260, 4, 1);
  t.is(guest.readAt("mmio", 0x260, 4), 0);
  t.is(guest.readAt("mmio", 0x180, 4), 0);
});

test("banked registers at one offset are apart, and neither is seen where no group is selected", (t) => {
  const guest = attach(grouped);
  guest.write("mode", 1);
  guest.write("one", 11);
  guest.write("mode", 2);
  t.is(guest.readAt("mmio", 0x10, 4), 0);
  guest.write("two", 22);
  guest.write("many", 5, 1);
  t.is(guest.readAt("mmio", 0x24, 4), 5);
  guest.write("mode", 1);
  t.is(guest.readAt("mmio", 0x10, 4), 11);
  t.is(guest.readAt("mmio", 0x24, 4), 0);
  guest.write("mode", 0);
  t.is(guest.readAt("mmio", 0x10, 4), 0);
});

const picked = device("picked", {
  banks: {
    common: bank(u32, { at: rw(0, { status: bits(7, 0), queue: bits(31, 16) }) }, { space: "mmio" }).select(
      "at.queue",
      2,
      {
        size: rw(4, { entries: bits(15, 0) }, { reset: 64 }),
        ring: rw(8, {}, { width: u64 }),
        kick: wo(0x10),
      },
    ),
  },
  state: { kicked: u32 },
}).implement({
  write: {
    kick(u, index, value) {
      u.kicked = u32(index * 100 + value);
    },
  },
});

test("a field picks one of several registers at one place, and where it picks none a hole is", (t) => {
  const guest = attach(picked);
  guest.writeAt("common", 2, 2, 1);
  t.is(guest.readAt("common", 4, 2), 64);
  guest.writeAt("common", 4, 2, 8);
  guest.writeAt64("common", 8, 0x1_2345_6789n);
  guest.writeAt("common", 0x10, 4, 5);
  t.is(guest.u.kicked, 105);
  guest.writeAt("common", 2, 2, 0);
  t.is(guest.readAt("common", 4, 2), 64);
  t.is(guest.readAt64("common", 8), 0n);
  guest.writeAt("common", 2, 2, 2);
  t.is(guest.readAt("common", 4, 2), 0);
  guest.writeAt("common", 4, 2, 9);
  guest.writeAt("common", 0x10, 4, 6);
  t.is(guest.u.kicked, 105);
  guest.writeAt("common", 2, 2, 1);
  t.is(guest.readAt("common", 4, 2), 8);
  t.is(guest.readAt64("common", 8), 0x1_2345_6789n);
});

test("an indirect bank is reached through its index and data registers", (t) => {
  const guest = attach(grouped);
  guest.write("index", 0x80 | 0x45);
  guest.write("data", 0x33);
  t.is(guest.read("data"), 0x33);
  t.is(guest.u.memory[5]?.value, 0x33);
  guest.write("index", 2);
  guest.write("data", 1);
  t.is(guest.read("data"), 7);
  guest.u.sum = 59;
  guest.write("index", 0);
  t.is(guest.read("data"), 59);
  guest.write("index", 0x11);
  guest.write("data", 0xab);
  t.is(guest.u.both.value, 0xab00);
  guest.write("index", 0x3f);
  t.is(guest.read("data"), 0);
});

const settling = device("settling", {
  banks: {
    ports: bank(u8, {
      plain: rw(0),
      computed: ro(1),
      handled: rw(2),
      clearing: ro(3, { flag: readToClear(bit(0)) }),
      index: rw(4),
      data: rw(5),
    }),
    behind: indirect(u8, { index: "index", data: "data" }, { quiet: rw(0), loud: rw(1) }),
  },
  state: { settled: u32 },
}).implement({
  peek: { computed: () => 7 },
  read: { handled: () => 1, loud: () => 2 },
  settle: (u) => {
    u.settled = u32(u.settled + 1);
  },
});

const overlaid = device("overlaid", {
  banks: {
    address: bank(
      u32,
      { address: rw(0, {}, { reset: 0x1234_5678 }) },
      { size: 4, narrow: { bytes: "bytes" } },
    ),
    bytes: overlay({ control: rw(1, { kind: bit(1), go: bit(2) }) }),
  },
  state: { settled: u32 },
}).implement({
  settle: (u) => {
    u.settled = u32(u.settled + 1);
  },
});

test("narrow accesses reach the overlay, wide ones the register behind it", (t) => {
  const guest = attach(overlaid);
  const before = guest.u.settled;
  guest.writeAt("address", 1, 1, 0x06);
  t.is(guest.readAt("address", 1, 1), 0x06);
  t.is(guest.readAt("address", 0, 2), 0x06ff);
  t.is(guest.readAt("address", 0, 4), 0x1234_5678);
  guest.writeAt("address", 0, 4, 0x8000_0000);
  t.is(guest.read("address"), 0x8000_0000);
  t.is(guest.readAt("address", 1, 1), 0x06);
  t.is(guest.readAt("address", 2, 1), 0xff);
  // Two writes that found a register; what was read cannot have changed anything.
  t.is(guest.u.settled, before + 2);
});

test("a device settles after writes and after reads that may change it, not after others", (t) => {
  const guest = attach(settling);
  const settled = (access: () => unknown): number => {
    const before = guest.u.settled;
    access();
    return guest.u.settled - before;
  };
  t.is(
    settled(() => guest.read("plain")),
    0,
  );
  t.is(
    settled(() => guest.read("computed")),
    0,
  );
  t.is(
    settled(() => guest.peekAt("ports", 2)),
    0,
  );
  t.is(
    settled(() => guest.read("handled")),
    1,
  );
  t.is(
    settled(() => guest.read("clearing")),
    1,
  );
  t.is(
    settled(() => {
      guest.write("plain", 1);
    }),
    1,
  );
  guest.write("index", 0);
  t.is(
    settled(() => guest.read("data")),
    0,
  );
  t.is(
    settled(() => {
      guest.write("data", 1);
    }),
    1,
  );
  guest.write("index", 1);
  t.is(
    settled(() => guest.read("data")),
    1,
  );
});

test("a window is as heavy as its registers, and a register that says nothing weighs 1", (t) => {
  const { windows } = device("heavy", {
    banks: {
      ports: bank(u8, { often: rw(0, {}, { weight: 30 }), seldom: ro(1), never: wo(2) }),
      other: bank(u8, { plain: repeat(4, 1, rw(0)) }),
    },
    state: {},
  }).implement({});
  t.is(windows.ports.weight, 32);
  t.is(windows.other.weight, 1);
});

test("a weight that is no count is refused", (t) => {
  for (const weight of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => rw(0, {}, { weight }), { message: /weight is a whole number of at least 1/ });
});
