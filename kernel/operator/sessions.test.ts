import test from "ava";
import { said } from "../testing/machine.ts";
import { heldBytes, typedBytes } from "./consoles.ts";
import { cancel, escape, scene, separator } from "./testing/scene.ts";

test.serial("what is typed goes to the guest until the escape key, and behind the next one again", (t) => {
  const s = scene();
  t.is(s.type("ls\r"), "");
  t.is(s.type(`a${escape}list\r${escape}b`), "\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> \n");
  t.is(s.taken(), "ls\rab");
});

test.serial("a command is given the guest that is named, or the only one", (t) => {
  const s = scene();
  s.type(`${escape}save bsd\r  save   linux  \rsave\rsave sun\rsave bsd now\r`);
  t.deepEqual(s.ran, ["save 1", "save 0"]);
  t.regex(said(s.machine).replaceAll(cancel, ""), /there is no guest \r\n/);
  t.regex(said(s.machine).replaceAll(cancel, ""), /there is no guest sun\r\n/);
  t.regex(said(s.machine).replaceAll(cancel, ""), /save does not take so many words/);
  const single = scene(["linux"]);
  single.type(`${escape}save\rsave linu\rsave linuxx\r`);
  t.deepEqual(single.ran, ["save 0"]);
});

test.serial("an unknown command is named, an empty line is none, help lists what is permitted", (t) => {
  const s = scene();
  t.is(
    s.type(`${escape}\rsav\r`),
    "\ntypevisor> \ntypevisor> sav\nthere is no such command, help lists them: sav\ntypevisor> ",
  );
  const help = s.type("help\r");
  for (const line of ["list  shows the guests", "save GUEST  saves it", "watch NUMBER", "exit  gives"])
    t.true(help.includes(line), line);
  const watcher = scene(undefined, ["observe"]);
  const refused = watcher.type(`${escape}help\rsave bsd\r`);
  t.false(refused.includes("saves it"));
  t.regex(refused, /the manifest does not permit this channel to control: save/);
  t.deepEqual(watcher.ran, []);
});

test.serial(
  "the letters that all names share are completed, and names are shown where there is a choice",
  (t) => {
    const s = scene(["beta", "bed", "carol"]);
    s.type(`${escape}sa\tc\t\r`);
    t.deepEqual(s.ran, ["save 2"]);
    t.is(s.type("save b\t"), "save be");
    t.is(s.type("\t"), "\n  beta\n  bed\ntypevisor> save be");
    s.type("t\t\r");
    t.deepEqual(s.ran, ["save 2", "save 0"]);
    t.true(s.type("x\t").endsWith("x"), "what begins nothing stays as it is");
  },
);

test.serial("another guest's console shows what it said last, and takes what is typed from then on", (t) => {
  const s = scene();
  s.guestSays("boot\n", 1);
  s.type("one");
  t.is(s.type(`${escape}attach bsd\r`), "\ntypevisor> attach bsd\nboot\n");
  s.type("two");
  t.is(s.taken(0), "one");
  t.is(s.taken(1), "two");
  s.guestSays("x".repeat(3 * heldBytes), 0);
  const back = s.type(`${escape}attach linux\r`);
  t.true(back.endsWith(`[what it said before is lost]\n${"x".repeat(heldBytes)}`));
});

test.serial("what the guest says while the prompt is open comes behind it, whole", (t) => {
  const s = scene();
  s.guestSays("before ");
  s.type(escape);
  s.guestSays("during");
  t.is(said(s.machine).replaceAll(cancel, ""), "before \r\ntypevisor> ");
  s.type("exit\r");
  s.guestSays(" after");
  t.is(said(s.machine).replaceAll(cancel, ""), "before \r\ntypevisor> exit\r\n\r\nduring after");
});

test.serial("a guest that says much waits for the loop, and loses nothing", (t) => {
  const s = scene();
  s.type(`${escape}sa`);
  const words = Array.from({ length: 3000 }, (_, i) => `${i}`).join(" ");
  let expected = "";
  for (const byte of Buffer.from(words)) {
    expected += String.fromCharCode(byte);
    // As an exit does: false brings the kernel's loop.
    if (!s.console.guestPut(0, byte)) s.type("");
  }
  const before = said(s.machine).replaceAll(cancel, "");
  t.true(before.length > heldBytes, "some of it came out before the prompt was left");
  t.true(before.endsWith("\r\ntypevisor> sa"), "and the line that was begun stands behind it");
  s.type(escape);
  const guests = said(s.machine)
    .replaceAll(cancel, "")
    .replaceAll("\r\ntypevisor> sa", "")
    .replaceAll("\r\n", "");
  t.is(guests.replace("typevisor> ", ""), expected);
});

test.serial("what is typed ahead waits for the guest, and what is too much where it came from", (t) => {
  const s = scene();
  s.type("x".repeat(typedBytes + 10));
  t.is(s.machine.input.length, 10);
  t.is(s.console.guestGet(0), 0x78);
  s.type("");
  t.is(s.machine.input.length, 9);
});

test.serial("a command that waits is not run into by another, by whichever CPU the prompt is served", (t) => {
  const s = scene();
  s.rest.awaited = true;
  t.is(s.type(`${escape}save bsd\rsave linux\r`), "\ntypevisor> save bsd\n");
  t.is(s.type(`list\r${separator}list\n`), "", "neither of a person's nor of a program's");
  t.deepEqual([s.ran, s.saved], [["save 1"], []]);
  s.prompt.hide();
  s.prompt.show();
  t.true(said(s.machine).endsWith("save bsd\r\n"), "no prompt is shown meanwhile");
  s.rest.awaited = false;
  t.is(
    s.type(""),
    "typevisor> save linux\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> " +
      '\x1e{"aMiB":7,"b":"0x10"}\n\x1e{"ok":true}\n',
  );
  t.deepEqual(
    [s.ran, s.saved],
    [
      ["save 1", "save 0"],
      [1, 0],
    ],
  );
  s.rest.awaited = true;
  t.is(s.type(`${separator}save bsd\n`), "");
  s.rest.awaited = false;
  t.is(s.type(""), '\x1e{"ok":true}\n');
});

test.serial(
  "the escape key opens the prompt behind whatever was typed to a guest that takes nothing",
  (t) => {
    const s = scene();
    t.is(s.type(`${"x".repeat(typedBytes + 1000)}${escape}list\r`), "", "it may take it yet");
    const { rate } = s.machine;
    t.is(s.type(""), "");
    t.deepEqual(s.wakes, [0n, rate], "the rest is looked at once more, and when its time is over");
    s.machine.ticks = rate - 1n;
    t.is(s.console.guestGet(0), 0x78);
    t.is(s.type(""), "", "it has taken some of it");
    s.machine.ticks = rate;
    let all = "";
    for (let round = 0; round < 10; round++) all += s.type("");
    t.is(all, `${"\x07".repeat(999)}\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> `);
    t.is(s.type(escape), "\n");
    t.is(s.taken(), "x".repeat(typedBytes), "what waits for it waits on");
    t.is(s.type("back"), "");
    t.is(s.taken(), "back");
  },
);

test.serial("a guest that takes what is typed, slowly, loses nothing", (t) => {
  const s = scene();
  const words = Array.from({ length: 900 }, (_, i) => `${i}`).join(" ");
  s.type(words);
  let taken = "";
  for (let second = 0; taken.length < words.length; second++) {
    s.machine.ticks += (s.machine.rate * 9n) / 10n;
    taken += s.taken();
    t.is(s.type(""), "");
    t.true(second < 100);
  }
  t.is(taken, words);
});

test.serial("a program that has gone in the middle of its line does not hold the escape key", (t) => {
  const s = scene();
  t.is(s.type(`${separator}lis${escape}list\r`), "\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> ");
  s.type(`${escape}${separator}watch 1\n`);
  t.true(s.type(escape).endsWith("\ntypevisor> "), "nor does one that goes on asking");
  t.is(s.type(""), '\x1e{"aMiB":1}\n', "which has its answers on");
});

test.serial("where no guest takes what is typed, the first key opens the prompt", (t) => {
  const s = scene();
  t.is(s.type("x", true), "\ntypevisor> ");
  t.is(s.taken(), "");
});

test.serial("json answers in lines that JSON.parse takes, and says how it went", (t) => {
  const s = scene();
  const lines = s
    .type(`${escape}json list\rjson save "\\\r`)
    .split("\n")
    .filter((l) => l.startsWith("{"));
  t.deepEqual(
    lines.map((l): unknown => JSON.parse(l)),
    [{ aMiB: 7, b: "0x10" }, { ok: true }, { ok: false, error: 'there is no guest "\\' }],
  );
});

test.serial("a program's line is answered in framed records, and disturbs nobody", (t) => {
  const s = scene();
  s.type("typed ");
  t.is(s.type(`${separator}list\n`), '\x1e{"aMiB":7,"b":"0x10"}\n\x1e{"ok":true}\n');
  s.type("on");
  t.is(s.taken(), "typed on");
  s.type(`${escape}sav`);
  t.is(
    s.type(`${separator}attach bsd\n`),
    '\x1e{"ok":false,"error":"attach is for who sits at the console"}\n',
  );
  s.type("e bsd\r");
  t.deepEqual(s.ran, ["save 1"]);
  t.is(
    [s.type(`${separator}${"y".repeat(500)}\n`), s.type("")].join("").match(/"error":"([^"]*)"/)?.[1],
    "a line has at most 120 bytes",
  );
  t.is(
    s.type(`${separator}half${separator}list\n`).match(/true/)?.[0],
    "true",
    "a new line replaces one that was cut",
  );
});

test.serial("what goes on answering stops at a key, and a number is needed", (t) => {
  const s = scene();
  t.regex(s.type(`${escape}watch x\r`), /a number up to 9999 is missing: not x/);
  s.type("watch\r");
  t.deepEqual(s.ran, ["watch 0"], "without a number it answers once");
  s.type("watch 3\r");
  t.is(s.type(""), "  a 1 MiB\n");
  t.is(s.type(""), "  a 1 MiB\n");
  t.is(s.type("q"), "  a 1 MiB\ntypevisor> ", "the key that stops it is no more than that");
  t.is(s.type(""), "");
  t.is(s.type(`${separator}watch 1\n`), '\x1e{"aMiB":1}\n');
  t.is(s.type(`${separator}list\n`).split(separator).length, 5);
  t.is(s.type(""), "");
});

test.serial("an escape sequence that the guest has begun does not swallow the prompt", (t) => {
  const s = scene();
  s.guestSays("\x1b[6");
  s.type(escape);
  t.is(said(s.machine), "\x1b[6\x18\r\ntypevisor> ");
});
