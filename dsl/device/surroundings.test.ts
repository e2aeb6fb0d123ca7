import test from "ava";
import { attach } from "../testing/attach.ts";
import { FakeBoard } from "../testing/fake-board.ts";
import {
  array,
  bank,
  bit,
  bits,
  bool,
  device,
  fifo,
  inputs,
  instantiate,
  line,
  messages,
  retained,
  ro,
  rw,
  session,
  signal,
  timer,
  u16,
  u32,
  u64,
  u8,
  unimplemented,
  wo,
} from "./vocabulary.ts";

const outside = device("outside", {
  banks: { ports: bank(u8, { command: wo(0), level: ro(1), kept: rw(2, {}, { retained: true, reset: 3 }) }) },
  state: {
    queue: fifo(u16, 4),
    timers: array(timer(), 3),
    lines: array(line(), 2),
    pins: inputs(8),
    more: inputs(2),
    out: messages(),
    events: signal(),
    battery: retained(u32),
    scratch: session(u16),
    numbers: array(u32, 3),
    flag: bool,
    big: u64,
    expired: u32,
  },
}).implement({
  write: {
    command(u, value) {
      if (value === 1) u.timers[2]?.arm(500n);
      else if (value === 2) u.timers[2]?.cancel();
      else if (value === 3) u.out.send(0xff, 0x31);
      else if (value === 4) u.events.raise(9);
      else u.queue.push(value);
    },
  },
  peek: { level: (u) => (u.pins.level(3) ? 1 : 0) },
  expire: {
    timers(u, index) {
      u.expired = u32(u.expired * 16 + index + 1);
    },
  },
  input: {
    pins(u, pin, level) {
      u.lines[pin & 1]?.set(level);
    },
    more(u, pin) {
      u.big = BigInt(pin) + 100n;
    },
  },
  calls: { acknowledge: (u) => u.queue.pop() },
});

test("a timer of an array expires at its time, once, with its index", (t) => {
  const guest = attach(outside);
  guest.write("command", 1);
  guest.advance(499);
  t.is(guest.u.expired, 0);
  guest.advance(1);
  t.is(guest.u.expired, 3);
  guest.advance(10_000);
  t.is(guest.u.expired, 3);
});

test("a cancelled timer does not expire, and neither does one that the board calls late", (t) => {
  const guest = attach(outside);
  guest.write("command", 1);
  guest.write("command", 2);
  guest.advance(10_000);
  const wire = outside.wires.find((w) => w.name === "timers");
  outside.expire(guest.u, (wire?.ordinal ?? 0) + 2);
  t.is(guest.u.expired, 0);
});

test("input pins reach their handler when they change, and only then", (t) => {
  const guest = attach(outside);
  guest.input("pins", 3, true);
  guest.input("pins", 3, true);
  t.deepEqual(guest.edges("lines[1]"), [true]);
  t.is(guest.read("level"), 1);
  guest.input("more", 1, true);
  t.is(guest.u.big, 101n);
  t.is(guest.u.pins.levels, 8);
});

test("messages, signals and calls reach the outside", (t) => {
  const guest = attach(outside);
  guest.write("command", 3);
  guest.write("command", 4);
  guest.write("command", 5);
  t.deepEqual(guest.messages("out"), [{ destination: 0xff, command: 0x31 }]);
  t.deepEqual(guest.signals("events"), [9]);
  t.is(
    guest.call((calls, u) => calls.acknowledge(u)),
    5,
  );
});

test("a full fifo refuses, an empty one gives zero, and order is kept around the end", (t) => {
  const guest = attach(outside);
  const { queue } = guest.u;
  t.is(queue.pop(), 0);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) t.true(queue.push(1000 + i));
    t.true(queue.full);
    t.false(queue.push(1));
    t.is(queue.peek(), 1000);
    t.deepEqual([queue.pop(), queue.pop(), queue.pop()], [1000, 1001, 1002]);
    t.is(queue.count, 1);
    t.is(queue.pop(), 1003);
  }
});

test("a reset clears what is not retained, lowers lines and stops timers", (t) => {
  const guest = attach(outside);
  const { u } = guest;
  guest.write("command", 1);
  guest.write("command", 7);
  guest.input("pins", 0, true);
  guest.write("kept", 0x42);
  u.battery = 77;
  u.flag = true;
  u.big = 5n;
  u.numbers[2] = 9;
  guest.reset();
  t.false(guest.line("lines[0]"));
  t.is(guest.deadline("timers[2]"), undefined);
  t.true(u.queue.empty);
  t.is(u.battery, 77);
  t.is(guest.read("kept"), 0x42);
  t.false(u.flag);
  t.is(u.big, 0n);
  t.is(u.numbers[2], 0);
  t.true(u.pins.level(0));
});

test("two devices on one board keep their wires apart", (t) => {
  const board = new FakeBoard();
  const first = attach(outside, board);
  const second = attach(outside, board);
  second.write("command", 3);
  first.write("command", 1);
  board.advance(500n);
  t.is(first.messages("out").length, 0);
  t.is(second.messages("out").length, 1);
  t.is(first.u.expired, 3);
  t.is(second.u.expired, 0);
});

const banked = device("banked", {
  title: "Two banks",
  about: "What a guest has in it.",
  manuals: ["a manual, 1995"],
  banks: {
    mmio: bank(
      u32,
      {
        mode: rw(0, { select: bits(1, 0, "which group is seen") }, { section: "§8.7", weight: 4 }),
        strict: rw(4, { missing: unimplemented(bit(6)) }),
      },
      { space: "mmio" },
    )
      .when("mode.select", 1, { one: rw(0x10, {}, { reset: 0xffff_ffffn }) })
      .when("mode.select", 2, { two: rw(0x10, {}, { about: "the second" }) }),
  },
}).implement({ peek: { two: () => 2 }, written: { mode: () => undefined, two: () => undefined } });

test("the model is frozen through and through, and survives JSON", (t) => {
  for (const { model } of [outside, banked]) {
    t.deepEqual(JSON.parse(JSON.stringify(model)), model);
    const thaw = (value: unknown): boolean =>
      typeof value === "object" &&
      value !== null &&
      (!Object.isFrozen(value) || Object.values(value).some(thaw));
    t.false(thaw(model));
  }
  t.like(
    outside.model.state.find((s) => s.name === "scratch"),
    { saved: false, type: "u16" },
  );
  t.like(
    outside.model.state.find((s) => s.name === "battery"),
    { saved: true, retained: true },
  );
  t.like(
    outside.model.state.find((s) => s.name === "timers"),
    { wire: "timer", type: "Timer[3]" },
  );
  t.like(
    banked.model.registers.find((r) => r.name === "two"),
    {
      bank: "mmio",
      offset: 16,
      when: { register: "mode", field: "select", value: 2 },
    },
  );
  t.deepEqual(banked.model.reported, ["strict"]);
});

test("the model has what a declaration says of the device, its registers and its fields, and who handles what", (t) => {
  const { model } = banked;
  t.like(model, { title: "Two banks", about: "What a guest has in it.", manuals: ["a manual, 1995"] });
  t.like(
    outside.model,
    { title: "outside", about: "", manuals: [] },
    "by default its name, and nothing more",
  );
  const registerOf = (name: string) => model.registers.find((r) => r.name === name);
  t.like(registerOf("mode"), { section: "§8.7", weight: 4, handlers: ["written"] });
  t.is(registerOf("mode")?.fields[0]?.about, "which group is seen");
  t.like(registerOf("two"), { section: "", weight: 1, about: "the second", handlers: ["peek", "written"] });
});

test("an instance has its windows at their bases, and its wires with their targets", (t) => {
  const placed = instantiate(outside, "thing", {
    at: { ports: 0x70 },
    connect: {
      "lines[1]": { instance: "pic0", pin: 4 },
      events: [{ board: "reset" }, { board: "log", channel: 2 }],
    },
  });
  t.like(placed.windows[0], { base: 0x70n, sizeBytes: 3, space: "port" });
  t.deepEqual(
    placed.wires.map((w) => [w.name, w.index, w.ordinal, w.kind, w.targets.length]),
    [
      ["timers", 0, 0, "timer", 0],
      ["timers", 1, 1, "timer", 0],
      ["timers", 2, 2, "timer", 0],
      ["lines", 0, 3, "line", 0],
      ["lines", 1, 4, "line", 1],
      ["out", 0, 5, "messages", 0],
      ["events", 0, 6, "signal", 2],
    ],
  );
});

test("an instance without a base, outside its space, or with an unknown wire is refused", (t) => {
  t.throws(() => instantiate(outside, "thing", { at: {} as never }), {
    message: /the window ports of outside has no base/,
  });
  t.throws(() => instantiate(outside, "thing", { at: { ports: 0xfffe } }), {
    message: /does not fit its space/,
  });
  t.throws(() => instantiate(outside, "thing", { at: { ports: 0 }, connect: { irq: { board: "x" } } }), {
    message: /outside has no wire irq/,
  });
});
