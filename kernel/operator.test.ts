import test from "ava";
import type { u32 } from "../dsl/core/int.ts";
import { text } from "../dsl/core/intrinsics.ts";
import { putText } from "./console.ts";
import { operatorPrompt } from "./operator.ts";
import { heldBytes, sharedConsole, typedBytes } from "./shared-console.ts";
import { modelMachine, said } from "./testing/machine.ts";

/** A prompt with two commands over a console that a guest shares. */
function scene(guests: readonly string[] = ["linux", "bsd"]) {
  const machine = modelMachine();
  const console = sharedConsole();
  const ran: string[] = [];
  const prompt = operatorPrompt(
    console,
    [
      { name: "list", about: "shows the guests", guest: false, run: (_: u32) => putText(text("none\n")) },
      { name: "save", about: "saves it", guest: true, run: (guest: u32) => ran.push(`save ${guest}`) },
    ],
    guests,
  );
  const type = (keys: string, alone = false): string => {
    const before = machine.output.length;
    machine.input.push(...Buffer.from(keys, "latin1"));
    prompt.serve(alone);
    return said(machine).slice(before).replaceAll("\r\n", "\n");
  };
  const guestSays = (words: string): void => {
    for (const byte of Buffer.from(words)) console.guestPut(byte);
  };
  const taken = (): string => {
    const bytes: number[] = [];
    for (let byte = console.guestGet(); byte >= 0; byte = console.guestGet()) bytes.push(byte);
    return String.fromCharCode(...bytes);
  };
  return { machine, console, prompt, ran, type, guestSays, taken };
}
const escape = "\x1d";

test.serial("what is typed goes to the guest until the escape key, and behind the next one again", (t) => {
  const s = scene();
  t.is(s.type("ls\r"), "");
  t.is(s.type(`a${escape}list\r${escape}b`), "\ntypevisor> list\nnone\ntypevisor> \n");
  t.is(s.taken(), "ls\rab");
});

test.serial("a command is given the guest that is named, or the only one", (t) => {
  const s = scene();
  s.type(`${escape}save bsd\r  save   linux  \rsave\rsave sun\r`);
  t.deepEqual(s.ran, ["save 1", "save 0"]);
  t.regex(said(s.machine), /there is no guest \r\n/);
  t.regex(said(s.machine), /there is no guest sun\r\n/);
  const single = scene(["linux"]);
  single.type(`${escape}save\rsave linu\rsave linuxx\r`);
  t.deepEqual(single.ran, ["save 0"]);
});

test.serial("an unknown command is named, an empty line is none, help lists all", (t) => {
  const s = scene();
  t.is(
    s.type(`${escape}\rsav\r`),
    "\ntypevisor> \ntypevisor> sav\nthere is no command sav; help lists them\ntypevisor> ",
  );
  const help = s.type("help\r");
  for (const line of ["list  shows the guests", "save GUEST  saves it", "exit  goes back"])
    t.true(help.includes(line), line);
});

test.serial("backspace and Ctrl-U erase, what is no character is ignored", (t) => {
  const s = scene();
  s.type(`${escape}nonsense\x15sabe\x7f\x08ve bsd\x01\x80\r`);
  t.deepEqual(s.ran, ["save 1"]);
  t.is(s.type("\x7f\x08\x15"), "", "an empty line has nothing to erase");
});

test.serial("a line that is too long ends where there is no more room", (t) => {
  const s = scene();
  const echoed = s.type(`${escape}${"x".repeat(200)}`);
  t.is(echoed.length, "\ntypevisor> ".length + 80);
  s.type("\x15save bsd\r");
  t.deepEqual(s.ran, ["save 1"]);
});

test.serial("what the guest says while the prompt is open comes behind it, whole", (t) => {
  const s = scene();
  s.guestSays("before ");
  s.type(escape);
  s.guestSays("during");
  t.is(said(s.machine), "before \r\ntypevisor> ");
  s.type("exit\r");
  s.guestSays(" after");
  t.is(said(s.machine), "before \r\ntypevisor> exit\r\n\r\nduring after");
});

test.serial("what the guest says between two commands comes before the next prompt", (t) => {
  const s = scene();
  s.type(escape);
  s.guestSays("hello\n");
  t.is(s.type("list\r"), "list\nnone\nhello\ntypevisor> ");
});

test.serial("a guest that says much waits for the loop, and loses nothing", (t) => {
  const s = scene();
  s.type(`${escape}sa`);
  const words = Array.from({ length: 3000 }, (_, i) => `${i}`).join(" ");
  let expected = "";
  for (const byte of Buffer.from(words)) {
    expected += String.fromCharCode(byte);
    // As an exit does: false brings the kernel's loop.
    if (!s.console.guestPut(byte)) s.type("");
  }
  const before = said(s.machine);
  t.true(before.length > heldBytes, "some of it came out before the prompt was left");
  t.true(before.endsWith("\r\ntypevisor> sa"), "and the line that was begun stands behind it");
  s.type(escape);
  const guests = said(s.machine).replaceAll("\r\ntypevisor> sa", "").replaceAll("\r\n", "");
  t.is(guests.replace("typevisor> ", ""), expected);
});

test.serial("what is typed ahead waits for the guest, and what is too much where it came from", (t) => {
  const s = scene();
  s.type("x".repeat(typedBytes + 10));
  t.is(s.machine.input.length, 10);
  t.is(s.console.guestGet(), 0x78);
  s.type("");
  t.is(s.machine.input.length, 9);
});

test.serial("where no guest takes what is typed, the first key opens the prompt", (t) => {
  const s = scene();
  t.is(s.type("x", true), "\ntypevisor> ");
  t.is(s.taken(), "");
});
