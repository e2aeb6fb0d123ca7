import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { FakeBoard } from "../dsl/testing/fake-board.ts";
import { randomFrom } from "../dsl/testing/random-twin.ts";
import { mc146818 } from "./mc146818.ts";

const second = 1_000_000_000n;
const ms = 1_000_000n;

function rtc(iso = "2024-02-29T23:59:58.000Z") {
  const board = new FakeBoard();
  board.epochNs = BigInt(Date.parse(iso)) * ms;
  const guest = attach(mc146818, board);
  return {
    guest,
    board,
    get(index: number): number {
      guest.write("index", index);
      return guest.read("data");
    },
    set(index: number, value: number): void {
      guest.write("index", index);
      guest.write("data", value);
    },
    /** All time registers in the order century, year, month, day, weekday, hours, minutes, seconds. */
    time(): string {
      return [0x32, 9, 8, 7, 6, 4, 2, 0].map((i) => this.get(i).toString(16).padStart(2, "0")).join(" ");
    },
  };
}

test("the time is the board's, in BCD and 24 hours after power-on", (t) => {
  const clock = rtc();
  t.is(clock.time(), "20 24 02 29 05 23 59 58");
  t.is(clock.get(0x0a), 0x26);
  t.is(clock.get(0x0b), 0x02);
  t.is(clock.get(0x0d), 0x80);
});

test("seconds, minutes, hours, days, months and years carry, leap days included", (t) => {
  const clock = rtc();
  clock.guest.advance(2n * second);
  t.is(clock.time(), "20 24 03 01 06 00 00 00");
  t.is(rtc("2023-02-28T23:59:59Z").time(), "20 23 02 28 03 23 59 59");
  const common = rtc("2023-02-28T23:59:59Z");
  common.guest.advance(second);
  t.is(common.time(), "20 23 03 01 04 00 00 00");
  const year = rtc("1999-12-31T23:59:59Z");
  year.guest.advance(second);
  t.is(year.time(), "20 00 01 01 07 00 00 00");
});

test("every date from 1970 to 2100 is the calendar's", (t) => {
  const random = randomFrom(146818);
  const clock = rtc();
  for (let i = 0; i < 3000; i++) {
    const at = new Date(random(2 ** 32) * 956);
    clock.board.epochNs = BigInt(at.getTime()) * ms;
    const year = at.getUTCFullYear();
    const expected = [
      Math.floor(year / 100),
      year % 100,
      at.getUTCMonth() + 1,
      at.getUTCDate(),
      at.getUTCDay() + 1,
      at.getUTCHours(),
      at.getUTCMinutes(),
      at.getUTCSeconds(),
    ];
    if (clock.time() !== expected.map((n) => n.toString().padStart(2, "0")).join(" "))
      t.fail(at.toISOString());
  }
  t.pass();
});

test("binary mode and 12-hour mode show the same time differently", (t) => {
  const clock = rtc("2024-01-31T13:45:59Z");
  clock.set(0x0b, 0x06);
  t.is(clock.time(), "14 18 01 1f 04 0d 2d 3b");
  clock.set(0x0b, 0x00);
  t.is(clock.get(4), 0x81);
  clock.set(0x0b, 0x04);
  t.is(clock.get(4), 0x81);
  for (const [iso, hour] of [
    ["2024-01-01T00:10:00Z", 0x12],
    ["2024-01-01T12:10:00Z", 0x92],
    ["2024-01-01T11:10:00Z", 0x11],
    ["2024-01-01T23:10:00Z", 0x91],
  ] as const) {
    const other = rtc(iso);
    other.set(0x0b, 0x00);
    t.is(other.get(4), hour);
  }
});

test("while SET is set the time stands, and what is written becomes the time when it is cleared", (t) => {
  const clock = rtc();
  clock.set(0x0b, 0x82);
  clock.guest.advance(10n * second);
  t.is(clock.time(), "20 24 02 29 05 23 59 58");
  for (const [index, value] of [
    [0x32, 0x19],
    [9, 0x99],
    [8, 0x12],
    [7, 0x31],
    [4, 0x22],
    [2, 0x30],
    [0, 0x15],
  ] as const) {
    clock.set(index, value);
  }
  clock.set(0x0b, 0x02);
  t.is(clock.time(), "19 99 12 31 06 22 30 15");
  clock.guest.advance(5400n * second);
  t.is(clock.time(), "20 00 01 01 07 00 00 15");
});

test("every date that is written reads back", (t) => {
  const random = randomFrom(7);
  const clock = rtc();
  const bcd = (n: number) => ((n / 10) << 4) | (n % 10);
  for (let i = 0; i < 500; i++) {
    const at = new Date(random(2 ** 32) * 956);
    clock.set(0x0b, 0x82);
    const year = at.getUTCFullYear();
    clock.set(0x32, bcd(Math.floor(year / 100)));
    clock.set(9, bcd(year % 100));
    clock.set(8, bcd(at.getUTCMonth() + 1));
    clock.set(7, bcd(at.getUTCDate()));
    clock.set(4, bcd(at.getUTCHours()));
    clock.set(2, bcd(at.getUTCMinutes()));
    clock.set(0, bcd(at.getUTCSeconds()));
    clock.set(0x0b, 0x02);
    const [date, time] = at.toISOString().split("T") as [string, string];
    const [c, y, m, d, , hh, mm, ss] = clock.time().split(" ");
    t.is(
      `${c ?? ""}${y ?? ""}-${m ?? ""}-${d ?? ""} ${hh ?? ""}:${mm ?? ""}:${ss ?? ""}`,
      `${date} ${time.slice(0, 8)}`,
    );
  }
});

test("one register written while the clock runs leaves the others", (t) => {
  const clock = rtc("2024-05-06T07:08:09Z");
  clock.set(2, 0x30);
  t.is(clock.time(), "20 24 05 06 02 07 30 09");
});

test("the set time and the memory survive a reset, interrupt enables do not", (t) => {
  const clock = rtc();
  clock.set(0x0b, 0x82);
  clock.set(4, 0x05);
  clock.set(0x0b, 0x72);
  clock.set(0x20, 0xaa);
  clock.set(0x7f, 0x55);
  clock.guest.reset();
  t.is(clock.get(4), 0x05);
  t.is(clock.get(0x0b), 0x02);
  t.is(clock.get(0x20), 0xaa);
  t.is(clock.get(0x7f), 0x55);
  t.false(clock.guest.line("irq"));
});

test("index 0x7f and the NMI bit do not disturb each other", (t) => {
  const clock = rtc();
  clock.guest.write("index", 0xff);
  clock.guest.write("data", 0x12);
  t.is(clock.get(0x7f), 0x12);
});

test("UIP is set for the last 2.228 ms of a second, and never while SET is set", (t) => {
  const clock = rtc();
  clock.guest.advance(second - 2_228_001n);
  t.is(clock.get(0x0a), 0x26);
  clock.guest.advance(1);
  t.is(clock.get(0x0a), 0xa6);
  clock.guest.advance(2_227_999);
  t.is(clock.get(0x0a), 0xa6);
  t.is(clock.get(0), 0x58);
  clock.guest.advance(1);
  t.is(clock.get(0x0a), 0x26);
  t.is(clock.get(0), 0x59);
  clock.guest.advance(second - 1_000_000n);
  t.is(clock.get(0x0a), 0xa6);
  clock.set(0x0b, 0x82);
  t.is(clock.get(0x0a), 0x26);
});

test("after the divider was held in reset the first second is half as long", (t) => {
  const clock = rtc();
  clock.guest.advance(300n * ms);
  clock.set(0x0a, 0x76);
  clock.guest.advance(3n * second);
  t.is(clock.get(0), 0x58);
  clock.set(0x0a, 0x26);
  clock.guest.advance(499n * ms);
  t.is(clock.get(0), 0x58);
  clock.guest.advance(1n * ms);
  t.is(clock.get(0), 0x59);
  clock.guest.advance(999n * ms);
  t.is(clock.get(0), 0x59);
});

test("the update interrupt comes at the start of every second, once until C is read", (t) => {
  const clock = rtc("2024-01-01T00:00:00.400Z");
  clock.set(0x0b, 0x12);
  clock.guest.advance(599n * ms);
  t.false(clock.guest.line("irq"));
  clock.guest.advance(1n * ms);
  t.true(clock.guest.line("irq"));
  clock.guest.advance(5n * second);
  t.is(clock.get(0x0c) & 0x90, 0x90);
  t.false(clock.guest.line("irq"));
});

test("reading C shows what has happened, clears it and lowers the line", (t) => {
  const clock = rtc("2024-01-01T00:00:00Z");
  clock.set(0x0a, 0x20);
  clock.set(1, 0xff);
  clock.set(3, 0xff);
  clock.set(5, 0xff);
  clock.get(0x0c);
  clock.set(0x0b, 0x12);
  clock.guest.advance(second);
  t.true(clock.guest.line("irq"));
  t.is(clock.get(0x0c), 0xb0);
  t.is(clock.get(0x0c), 0x00);
  t.false(clock.guest.line("irq"));
});

test("flags are set without their interrupts, for those who poll", (t) => {
  const clock = rtc("2024-01-01T00:00:00Z");
  clock.get(0x0c);
  clock.guest.advance(second);
  t.is(clock.get(0x0c) & 0xd0, 0x50);
  t.is(clock.guest.deadline("next"), undefined);
  t.false(clock.guest.line("irq"));
});

for (const [rate, period] of [
  [1, 3_906_250n],
  [2, 7_812_500n],
  [3, 122_070n],
  [6, 976_562n],
  [15, 500_000_000n],
] as const) {
  test(`rate ${rate} interrupts every ${period} ns, without drift`, (t) => {
    const clock = rtc("2024-01-01T00:00:00Z");
    clock.set(0x0a, 0x20 | rate);
    clock.set(0x0b, 0x42);
    let interrupts = 0;
    const until = clock.board.nowNs + second;
    while (clock.board.nowNs < until) {
      const next = clock.guest.deadline("next") ?? until + 1n;
      if (next > until) break;
      clock.guest.advance(next - clock.board.nowNs);
      t.true(clock.guest.line("irq"));
      t.is(clock.get(0x0c) & 0xc0, 0xc0);
      interrupts++;
    }
    t.is(interrupts, Number(second / period));
  });
}

test("rate 0 never interrupts", (t) => {
  const clock = rtc();
  clock.set(0x0a, 0x20);
  clock.set(0x0b, 0x42);
  t.is(clock.guest.deadline("next"), undefined);
});

const alarms: readonly [string, [number, number, number], string][] = [
  ["2024-01-01T10:20:30Z", [0x10, 0x20, 0x31], "2024-01-01T10:20:31Z"],
  ["2024-01-01T10:20:30Z", [0x10, 0x20, 0x30], "2024-01-02T10:20:30Z"],
  ["2024-01-01T10:20:30Z", [0x09, 0x59, 0x59], "2024-01-02T09:59:59Z"],
  ["2024-01-01T10:20:30Z", [0xff, 0xff, 0xff], "2024-01-01T10:20:31Z"],
  ["2024-01-01T10:20:30Z", [0xff, 0xff, 0x10], "2024-01-01T10:21:10Z"],
  ["2024-01-01T10:20:30Z", [0xff, 0x20, 0x10], "2024-01-01T11:20:10Z"],
  ["2024-01-01T10:20:30Z", [0xff, 0x19, 0xff], "2024-01-01T11:19:00Z"],
  ["2024-01-01T10:59:59Z", [0xff, 0x00, 0xff], "2024-01-01T11:00:00Z"],
  ["2024-01-01T23:59:59Z", [0x00, 0xff, 0xff], "2024-01-02T00:00:00Z"],
  ["2024-01-01T10:20:30Z", [0x08, 0xff, 0xff], "2024-01-02T08:00:00Z"],
  ["2024-01-01T10:20:30Z", [0x12, 0xff, 0x05], "2024-01-01T12:00:05Z"],
  ["2024-02-28T23:00:00Z", [0x00, 0x00, 0x00], "2024-02-29T00:00:00Z"],
];
for (const [from, [h, m, s], to] of alarms) {
  test(`at ${from} the alarm ${[h, m, s].map((n) => n.toString(16)).join(":")} comes at ${to}`, (t) => {
    const clock = rtc(from);
    clock.set(5, h);
    clock.set(3, m);
    clock.set(1, s);
    clock.get(0x0c);
    clock.set(0x0b, 0x22);
    const wait = BigInt(Date.parse(to) - Date.parse(from)) * ms;
    clock.guest.advance(wait - 1n);
    t.false(clock.guest.line("irq"));
    t.is(clock.get(0x0c) & 0x20, 0);
    clock.guest.advance(1n);
    t.true(clock.guest.line("irq"));
    t.is(clock.get(0x0c) & 0xa0, 0xa0);
  });
}

test("an alarm that no time matches never comes", (t) => {
  const clock = rtc();
  clock.set(1, 0x75);
  clock.set(0x0b, 0x22);
  t.is(clock.guest.deadline("next"), undefined);
});

test("setting SET clears the update interrupt's enable", (t) => {
  const clock = rtc();
  clock.set(0x0b, 0x12);
  clock.set(0x0b, 0x92);
  t.is(clock.get(0x0b), 0x82);
});

test("looking at C changes nothing", (t) => {
  const clock = rtc();
  clock.set(0x0b, 0x12);
  clock.guest.write("index", 0x0c);
  clock.guest.advance(second);
  const before = clock.guest.snapshot();
  t.is(Number(clock.guest.peekAt("ports", 1)) & 0x90, 0x90);
  t.deepEqual(clock.guest.snapshot(), before);
});

test("no second and no alarm is lost where time passes while the device runs", (t) => {
  const clock = rtc("2024-01-01T00:00:00.250Z");
  clock.set(0x0a, 0x20);
  clock.set(5, 0xff);
  clock.set(3, 0xff);
  clock.set(1, 0x30);
  clock.get(0x0c);
  clock.set(0x0b, 0x32);
  clock.board.lookNs = 3n * ms;
  const begin = clock.board.nowNs;
  let updates = 0;
  let alarms = 0;
  for (let i = 0; i < 20_000; i++) {
    const c = clock.get(0x0c);
    if ((c & 0x10) !== 0) updates++;
    if ((c & 0x20) !== 0) alarms++;
    clock.guest.advance(1n * ms);
  }
  clock.board.lookNs = 0n;
  const seconds = Number((clock.board.nowNs + 250n * ms) / second - (begin + 250n * ms) / second);
  t.true(seconds > 60);
  t.true(Math.abs(updates - seconds) <= 1, `${updates} updates in ${seconds} seconds`);
  t.true(Math.abs(alarms - seconds / 60) <= 1, `${alarms} alarms in ${seconds} seconds`);
});
