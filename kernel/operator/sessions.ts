/**
 * The operator on the host's console, and on ports of guests that the manifest gives a prompt: each is a channel with a line,
 * a command and permits of its own. On the host's console the escape key opens the prompt, and gives the console back to the
 * guest that has it; a record separator begins a line that a program sent: what it asks is answered in framed lines of JSON,
 * and whoever types there is not disturbed.
 */
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { addressOf, text, type Text } from "../../dsl/core/intrinsics.ts";
import { array, bool, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import { machine } from "../machine.ts";
import { recordSeparator } from "./answer.ts";
import { channel, mostRecordBytes, Step, type OperatorCommand, type Terminal } from "./command.ts";
import { atConsole, operatorCommands, Task } from "./commands.ts";
import { completion } from "./completion.ts";
import { typedBytes, type Consoles } from "./consoles.ts";
import { Key, Line, lineBytes, lineEditor } from "./line-editor.ts";
import { PortNews } from "./port.ts";
import { behind, equal, fromWord, wordOf } from "./words.ts";

/** Ctrl-], as telnet has it. */
const escape = 0x1d;
const ctrlC = 0x03;
/** What is typed is lost (ECMA-48 §8.3.3). */
const bell = 0x07;
const prompt = "typevisor> ";

export interface Operator {
  /**
   * Takes what was typed, for the operator or for the guest, and goes on with the commands that are not done. `alone`: no
   * guest takes what is typed now.
   */
  serve(alone: boolean): void;
  /** Clears the line that is being typed on the host's console, before something else is said. */
  hide(): void;
  /** Shows it again. */
  show(): void;
}

/** What the sessions work on. */
export interface SessionParts {
  readonly terminal: Terminal;
  readonly consoles: Consoles;
  readonly commands: readonly OperatorCommand[];
  /** What the host's console permits; what ports do, they say themselves. */
  readonly permits: readonly Permit[];
  readonly guestNames: readonly string[];
  /** Tells a person at the host's console what has happened by the command. */
  tellEvents(): void;
  /** Has the kernel's loop run at the latest then. */
  wakeBy(ticks: u64): void;
}

const Session = struct("OperatorSession", {
  line: Line,
  /** Every answer is JSON, and nothing else is said. */
  json: bool,
});

/** Builds the sessions over the commands; `help`, `json` and `exit` come with them. */
export function operatorSessions(parts: SessionParts): Operator {
  const { terminal, consoles: console, tellEvents, wakeBy } = parts;
  const { out, answer, channels, ports, put, select } = terminal;
  const served = terminal.channel;
  const sessions = storage("operatorSessions", array(Session, channels));
  const tasks = storage("operatorTasks", array(Task, channels));
  const host = storage(
    "operatorHost",
    /** `requested`: a program's line comes. */
    struct("OperatorHost", { requested: bool }),
  );
  const portPermits = ports === null ? [] : ports.permits;
  const commands = operatorCommands(
    terminal,
    tasks,
    parts.commands,
    [parts.permits, parts.permits, ...portPermits],
    parts.guestNames,
  );
  const portCount = portPermits.length;
  const editor = lineEditor(put, out, prompt);
  const complete = completion(
    editor,
    out,
    [...commands.names, Object.freeze({ name: "exit", permit: atConsole })],
    parts.guestNames.map((name) => Object.freeze({ name, permit: 0 })),
  );

  // ---- The prompt -------------------------------------------------------------------------------------------

  /** Ends an escape sequence in the middle of which the guest was held (CAN, ECMA-48 §8.3.5 and VT100). */
  const cancelSequence = (): void => {
    if (served() === channel.person) put(0x18);
  };
  /** Shows the line that is being typed, where a person does that. */
  const showLine = (): void => {
    const { line, json } = sessions[served()];
    if (!json && served() !== channel.program && tasks[served()].command === 0) editor.show(line);
  };
  /** The channel can take a command again. */
  const renew = (): void => {
    if (sessions[served()].json) return;
    if (served() === channel.person) {
      if (!console.isTaken()) return;
      console.release();
    }
    cancelSequence();
    showLine();
  };
  /** Begins an empty line. */
  const next = (): void => {
    const { line, json } = sessions[served()];
    if (json || served() === channel.program) line.length = 0;
    else editor.next(line);
  };
  const close = (): void => {
    editor.next(sessions[channel.person].line);
    sessions[channel.person].json = false;
    out.text(text("\n"));
    console.give();
  };
  const open = (): void => {
    console.take();
    cancelSequence();
    out.text(text("\n"));
    next();
    showLine();
  };

  // ---- Commands ---------------------------------------------------------------------------------------------

  const answerBegins = (): void => answer.begin(tasks[served()].json, served() === channel.program);
  const answerEnds = (): void => {
    if (served() === channel.person) tellEvents();
    answer.end();
    renew();
  };
  /** Goes on with the channel's command, if it has one. */
  const goOn = (): void => {
    if (tasks[served()].command === 0) return;
    answerBegins();
    const step = commands.goOn();
    if (step === Step.done) answerEnds();
    else if (step === Step.more) wakeBy(machine.now());
  };
  /** Ends what goes on and on. */
  const endStream = (): void => {
    tasks[served()].command = 0;
    answerBegins();
    answerEnds();
  };
  const isOff = (word: Text): boolean => equal(word, text("off"));
  /** Performs a line that has words, as a person has typed it or a program has sent it. */
  const perform = (line: Text): void => {
    const session = sessions[served()];
    const word = wordOf(line);
    const asksJson = equal(word, text("json"));
    const rest = asksJson ? behind(line, word) : line;
    tasks[served()].json = asksJson || session.json || served() === channel.program;
    answerBegins();
    if (asksJson && served() !== channel.program && (isOff(rest) || equal(rest, text("on")))) {
      session.json = !isOff(rest);
      if (isOff(rest)) tasks[served()].json = false;
      answerBegins();
    } else commands.begin(rest);
    next();
    if (tasks[served()].command === 0) answerEnds();
    else goOn();
  };
  const lineOf = (length: u32): Text =>
    fromWord({ address: addressOf(sessions[served()].line.bytes), length });
  const enter = (): void => {
    out.text(text("\n"));
    const line = lineOf(sessions[served()].line.length);
    if (line.length === 0) {
      next();
      renew();
    } else if (served() === channel.person && equal(line, text("exit"))) close();
    else perform(line);
  };

  // ---- What is typed ----------------------------------------------------------------------------------------

  /** A byte of a line that is not shown while it comes; true where that was the last one. */
  const collect = (byte: u8): boolean => {
    const { line } = sessions[served()];
    const length = line.length;
    const isProgram = served() === channel.program;
    if (byte === 0x0a || (byte === 0x0d && !isProgram)) {
      const words = lineOf(Math.min(length, lineBytes));
      line.length = 0;
      if (length > lineBytes) {
        answer.begin(true, isProgram);
        answer.fail(text(`a line has at most ${lineBytes} bytes`), text(""));
      } else if (words.length !== 0) perform(words);
      return true;
    }
    if (length < lineBytes) {
      line.bytes[length] = byte;
      line.length = u32(length + 1);
    } else line.length = lineBytes + 1;
    return false;
  };
  const edit = (byte: u8): void => {
    const { line } = sessions[served()];
    if (byte === ctrlC) {
      line.length = 0;
      line.cursor = 0;
      out.text(text("\n"));
      next();
      showLine();
    } else {
      const key = editor.receive(line, byte);
      if (key === Key.enter) enter();
      else if (key === Key.complete) complete(line, commands.granted[served()]);
    }
  };
  /** A byte for the channel that is served, whose prompt is open. */
  const receive = (byte: u8): void => {
    if (tasks[served()].command !== 0) endStream();
    else if (sessions[served()].json) collect(byte);
    else edit(byte);
  };
  /** A byte that came on the host's console. */
  const receiveHost = (byte: u8, alone: boolean): void => {
    // A program that has gone in the middle of its line does not keep the operator from his prompt.
    if (byte === escape) host.requested = false;
    if (byte === recordSeparator || host.requested) {
      select(channel.program);
      if (byte === recordSeparator) {
        if (tasks[channel.program].command !== 0) endStream();
        sessions[channel.program].line.length = 0;
        host.requested = true;
      } else if (collect(byte)) host.requested = false;
      return;
    }
    select(channel.person);
    if (tasks[channel.person].command !== 0) endStream();
    else if (console.isTaken() && byte === escape) close();
    else if (console.isTaken()) receive(byte);
    else if (alone || byte === escape) open();
    else if (!console.type(byte)) put(bell);
  };

  // ---- The channels -----------------------------------------------------------------------------------------

  /** Whether the channel has a command that others behind it wait for. */
  const isBusy = (at: u32): boolean => tasks[at].command !== 0 && !tasks[at].endless;
  const serveHost = (alone: boolean): void => {
    select(channel.person);
    if (console.isTaken() && console.isFull()) {
      out.text(text("\n"));
      console.release();
      cancelSequence();
      out.text(text("\n"));
      showLine();
    }
    goOn();
    select(channel.program);
    goOn();
    for (let i = 0; i < typedBytes; i++) {
      if (isBusy(channel.person) || isBusy(channel.program)) return;
      if (!console.isTaken() && !alone && !host.requested && console.holdsBack()) {
        wakeBy(console.holdsBackUntil());
        return;
      }
      const byte = machine.consoleGet();
      if (byte < 0) return;
      receiveHost(u8(byte), alone);
    }
    // There may be more.
    wakeBy(machine.now());
  };
  /** Forgets who was at a port; a command that is to be done is. */
  const forget = (at: u32): void => {
    sessions[at].json = false;
    sessions[at].line.length = 0;
    sessions[at].line.cursor = 0;
    sessions[at].line.escape = 0;
    if (tasks[at].endless) tasks[at].command = 0;
  };
  const servePorts = (): void => {
    if (ports === null) return;
    for (let port = 0; port < portCount; port++) {
      const at = u32(channel.ports + port);
      select(at);
      const news = ports.run(port);
      if (news !== PortNews.none) forget(at);
      if (news === PortNews.opened) showLine();
      goOn();
      for (let i = 0; i < typedBytes; i++) {
        if (isBusy(at) || ports.room(port) < mostRecordBytes) break;
        const byte = ports.get(port);
        if (byte < 0) break;
        receive(u8(byte));
        // There may be more.
        wakeBy(machine.now());
      }
      ports.send(port);
    }
  };
  const isTyped = (): boolean => console.isTaken() && tasks[channel.person].command === 0;
  return Object.freeze({
    serve(alone: boolean): void {
      serveHost(alone);
      servePorts();
    },
    hide(): void {
      select(channel.person);
      if (isTyped() && !sessions[channel.person].json) out.text(text("\r\x1b[K"));
    },
    show(): void {
      select(channel.person);
      if (isTyped()) showLine();
    },
  });
}
