import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { addressOf, copyBytes } from "../dsl/core/intrinsics.ts";
import { array, make } from "../dsl/core/layout.ts";
import { board } from "../dsl/device/board.ts";
import { instantiate, type Instance } from "../dsl/device/instance.ts";
import {
  bank,
  bit,
  bits,
  device,
  inputs,
  line,
  now,
  retained,
  rw,
  session,
  signal,
  sink,
  source,
  timer,
  u32,
  u64,
  u8,
} from "../dsl/device/vocabulary.ts";
import { makeBoard, type BoardParts, type BoardTargets } from "./board.ts";
import { cpus } from "./cpu.ts";
import { makeDispatch, type BridgeWindow } from "./dispatch.ts";
import { Domain } from "./domain.ts";
import { eventRings } from "./events.ts";
import { modelMachine } from "./testing/machine.ts";
import { resumeGuestTime, startGuestTime } from "./timebase.ts";
import { Request, Vcpu } from "./vcpu.ts";

/** A register that drives a line, starts a timer and sends a byte; a second one in memory. */
const source1 = device("board-test-source", {
  banks: {
    ports: bank(u8, { control: rw(0), other: rw(1) }),
    memory: bank(u32, { word: rw(0) }, { space: "mmio", size: 0x1000 }),
  },
  state: { out: line(), after: timer(), bytes: sink(), feed: source(), end: signal(), fired: u32, got: u32 },
}).implement({
  written: {
    control(u, value) {
      u.out.set((value & 1) !== 0);
      if ((value & 2) !== 0) u.after.arm(u64(now() + 1000n));
      if ((value & 4) !== 0) u.bytes.put(value);
      if ((value & 8) !== 0) u.end.raise(value);
      // Both edges of one access are seen.
      if ((value & 16) !== 0) {
        u.out.set(true);
        u.out.set(false);
        u.out.set(true);
      }
    },
  },
  expire: {
    after(u) {
      u.fired = u32(u.fired + 1);
    },
  },
  room: { feed: () => 2 },
  receive: {
    feed(u, byte) {
      u.got = u32(u.got * 256 + byte);
    },
  },
});

/** Repeats its input at its output, so that lines run through it. */
const repeater = device("board-test-repeater", {
  banks: { ports: bank(u8, { edges: rw(0) }) },
  state: { pin: inputs(1), out: line() },
}).implement({
  input: {
    pin(u, _pin, level) {
      u.edges.value = u8(u.edges.value + 1);
      u.out.set(level);
    },
  },
});

/** A source wired through two repeaters to the board. */
function scene(more: readonly unknown[] = [], bridges: readonly BridgeWindow[] = []) {
  const machine = modelMachine();
  const heard: string[] = [];
  const targets: BoardTargets = {
    line: (name) => (name === "end" ? (level) => heard.push(`line ${level}`) : undefined),
    signal: (name) => (name === "end" ? (value) => heard.push(`signal ${value}`) : undefined),
    message: () => undefined,
    sink: (name) => (name === "end" ? (byte) => heard.push(`byte ${byte}`) : undefined),
  };
  const instances = [
    instantiate(source1, "source", {
      at: { ports: 0x100, memory: 0xd000_0000 },
      connect: {
        out: { instance: "first", pin: 0 },
        bytes: { board: "end" },
        feed: { board: "console" },
        end: { board: "end" },
      },
    }),
    instantiate(repeater, "first", {
      at: { ports: 0x200 },
      connect: { out: { instance: "second", pin: 0 } },
    }),
    instantiate(repeater, "second", { at: { ports: 0x204 }, connect: { out: { board: "end" } } }),
    ...more,
  ] as unknown as readonly Instance[];
  const domains = make(array(Domain, 1));
  startGuestTime(domains[0].time);
  const guests = [
    { index: 0, instances: instances.map((instance) => ({ instance, vcpu: null, volume: null })) },
  ];
  const parts = makeBoard(guests, domains, () => targets, eventRings(1, 64), 0);
  provide(board, parts.board);
  parts.timers.clear();
  parts.powerUp(0);
  parts.restart(0);
  const dispatch = makeDispatch(parts, 1, bridges);
  return { machine, heard, parts, dispatch, domains };
}

test.serial("a line runs through every device on its way, in the order of its changes", (t) => {
  const { heard, dispatch, parts } = scene();
  dispatch.portOut(0, 0x100, 1, 1);
  t.deepEqual(heard, []);
  parts.deliver();
  t.deepEqual(heard, ["line true"]);
  dispatch.portOut(0, 0x100, 1, 16);
  parts.deliver();
  t.deepEqual(heard, ["line true", "line false", "line true", "line false", "line true"]);
  t.is(dispatch.portIn(0, 0x200, 1), 5);
  t.is(dispatch.portIn(0, 0x204, 1), 5);
});

test.serial("an exit delivers a bounded part, in order, and what is left brings the kernel's loop", (t) => {
  const { heard, dispatch, parts } = scene();
  const vcpu = make(Vcpu);
  cpus[0].current = vcpu;
  t.teardown(() => (cpus[0].current = null));
  // A change runs over three wires.
  dispatch.portOut(0, 0x100, 1, 1);
  parts.deliverFew();
  t.deepEqual(heard, ["line true"]);
  t.false(parts.hasQueued());
  t.is(vcpu.requests.load(), 0);
  // Three changes over three wires are nine deliveries, and the last is one too many.
  dispatch.portOut(0, 0x100, 1, 0);
  parts.deliverFew();
  heard.length = 0;
  dispatch.portOut(0, 0x100, 1, 16);
  parts.deliverFew();
  t.deepEqual(heard, ["line true", "line false"]);
  t.true(parts.hasQueued());
  t.is(vcpu.requests.load(), Request.yield);
  parts.deliver();
  t.deepEqual(heard, ["line true", "line false", "line true"]);
  t.false(parts.hasQueued());
});

test.serial("a timer expires once, when the guest's clock has reached it", (t) => {
  const { machine, parts, dispatch } = scene();
  dispatch.portOut(0, 0x100, 1, 2);
  machine.ticks = 999n;
  parts.timers.run();
  const state = parts.instances[0].state as { fired: number };
  t.is(state.fired, 0);
  machine.ticks = machine.armed;
  parts.timers.run();
  t.is(state.fired, 1);
  parts.timers.run();
  t.is(state.fired, 1);
});

test.serial("bytes and signals reach the board; bytes from it reach the device", (t) => {
  const { heard, parts, dispatch } = scene();
  dispatch.portOut(0, 0x100, 1, 4);
  dispatch.portOut(0, 0x100, 1, 8);
  parts.deliver();
  t.deepEqual(heard, ["byte 4", "signal 8"]);
  const [feed] = parts.feeds;
  t.is(feed.name, "console");
  t.is(feed.room(), 2);
  feed.receive(0x41);
  feed.receive(0x42);
  t.is((parts.instances[0].state as { got: number }).got, 0x4142);
});

test.serial("the timers of a guest that has ended do not fire", (t) => {
  const { machine, parts, dispatch } = scene();
  dispatch.portOut(0, 0x100, 1, 2);
  parts.silence(0);
  machine.ticks = 5000n;
  parts.timers.run();
  t.is((parts.instances[0].state as { fired: number }).fired, 0);
});

test.serial("a guest's start forgets state and withdraws timers", (t) => {
  const { machine, parts, dispatch } = scene();
  dispatch.portOut(0, 0x100, 1, 2);
  dispatch.portOut(0, 0x101, 1, 0x55);
  parts.restart(0);
  machine.ticks = 5000n;
  parts.timers.run();
  t.is((parts.instances[0].state as { fired: number }).fired, 0);
  t.is(dispatch.portIn(0, 0x101, 1), 0);
});

/** Two lines of an array, and one alone, each as a bit of its register says. */
const asker = device("board-test-asker", {
  banks: { ports: bank(u8, { asks: rw(0) }) },
  state: { alone: line(), many: array(line(), 2) },
}).implement({
  settle(u) {
    u.alone.set((u.asks.value & 1) !== 0);
    for (let i = 0; i < 2; i += 1) u.many[i].set(((u.asks.value >>> (i + 1)) & 1) !== 0);
  },
});

test.serial("lines that share a pin are a wired OR: it falls when the last of them does", (t) => {
  const pin = { instance: "shared", pin: 0 };
  const { heard, dispatch, parts } = scene([
    instantiate(asker, "one", { at: { ports: 0x500 }, connect: { alone: pin, "many[1]": pin } }),
    instantiate(asker, "two", { at: { ports: 0x501 }, connect: { alone: pin } }),
    instantiate(repeater, "shared", { at: { ports: 0x502 }, connect: { out: { board: "end" } } }),
  ]);
  const after = (port: number, asks: number): string[] => {
    heard.length = 0;
    dispatch.portOut(0, port, 1, asks);
    parts.deliver();
    return [...heard];
  };
  t.deepEqual(after(0x500, 1), ["line true"]);
  t.deepEqual(after(0x501, 1), [], "it is high already");
  t.deepEqual(after(0x500, 0), [], "the other still asks");
  t.deepEqual(after(0x500, 4), [], "an element of an array asks too");
  t.deepEqual(after(0x501, 0), []);
  t.deepEqual(after(0x500, 2), ["line false"], "its neighbour ends elsewhere");
  t.is(dispatch.portIn(0, 0x502, 1), 2);
});

/** Has two timers in an array, a line, and something that belongs to a session. */
const saver = device("board-test-saver", {
  banks: { ports: bank(u8, { go: rw(0), value: rw(1) }) },
  state: { timers: array(timer(), 2), out: line(), visits: session(u32), fired: u32 },
}).implement({
  written: {
    go(u) {
      u.timers[1].arm(u64(now() + 5000n));
      u.out.set(true);
      u.visits = 3;
    },
  },
  expire: {
    timers(u, which) {
      u.fired = u32(u.fired * 10 + which + 1);
    },
  },
});

test.serial(
  "a device goes on with a state that was saved on another board, at other wires and another time",
  (t) => {
    const other = scene([instantiate(saver, "saver", { at: { ports: 0x600 } })]);
    other.dispatch.portOut(0, 0x601, 1, 0x77);
    other.dispatch.portOut(0, 0x600, 1, 1);
    const stateOf = (s: { parts: BoardParts }) =>
      s.parts.instances.find((p) => p.instance.name === "saver")!.state;
    const from = stateOf(other);

    const { machine, dispatch, parts, domains } = scene([
      instantiate(repeater, "before", { at: { ports: 0x500 } }),
      instantiate(saver, "saver", { at: { ports: 0x600 } }),
    ]);
    const to = stateOf({ parts }) as typeof from & {
      visits: number;
      fired: number;
      timers: { wire: number }[];
    };
    const wires = [...to.timers].map((one) => one.wire);
    // The clock of the guest was held at 2,000 ns, and this machine is at 100,000.
    machine.ticks = 100_000n;
    domains[0].time.offset = 0n;
    domains[0].time.paused = 2_000n;
    copyBytes(addressOf(to), addressOf(from), BigInt(saver.state.size));
    resumeGuestTime(domains[0].time);
    parts.resume(0);
    t.is(dispatch.portIn(0, 0x601, 1), 0x77);
    t.deepEqual(
      [...to.timers].map((one) => one.wire),
      wires,
      "its wires have the numbers of this board",
    );
    t.is(to.visits, 0, "the session is another");
    machine.ticks = 102_900n;
    parts.timers.run();
    t.is(to.fired, 0);
    machine.ticks = 103_001n;
    parts.timers.run();
    t.is(to.fired, 2, "the second timer, 5,000 ns after the first board's start");
  },
);

/** Has a battery between what a start forgets. */
const keeper = device("board-test-keeper", {
  banks: { ports: bank(u8, { before: rw(0), kept: rw(1, {}, { reset: 7, retained: true }), after: rw(2) }) },
  state: { first: u32, battery: retained(u32), many: array(u32, 2) },
}).implement({
  written: {
    after(u, value) {
      u.first = value;
      u.battery = value;
      u.many[1] = value;
    },
  },
});

test.serial("a guest's start keeps what a device retains, with its first value until then", (t) => {
  const { parts, dispatch } = scene([instantiate(keeper, "keeper", { at: { ports: 0x400 } })]);
  const ports = (): number[] => [0x400, 0x401, 0x402].map((port) => dispatch.portIn(0, port, 1));
  t.deepEqual(ports(), [0, 7, 0]);
  for (const port of [0x400, 0x401, 0x402]) dispatch.portOut(0, port, 1, 9);
  parts.restart(0);
  t.deepEqual(ports(), [0, 9, 0]);
  const state = parts.instances.find((p) => p.instance.name === "keeper")!.state;
  const { first, battery, many } = state as { first: number; battery: number; many: number[] };
  t.deepEqual([first, battery, many[1]], [0, 9, 0]);
});

test.serial("accesses reach the window that holds them, and what none holds reads as ones", (t) => {
  const { dispatch } = scene();
  dispatch.portOut(0, 0x101, 1, 0x7a);
  t.is(dispatch.portIn(0, 0x101, 1), 0x7a);
  t.is(dispatch.portIn(0, 0x100, 2), 0x7a00);
  for (const port of [0x0, 0xff, 0x102, 0x203, 0xffff])
    t.is(dispatch.portIn(0, port, 1), 0xff, port.toString(16));
  t.is(dispatch.portIn(0, 0x300, 4), 0xffff_ffff);
  dispatch.memoryWrite(0, 0, 0xd000_0000n, 4, 0x1234_5678n);
  t.is(dispatch.memoryRead(0, 0, 0xd000_0000n, 4), 0x1234_5678n);
  t.is(dispatch.memoryRead(0, 0, 0xd000_1000n, 4), 0xffff_ffffn);
  t.is(dispatch.memoryRead(0, 0, 0xcfff_fff8n, 8), 0xffff_ffff_ffff_ffffn);
});

/** Two windows that a register places, and a function of configuration space. */
const placed = device("board-test-placed", {
  banks: {
    space: bank(
      u32,
      { command: rw(4, { memory: bit(1) }), bar: rw(0x10, { base: bits(31, 12) }) },
      {
        space: "configuration",
        size: 0x1000,
      },
    ),
    first: bank(
      u32,
      { one: rw(0) },
      {
        space: "mmio",
        size: 0x800,
        movable: { register: "bar", field: "base", offset: 0, enabled: "command.memory" },
      },
    ),
    second: bank(
      u32,
      { two: rw(0) },
      {
        space: "mmio",
        size: 0x800,
        movable: { register: "bar", field: "base", offset: 0x800, enabled: "command.memory" },
      },
    ),
  },
}).implement({});

test.serial(
  "a window that the guest places is where it says, within the bridge's window and behind all others",
  (t) => {
    const { dispatch } = scene(
      [instantiate(placed, "placed", { at: { space: 0x8000 } as never })],
      [{ first: 0xc000_0000n, end: 0xd000_1000n }],
    );
    const put = (gpa: bigint): void => board.writeConfiguration(0x8010, 4, Number(gpa));
    const get = (gpa: bigint, width = 4): bigint => dispatch.memoryRead(0, 0, gpa, width);
    put(0xc000_1000n);
    t.is(get(0xc000_1000n), 0xffff_ffffn, "switched off");
    board.writeConfiguration(0x8004, 1, 2);
    dispatch.memoryWrite(0, 0, 0xc000_1000n, 4, 11n);
    dispatch.memoryWrite(0, 0, 0xc000_1800n, 8, 22n);
    t.is(get(0xc000_1000n), 11n);
    t.is(get(0xc000_1800n, 8), 22n);
    t.is(get(0xc000_2000n), 0xffff_ffffn);
    t.is(get(0xc000_0ffcn), 0xffff_ffffn);
    put(0xc123_4000n);
    t.is(get(0xc000_1000n), 0xffff_ffffn);
    t.is(get(0xc123_4800n), 22n);
    // Outside of what the bridge passes on, at its ends, and where another device is.
    for (const gpa of [0xbfff_f000n, 0xd000_1000n, 0xffff_f000n, 0n]) {
      put(gpa);
      t.is(get(gpa), 0xffff_ffffn, gpa.toString(16));
      t.is(get(gpa + 0x800n), 0xffff_ffffn);
    }
    put(0xd000_0000n);
    dispatch.memoryWrite(0, 0, 0xd000_0000n, 4, 33n);
    t.is(get(0xd000_0000n), 33n);
    put(0xc000_0000n);
    t.is(get(0xc000_0000n), 11n);
  },
);

test.serial("configuration space is read and written by function, and ones are where none is", (t) => {
  scene([instantiate(placed, "placed", { at: { space: 0x8000 } as never })], []);
  board.writeConfiguration(0x8010, 4, 0xffff_ffff);
  t.is(board.readConfiguration(0x8010, 4), 0xffff_f000);
  t.is(board.readConfiguration(0x8012, 2), 0xffff);
  for (const address of [0x7010, 0x9010, 0xffff_ffff]) {
    board.writeConfiguration(address, 4, 0);
    t.is(board.readConfiguration(address, 4), 0xffff_ffff);
  }
  t.is(board.readConfiguration(0x8010, 4), 0xffff_f000);
});

test.serial("an access that leaves its window sees it and floating bytes", (t) => {
  const { dispatch } = scene();
  dispatch.portOut(0, 0x101, 1, 0x7a);
  t.is(dispatch.portIn(0, 0x101, 2), 0xff7a);
  dispatch.portOut(0, 0x101, 4, 0x1122_3344);
  t.is(dispatch.portIn(0, 0x101, 1), 0x44);
});

test.serial("windows that overlap, and wires that end nowhere, are refused when the image is built", (t) => {
  const twice = ["a", "b"].map((name) =>
    instantiate(repeater, name, { at: { ports: 0x300 } }),
  ) as unknown as readonly Instance[];
  const nowhere: BoardTargets = {
    line: () => undefined,
    signal: () => undefined,
    message: () => undefined,
    sink: () => undefined,
  };
  const build = (instances: readonly Instance[]) =>
    makeDispatch(
      makeBoard(
        [{ index: 0, instances: instances.map((instance) => ({ instance, vcpu: null, volume: null })) }],
        make(array(Domain, 1)),
        () => nowhere,
        eventRings(1, 64),
        0,
      ),
      1,
    );
  t.throws(() => build(twice), { message: /windows at 0x300 and 0x300 overlap/ });
  const lost = instantiate(repeater, "c", { at: { ports: 0x400 }, connect: { out: { board: "moon" } } });
  t.throws(() => build([lost as unknown as Instance]), {
    message: /wire out of c ends at moon, which is nowhere/,
  });
});
