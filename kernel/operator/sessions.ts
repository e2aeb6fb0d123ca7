/**
 * The operator on the host's console: the escape key opens a prompt, and gives the console back to the guest that has it.
 * A record separator begins a line that a program sent: what it asks is answered in framed lines of JSON, and whoever
 * types on the channel is not disturbed.
 */
import { i32, u32, u64, u8 } from "../../dsl/core/int.ts";
import { addressOf, load8, text, type Text } from "../../dsl/core/intrinsics.ts";
import { array, bool, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import { writer, type Writer } from "../console.ts";
import { machine } from "../machine.ts";
import { answerTo, recordSeparator, type Answer } from "./answer.ts";
import { typedBytes, type Consoles } from "./consoles.ts";
import { Key, Line, lineBytes, lineEditor } from "./line-editor.ts";

/** A command of the operator's. */
export interface OperatorCommand {
  readonly name: string;
  /** Goes on from the name in the list of commands. */
  readonly about: string;
  /** What a channel must permit. */
  readonly permit: Permit;
  /** What follows its name: a guest (the only one need not be named), a number (0 where none is given), or nothing. */
  readonly argument: "guest" | "number" | null;
  /** Only for who sits at the host's console. */
  readonly local?: boolean;
  readonly run: (guest: u32, number: u32) => void;
  /**
   * Does what `run` has begun, unless that failed; false: not yet. It is called by each round of the kernel's loop until
   * then, on whichever CPU, and the channel takes no other command meanwhile.
   */
  readonly finish?: (guest: u32) => boolean;
  /** Goes on answering, until a key is pressed: called by each round of the kernel's loop. */
  readonly again?: () => void;
}

/** Ctrl-], as telnet has it. */
const escape = 0x1d;
const ctrlC = 0x03;
/** What is typed is lost (ECMA-48 §8.3.3). */
const bell = 0x07;
const prompt = "typevisor> ";
/** What an operator's channel is made of, and what the commands write to. */
export interface Terminal {
  readonly out: Writer;
  readonly answer: Answer;
}

/** Makes the terminal that commands write to. */
export function operatorTerminal(): Terminal {
  const put = (byte: u8): void => machine.consolePut(byte);
  const out = writer(put);
  return Object.freeze({ out, answer: answerTo(put, out) });
}

export interface Operator {
  /**
   * Takes what was typed, for the operator or for the guest, and goes on with what answers again and again. `alone`: no
   * guest takes what is typed now.
   */
  serve(alone: boolean): void;
  /** Clears the line that is being typed, before something else is said. */
  hide(): void;
  /** Shows it again. */
  show(): void;
}

/**
 * Builds the sessions over the commands, of which `permits` are allowed; `help`, `json` and `exit` come with them.
 * `tellEvents` tells a person what has happened by the command, `wakeBy` has the kernel's loop run at the latest then.
 */
export function operatorSessions(
  { out, answer }: Terminal,
  console: Consoles,
  declared: readonly OperatorCommand[],
  permits: readonly Permit[],
  guestNames: readonly string[],
  tellEvents: () => void,
  wakeBy: (ticks: u64) => void,
): Operator {
  const commands = Object.freeze(
    declared
      .filter((c) => permits.includes(c.permit))
      .map((c, i) =>
        Object.freeze({
          ...c,
          local: c.local ?? false,
          number: i + 1,
          usage: c.argument === null ? c.name : `${c.name} ${c.argument.toUpperCase()}`,
        }),
      ),
  );
  const denied = Object.freeze(declared.filter((c) => !permits.includes(c.permit)));
  const streams = Object.freeze(commands.filter((c) => c.again !== undefined));
  const lasting = Object.freeze(commands.filter((c) => c.finish !== undefined));
  const names = Object.freeze(guestNames.map((name, index) => Object.freeze({ name, index })));
  const single = names.length === 1;
  const own = storage(
    "operator",
    struct("Operator", {
      line: Line,
      /** The number of the command that goes on; 0: none. Its answers are JSON, and framed. */
      stream: u32,
      json: bool,
      framed: bool,
      /** The number of the command that is not done yet, and its guest; 0: none. */
      begun: u32,
      begunFor: u32,
      /** A program's line comes; its bytes, as many as there are, those that were too many included. */
      requested: bool,
      requestBytes: u32,
      request: array(u8, lineBytes),
    }),
  );
  const put = (byte: u8): void => machine.consolePut(byte);
  const editor = lineEditor(put, out, prompt);

  // ---- Words ------------------------------------------------------------------------------------------------

  const equal = (a: Text, b: Text): boolean => {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++)
      if (load8(u64(a.address + BigInt(i))) !== load8(u64(b.address + BigInt(i)))) return false;
    return true;
  };
  /** What is left of a line from its next word on. */
  const fromWord = (line: Text): Text => {
    for (let i = 0; i < line.length; i++)
      if (load8(u64(line.address + BigInt(i))) !== 0x20)
        return { address: u64(line.address + BigInt(i)), length: u32(line.length - i) };
    return { address: line.address, length: 0 };
  };
  /** The word at the beginning of a line. */
  const wordOf = (line: Text): Text => {
    for (let i = 0; i < line.length; i++)
      if (load8(u64(line.address + BigInt(i))) === 0x20) return { address: line.address, length: u32(i) };
    return line;
  };
  const behind = (line: Text, word: Text): Text =>
    fromWord({ address: u64(line.address + BigInt(word.length)), length: u32(line.length - word.length) });

  const guestOf = (word: Text): i32 => {
    if (word.length === 0 && single) return 0;
    for (const n of names) if (equal(text(n.name), word)) return n.index;
    return -1;
  };
  /** The number that a word is, up to 9,999; -1 where it is none. */
  const numberOf = (word: Text): i32 => {
    let value = 0;
    if (word.length > 4) return -1;
    for (let i = 0; i < word.length; i++) {
      const digit = load8(u64(word.address + BigInt(i))) - 0x30;
      if (digit < 0 || digit > 9) return -1;
      value = Math.min(value * 10 + digit, 9999);
    }
    return i32(value);
  };

  // ---- Commands ---------------------------------------------------------------------------------------------

  const help = (): void => {
    for (const c of commands) answer.say(text(`  ${c.usage}  ${c.about}`));
    answer.say(text("  json COMMAND  answers in lines of JSON"));
    answer.say(text("  exit  gives the console back to the guest that is attached, as Ctrl-] does"));
  };
  const close = (): void => {
    out.text(text("\n"));
    console.give();
  };
  /** Performs the command of a line; false where the line has none. */
  const perform = (line: Text): void => {
    const word = wordOf(line);
    const rest = behind(line, word);
    const argument = wordOf(rest);
    if (equal(word, text("help"))) {
      help();
      return;
    }
    for (const c of commands) {
      if (equal(word, text(c.name))) {
        let guest: u32 = 0;
        let number: u32 = 0;
        if (c.argument === null ? rest.length !== 0 : behind(rest, argument).length !== 0) {
          answer.fail(text(`${c.name} does not take so many words: help lists what it takes`), text(""));
          return;
        }
        if (c.argument === "guest") {
          const found = guestOf(argument);
          if (found < 0) {
            answer.fail(text("there is no guest "), argument);
            return;
          }
          guest = u32(found);
        }
        if (c.argument === "number") {
          const found = numberOf(argument);
          if (found < 0) {
            answer.fail(text("a number up to 9999 is missing: not "), argument);
            return;
          }
          number = u32(found);
        }
        if (c.local && own.framed) {
          answer.fail(text(`${c.name} is for who sits at the console`), text(""));
          return;
        }
        c.run(guest, number);
        if (c.finish !== undefined && !answer.hasFailed() && !c.finish(guest)) {
          own.begun = c.number;
          own.begunFor = guest;
        }
        if (c.again !== undefined && (number !== 0 || c.argument === null)) own.stream = c.number;
        return;
      }
    }
    for (const c of denied) {
      if (equal(word, text(c.name))) {
        answer.fail(text(`the manifest does not permit this channel to ${c.permit}: `), word);
        return;
      }
    }
    answer.fail(text("there is no such command, help lists them: "), word);
  };
  /** The command has answered: what there is to tell of it, and the answer's end, unless it goes on. */
  const answered = (): void => {
    if (!own.framed) tellEvents();
    if (own.stream === 0) answer.end();
  };
  /** Performs a line, as a person has typed it or a program has sent it. */
  const answerLine = (line: Text, framed: boolean): void => {
    const word = wordOf(line);
    const json = framed || equal(word, text("json"));
    own.json = json;
    own.framed = framed;
    answer.begin(json, framed);
    perform(json && !framed ? behind(line, word) : line);
    if (own.begun === 0) answered();
  };

  // ---- What is typed ----------------------------------------------------------------------------------------

  /** Ends an escape sequence in the middle of which the guest was held (CAN, ECMA-48 §8.3.5 and VT100). */
  const cancelSequence = (): void => put(0x18);
  const renew = (): void => {
    console.release();
    cancelSequence();
    editor.show(own.line);
  };
  const open = (): void => {
    console.take();
    cancelSequence();
    out.text(text("\n"));
    editor.next(own.line);
    editor.show(own.line);
  };
  const enter = (): void => {
    out.text(text("\n"));
    const line = fromWord({ address: addressOf(own.line.bytes), length: own.line.length });
    if (line.length !== 0) {
      if (equal(wordOf(line), text("exit"))) {
        editor.next(own.line);
        close();
        return;
      }
      answerLine(line, false);
    }
    editor.next(own.line);
    if (own.stream === 0 && own.begun === 0 && console.isTaken()) renew();
  };
  /** Goes on with a command that is not done yet; false where it is to be waited for. */
  const finish = (): boolean => {
    for (const c of lasting) {
      if (own.begun === c.number) {
        answer.begin(own.json, own.framed);
        if (!c.finish!(own.begunFor)) return false;
        own.begun = 0;
        answered();
        if (!own.framed && console.isTaken()) renew();
        return true;
      }
    }
    return true;
  };

  const begins = (name: Text, word: Text): boolean =>
    name.length >= word.length && equal({ address: name.address, length: word.length }, word);
  /** How many bytes from their beginning on two texts share, up to `most`. */
  const shared = (one: u64, other: u64, most: u32): u32 => {
    for (let i = 0; i < most; i++)
      if (load8(u64(one + BigInt(i))) !== load8(u64(other + BigInt(i)))) return u32(i);
    return most;
  };
  /** Completes a word to what all names that begin with it have in common; where that is nothing, shows them. */
  const completeAmong = (all: readonly { readonly name: string }[], begun: Text): void => {
    let known: u64 = 0n;
    let common: u32 = 0;
    let count: u32 = 0;
    for (const n of all) {
      const name = text(n.name);
      if (begins(name, begun)) {
        common = count === 0 ? name.length : shared(name.address, known, u32(Math.min(common, name.length)));
        known = name.address;
        count = u32(count + 1);
      }
    }
    if (count === 0) return;
    for (let i = begun.length; i < common; i++) editor.insert(own.line, load8(u64(known + BigInt(i))));
    if (count === 1) editor.insert(own.line, 0x20);
    else if (common === begun.length) {
      for (const n of all) {
        if (begins(text(n.name), begun)) {
          out.text(text("\n  "));
          out.text(text(n.name));
        }
      }
      out.text(text("\n"));
      editor.show(own.line);
    }
  };
  const firstWords = Object.freeze([
    ...commands,
    ...["help", "json", "exit"].map((name) => Object.freeze({ name })),
  ]);
  const complete = (): void => {
    const typed = fromWord({ address: addressOf(own.line.bytes), length: own.line.cursor });
    const json = equal(wordOf(typed), text("json"));
    const first = json ? behind(typed, wordOf(typed)) : typed;
    const word = wordOf(first);
    if (word.length === first.length) completeAmong(firstWords, first);
    else completeAmong(names, behind(first, word));
  };

  /** A byte of a program's line. */
  const receiveRequest = (byte: u8): void => {
    const length = own.requestBytes;
    if (byte === recordSeparator) own.requestBytes = 0;
    else if (byte === 0x0a) {
      own.requested = false;
      if (length <= lineBytes) answerLine(fromWord({ address: addressOf(own.request), length }), true);
      else {
        answer.begin(true, true);
        answer.fail(text(`a line has at most ${lineBytes} bytes`), text(""));
      }
    } else if (length < lineBytes) {
      own.request[length] = byte;
      own.requestBytes = u32(length + 1);
    } else own.requestBytes = lineBytes + 1;
  };
  /** Ends what answers again and again. */
  const endStream = (): void => {
    own.stream = 0;
    answer.begin(own.json, own.framed);
    answer.end();
    if (!own.framed && console.isTaken()) renew();
  };
  const edit = (byte: u8): void => {
    if (byte === escape) {
      editor.next(own.line);
      close();
    } else if (byte === ctrlC) {
      own.line.length = 0;
      open();
    } else {
      const key = editor.receive(own.line, byte);
      if (key === Key.enter) enter();
      else if (key === Key.complete) complete();
    }
  };
  const receive = (byte: u8, alone: boolean): void => {
    // A program that has gone in the middle of its line does not keep the operator from his prompt.
    if (byte === escape) own.requested = false;
    if (own.requested) {
      receiveRequest(byte);
      return;
    }
    if (own.stream !== 0) {
      const isKey = !own.framed && byte !== recordSeparator;
      endStream();
      // What ends a person's is no more than that.
      if (isKey) return;
    }
    if (byte === recordSeparator) {
      own.requested = true;
      own.requestBytes = 0;
    } else if (console.isTaken()) edit(byte);
    else if (alone || byte === escape) open();
    else if (!console.type(byte)) put(bell);
  };

  const isTyped = (): boolean => console.isTaken() && own.stream === 0 && own.begun === 0;
  return Object.freeze({
    serve(alone: boolean): void {
      if (console.isTaken() && console.isFull()) {
        out.text(text("\n"));
        console.release();
        cancelSequence();
        out.text(text("\n"));
        if (own.stream === 0 && own.begun === 0) editor.show(own.line);
      }
      if (!finish()) {
        wakeBy(machine.now());
        return;
      }
      for (const c of streams) {
        if (own.stream === c.number) {
          answer.begin(own.json, own.framed);
          c.again!();
        }
      }
      for (let i = 0; i < typedBytes; i++) {
        if (!console.isTaken() && !alone && !own.requested && console.holdsBack()) {
          wakeBy(console.holdsBackUntil());
          return;
        }
        const byte = machine.consoleGet();
        if (byte < 0) return;
        receive(u8(byte), alone);
        if (own.begun !== 0) return;
      }
      // There may be more.
      wakeBy(machine.now());
    },
    hide(): void {
      if (isTyped()) out.text(text("\r\x1b[K"));
    },
    show(): void {
      if (isTyped()) editor.show(own.line);
    },
  });
}
