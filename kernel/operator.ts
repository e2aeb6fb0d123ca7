/** The operator's prompt on the host's console: an escape key opens it, a line is a command. */
import { i32, u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf, load8, text, type Text } from "../dsl/core/intrinsics.ts";
import { array, struct } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { putBytes, putText } from "./console.ts";
import { machine } from "./machine.ts";
import { typedBytes, type SharedConsole } from "./shared-console.ts";

/** A command of the operator's. */
export interface OperatorCommand {
  readonly name: string;
  /** Goes on from the name in the list of commands. */
  readonly about: string;
  /** It is about a guest, whose name follows; the only guest need not be named. */
  readonly guest: boolean;
  readonly run: (guest: u32) => void;
}

/** Ctrl-], as telnet has it. */
const escape = 0x1d;
const lineBytes = 80;
export interface Operator {
  /** Takes what was typed on the host's console: for the prompt, or for the guest. `alone`: no guest takes it now. */
  serve(alone: boolean): void;
}

/** Builds the prompt over its commands; `help` and `exit` come with it. */
export function operatorPrompt(
  console: SharedConsole,
  commands: readonly OperatorCommand[],
  guestNames: readonly string[],
): Operator {
  const own = storage("operator", struct("Operator", { length: u32, line: array(u8, lineBytes) }));
  const names = Object.freeze(guestNames.map((name, index) => Object.freeze({ name, index })));
  const single = names.length === 1;

  const prompt = (): void => {
    own.length = 0;
    putText(text("typevisor> "));
  };
  const open = (): void => {
    console.take();
    putText(text("\n"));
    prompt();
  };
  const close = (): void => {
    putText(text("\n"));
    console.give();
  };

  /** Whether the line has this word from `at` on. */
  const isWord = (word: Text, at: u32, length: u32): boolean => {
    if (word.length !== length) return false;
    for (let i = 0; i < length; i++)
      if (own.line[Math.min(at + i, lineBytes - 1)] !== load8(u64(word.address + BigInt(i)))) return false;
    return true;
  };
  /** The first byte from `at` on that is a blank, or is none. */
  const skip = (at: u32, blank: boolean): u32 => {
    const length = Math.min(own.length, lineBytes);
    for (let i = at; i < length; i++) if ((own.line[i] === 0x20) === blank) return u32(i);
    return u32(length);
  };
  const putWord = (at: u32, end: u32): void => putBytes(u64(addressOf(own.line) + BigInt(at)), u32(end - at));

  const help = (): void => {
    for (const c of commands) putText(text(`  ${c.guest ? `${c.name} GUEST` : c.name}  ${c.about}\n`));
    putText(text("  exit  goes back to the guest, as Ctrl-] does\n"));
  };
  const guestAt = (at: u32, end: u32): i32 => {
    if (at === end && single) return 0;
    for (const n of names) if (isWord(text(n.name), at, u32(end - at))) return n.index;
    return -1;
  };
  const perform = (): void => {
    const first = skip(0, false);
    const end = skip(first, true);
    const second = skip(end, false);
    const secondEnd = skip(second, true);
    if (first === end) return;
    if (isWord(text("help"), first, u32(end - first))) {
      help();
      return;
    }
    if (isWord(text("exit"), first, u32(end - first))) {
      close();
      return;
    }
    for (const c of commands) {
      if (isWord(text(c.name), first, u32(end - first))) {
        let guest: u32 = 0;
        if (c.guest) {
          const found = guestAt(second, secondEnd);
          if (found < 0) {
            putText(text("there is no guest "));
            putWord(second, secondEnd);
            putText(text("\n"));
            return;
          }
          guest = u32(found);
        }
        c.run(guest);
        return;
      }
    }
    putText(text("there is no command "));
    putWord(first, end);
    putText(text("; help lists them\n"));
  };
  const enter = (): void => {
    putText(text("\n"));
    perform();
    if (!console.isTaken()) return;
    console.release();
    prompt();
  };
  const erase = (count: u32): void => {
    for (let i = 0; i < count; i++) putText(text("\b \b"));
    own.length = u32(own.length - count);
  };
  const receive = (byte: u8): void => {
    const length = own.length;
    if (byte === 0x0d || byte === 0x0a) enter();
    else if (byte === escape) close();
    else if (byte === 0x08 || byte === 0x7f) erase(length > 0 ? 1 : 0);
    else if (byte === 0x15) erase(length);
    else if (byte >= 0x20 && byte < 0x7f && length < lineBytes) {
      own.line[length] = byte;
      own.length = u32(length + 1);
      machine.consolePut(byte);
    }
  };

  return Object.freeze({
    serve(alone: boolean): void {
      if (console.isTaken() && console.isFull()) {
        putText(text("\n"));
        console.release();
        putText(text("\ntypevisor> "));
        putBytes(addressOf(own.line), own.length);
      }
      for (let i = 0; i < typedBytes; i++) {
        const taken = console.isTaken();
        // What is too much stays where it is, and holds its sender back.
        if (!taken && !alone && !console.hasRoom()) return;
        const byte = machine.consoleGet();
        if (byte < 0) return;
        if (taken) receive(u8(byte));
        else if (alone || byte === escape) open();
        else console.type(u8(byte));
      }
    },
  });
}
