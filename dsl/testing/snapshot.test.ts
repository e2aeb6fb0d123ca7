import test from "ava";
import { hpet } from "../../devices/hpet.ts";
import { uart16550 } from "../../devices/uart16550.ts";
import { attach, type Snapshot } from "./attach.ts";
import { FakeBoard } from "./fake-board.ts";
import { SnapshotError } from "./snapshot.ts";
import { showOnFailure } from "./timeline.ts";

/** A guest whose HPET ticks every millisecond, 250 microseconds before a tick. */
function ticking() {
  const guest = attach(hpet);
  guest.write("config", 0x14c | (20 << 9));
  guest.write("comparatorLow", 100_000);
  guest.write("configuration", 1);
  guest.advance(9_750_000);
  return guest;
}

test("a device goes on from a snapshot that was JSON in between, on another board and with other wires", (t) => {
  const first = ticking();
  const text = JSON.stringify(first.snapshot());
  const board = new FakeBoard();
  attach(uart16550, board);
  const second = attach(hpet, board);
  second.restore(JSON.parse(text) as Snapshot);
  t.is(second.line("pins[0]"), first.line("pins[0]"));
  t.is(second.deadline("match[0]"), first.deadline("match[0]"));
  const before = first.edges("pins[0]").length;
  for (const guest of [first, second]) guest.advance(1_000_000);
  t.is(second.edges("pins[0]").length, first.edges("pins[0]").length - before);
  t.true(second.edges("pins[0]").length > 0);
  t.is(second.readBig("counter"), first.readBig("counter"));
});

test("a snapshot names what is in it, and a restored guest is where it was", (t) => {
  const guest = attach(uart16550);
  guest.write("lcr", 0x83);
  guest.write("dll", 12);
  const saved = guest.snapshot();
  t.is(saved.device, "uart16550");
  t.is(saved.state["lcr"], 0x83);
  t.is(saved.state["dll"], 12);
  guest.write("dll", 1);
  guest.advance(5000);
  guest.restore(saved);
  t.deepEqual(guest.snapshot(), saved);
  t.is(guest.read("dll"), 12);
});

test("what is no snapshot of the device is refused by name, and nothing changes", (t) => {
  const guest = attach(uart16550);
  guest.write("lcr", 3);
  const saved = guest.snapshot();
  const refuses = (wrong: unknown, message: RegExp): void => {
    t.throws(() => guest.restore(wrong as Snapshot), { instanceOf: SnapshotError, message });
    t.deepEqual(guest.snapshot(), saved);
  };
  refuses(ticking().snapshot(), /^a snapshot of hpet does not fit uart16550$/);
  const { lcr, ...without } = saved.state;
  refuses({ ...saved, state: { dll: 1, ...without } }, /^`lcr` is missing, where the state has \d+ bits$/);
  refuses({ ...saved, state: { ...saved.state, lrc: lcr } }, /^the state has no `lrc`$/);
  refuses({ ...saved, state: { ...saved.state, lcr: 0x100 } }, /^`lcr` is 256, where the state has 8 bits$/);
  refuses({ ...saved, state: { ...saved.state, lcr: "3" } }, /^`lcr` is "3", where the state has 8 bits$/);
  refuses({ ...saved, timeNs: "soon" }, /^soon is no time$/);
});

test("the timeline tells what was done, by the registers' names, and what the device did", (t) => {
  const guest = ticking();
  guest.advance(250_000);
  guest.read("status");
  const lines = guest.timeline.text().split("\n");
  t.is(lines[0], "           0 ns  write config[0] 0x294c");
  t.is(lines[1], "           0 ns  write comparatorLow[0] 0x186a0");
  t.is(lines.filter((line) => line.endsWith("ns    match[0] expires")).length, 10);
  t.true(lines.includes("    10000000 ns    pins[0] rises"));
  t.regex(lines.at(-1)!, /^ {4}10000000 ns {2}read status → 0x/);
  t.is(guest.timeline.text(1), lines.at(-1)!);
});

test("the timeline is printed where the test fails, and only there", (t) => {
  for (const passed of [true, false]) {
    const printed: unknown[] = [];
    const ends: (() => void)[] = [];
    const guest = attach(uart16550);
    showOnFailure({ passed, log: (text) => printed.push(text), teardown: (act) => ends.push(act) }, guest);
    guest.write("scr", 1);
    ends.forEach((end) => end());
    t.deepEqual(printed, passed ? [] : ["           0 ns  write scr 0x1"]);
  }
});

test("a truncated snapshot, and one with any bit flipped, is refused with its reason or is what it says", (t) => {
  const guest = ticking();
  const whole = JSON.stringify(guest.snapshot());
  const other = attach(hpet);
  other.write("configuration", 1);
  other.advance(12_345);
  const before = other.snapshot();
  let refused = 0;
  // The numbers of wires are the board's, and a number may have zeros in front.
  const said = (snapshot: Snapshot): string =>
    JSON.stringify(snapshot)
      .replaceAll(/"wire":\d+/g, "")
      .replaceAll(/"0x0+(?=[\da-f])/g, '"0x');
  const tries = (text: string): void => {
    let read: Snapshot;
    try {
      read = JSON.parse(text) as Snapshot;
    } catch {
      return;
    }
    try {
      other.restore(read);
      // What was taken is there, name by name.
      t.is(said(other.snapshot()), said(read), text);
      other.restore(before);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      refused++;
      t.deepEqual(other.snapshot(), before, text);
    }
  };
  for (let length = 0; length < whole.length; length += 7) tries(whole.slice(0, length));
  for (let at = 0; at < whole.length; at++) {
    const flipped = String.fromCharCode(whole.charCodeAt(at) ^ (1 << ((at * 5) % 7)));
    tries(whole.slice(0, at) + flipped + whole.slice(at + 1));
  }
  for (const text of ["null", "1", "[]", "{}", `{"device":"hpet"}`, `{"device":"hpet","timeNs":"0x1"}`])
    tries(text);
  t.true(refused > 100, `${refused} refused`);
});
