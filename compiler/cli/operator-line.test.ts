import test from "ava";
import { guestConsoles } from "../../kernel/operator/consoles.ts";
import { modelMachine, said } from "../../kernel/testing/machine.ts";
import { OperatorLine, recordText, type OperatorRecord } from "./operator-line.ts";

function scene() {
  const sent: string[] = [];
  let console = "";
  const line = new OperatorLine(
    (bytes) => sent.push(bytes.toString("latin1")),
    (bytes) => (console += bytes.toString("latin1")),
  );
  const receive = (text: string): void => line.receive(Buffer.from(text, "latin1"));
  return { line, sent, receive, console: () => console };
}

test("records are taken out of what the console says, wherever the line is cut", async (t) => {
  const s = scene();
  const records: OperatorRecord[] = [];
  const end = s.line.ask("list", (r) => records.push(r));
  t.deepEqual(s.sent, ["\x1elist\n"]);
  const said = 'guest# \x1e{"guest":"a","state":"running"}\nl\x1e{"ok":true}\ns\r\n';
  for (const character of said) s.receive(character);
  t.deepEqual(await end, { ok: true });
  t.deepEqual(records, [{ guest: "a", state: "running" }]);
  t.is(s.console(), "guest# ls\r\n");
});

test("one is asked after the other, and each has its own answer", async (t) => {
  const s = scene();
  const first = s.line.ask("list", () => undefined);
  const second = s.line.ask("stop b", () => undefined);
  t.is(s.sent.length, 1);
  s.receive('\x1e{"ok":true}\n');
  t.deepEqual(await first, { ok: true });
  t.deepEqual(s.sent, ["\x1elist\n", "\x1estop b\n"]);
  s.receive('\x1e{"ok":false,"error":"it does not run"}\n');
  t.like(await second, { ok: false, error: "it does not run" });
});

test("what is no record, or was asked by nobody, is passed over", async (t) => {
  const s = scene();
  s.receive('\x1e{"ok":true}\n\x1e{"cut\n');
  const end = s.line.ask("list", (r) => t.deepEqual(r, { a: 1 }));
  s.receive(`\x1e${"x".repeat(100_000)}\n\x1e7\n\x1e{"guest\x1e{"a":1}\n\x1e{"ok":true}\n`);
  t.deepEqual(await end, { ok: true });
  s.line.interrupt();
  t.is(s.sent.at(-1), "\x1e\n", "a line that asks nothing");
});

test("an answer that does not come is given up, and the next one is asked", async (t) => {
  const s = scene();
  const first = s.line.ask("list", () => undefined);
  const second = s.line.ask("top", () => undefined);
  t.true(s.line.isAsking);
  s.line.giveUp();
  t.like(await first, { ok: false });
  s.receive('\x1e{"ok":true}\n');
  t.deepEqual(await second, { ok: true });
  t.false(s.line.isAsking);
});

test("a guest that says what looks like a record is not taken for the hypervisor", async (t) => {
  const machine = modelMachine();
  const guests = guestConsoles(2, 0);
  const forged = '\x1e{"guest":"a","state":"running"}\n\x1e{"ok":true}\n';
  for (const byte of Buffer.from(forged)) guests.guestPut(0, byte);
  for (const byte of Buffer.from(forged)) guests.guestPut(1, byte);
  guests.attach(1);
  guests.give();
  const s = scene();
  const records: OperatorRecord[] = [];
  const end = s.line.ask("list", (r) => records.push(r));
  s.receive(said(machine));
  t.deepEqual(records, []);
  t.is(s.console(), forged.replaceAll("\x1e", "^^").repeat(2));
  s.receive('\x1e{"ok":false,"error":"it does not run"}\n');
  t.like(await end, { ok: false });
});

test("a record reads as a line", (t) => {
  t.is(recordText({ guest: "a", memoryMiB: 128, rip: "0x10" }), "a  memoryMiB 128  rip 0x10");
});
