import test from "ava";
import { ConsoleMismatch, ConsoleText } from "./console.ts";

function consoleSaying(...chunks: readonly string[]): ConsoleText {
  const text = new ConsoleText();
  for (const chunk of chunks) text.push(Buffer.from(chunk, "latin1"));
  return text;
}

test("expect finds text that was said before and after it was asked for", async (t) => {
  const text = consoleSaying("login: ");
  t.is((await text.expect("login:")).text, "login:");
  const later = text.expect(/Welcome (\w+)/);
  text.push(Buffer.from("root\nWelco"));
  text.push(Buffer.from("me home\n"));
  const found = await later;
  t.deepEqual(found.groups, ["home"]);
  t.is(found.before, " root\n");
});

test("a match is used up: the same prompt does not answer twice", async (t) => {
  const text = consoleSaying("# ");
  await text.expect("# ");
  const second = text.expect("# ", { limitMs: 20 });
  await t.throwsAsync(second, { instanceOf: ConsoleMismatch, message: /within 0\.02 s/ });
});

test("text that is cut between chunks is found", async (t) => {
  const text = new ConsoleText();
  const found = text.expect("end of boot");
  for (const letter of "the end of boot.") text.push(Buffer.from(letter));
  t.is((await found).before, "the ");
});

test("control sequences and control characters are dropped, even when cut anywhere", (t) => {
  const said = "\x1b[2J\x1b[01;01Hone\r\n\x1b]0;title\x07two\x1b(B \x1b[6nthree\x1b[0m\r\n\x13\x11\t4";
  t.is(consoleSaying(said).text, "one\ntwo three\n\t4");
  t.is(consoleSaying(...said).text, "one\ntwo three\n\t4");
});

test("a character of several bytes that is cut between chunks is whole", (t) => {
  const bytes = Buffer.from("né ✓\n");
  const text = new ConsoleText();
  for (const byte of bytes) text.push(Buffer.from([byte]));
  t.is(text.text, "né ✓\n");
});

test("a failure names the pattern, the reason and the console's last 60 lines", async (t) => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}\n`);
  const text = consoleSaying(...lines);
  const failed = text.expect("never", { limitMs: 60_000 });
  text.end("QEMU ended with status 1");
  const error = await t.throwsAsync(failed, { instanceOf: ConsoleMismatch });
  t.regex(error.message, /expected "never" on the console, but QEMU ended with status 1/);
  t.true(error.message.includes("line 99"));
  t.true(error.message.includes("line 40\n"));
  t.false(error.message.includes("line 39\n"));
});

test("what was said before the end is still found after it", async (t) => {
  const text = consoleSaying("Power down\n");
  text.end("QEMU ended with status 0");
  t.is((await text.expect("Power down")).text, "Power down");
});
