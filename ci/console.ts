/**
 * The text of a machine's console, and waiting for what it is expected to say.
 *
 * `expect` reads like a conversation: each call looks only at what came after the previous match, so a prompt that was
 * matched once does not answer for the next one.
 */
import { StringDecoder } from "node:string_decoder";

/** How long {@link ConsoleText.expect} waits when nothing else is said: generous, because emulators share the machine. */
export const defaultLimitMs = 240_000;

const tailLines = 60;

const escape = "\x1b";
const bell = "\x07";
const osc = `\\][^${bell}${escape}]`;

/** A terminal's control sequences: CSI, OSC, charset selection and two-character escapes. */
const controlSequence = new RegExp(
  `${escape}(?:\\[[0-?]*[ -/]*[@-~]|${osc}*(?:${bell}|${escape}\\\\)|[()][A-Z0-9]|[=>78cDEHM])`,
  "g",
);
/** Control characters that put nothing on the screen: among them the XON and XOFF of a guest's flow control. */
const controlCharacter = /[^\P{Cc}\n\t]/gu;
const unfinishedSequence = new RegExp(`${escape}(?:\\[[0-?]*[ -/]*|${osc}{0,200}|[()])?$`);

/** What {@link ConsoleText.expect} found: the matched text, its capture groups, and what came before it. */
export interface ConsoleMatch {
  /** The text that matched. */
  readonly text: string;
  /** The capture groups of a regular expression, without the whole match. */
  readonly groups: readonly (string | undefined)[];
  /** What the console said between the previous match and this one. */
  readonly before: string;
}

/** How long to wait for a console's text, in milliseconds of the host's clock. */
export interface ExpectOptions {
  /** The limit; {@link defaultLimitMs} unless given. */
  readonly limitMs?: number;
}

/** A console did not say what was expected: the message holds its last lines. */
export class ConsoleMismatch extends Error {
  override readonly name = "ConsoleMismatch";
}

interface Waiter {
  readonly pattern: string | RegExp;
  readonly resolve: (match: ConsoleMatch) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Collects a console's output, without terminal control sequences and control characters (but newline and tab). */
export class ConsoleText {
  private readonly decoder = new StringDecoder("utf8");
  private held = "";
  private collected = "";
  private cursor = 0;
  private scanFrom = 0;
  private waiter: Waiter | undefined;
  private scanScheduled = false;
  private ended: string | undefined;

  /** Everything that the console has said so far. */
  get text(): string {
    return this.collected;
  }

  /** The last lines that the console said, for messages. */
  get tail(): string {
    return this.collected.trimEnd().split("\n").slice(-tailLines).join("\n");
  }

  /** Adds output as it arrives; a character or control sequence that is cut at the chunk's end waits for the rest. */
  push(chunk: Buffer): void {
    const pending = this.held + this.decoder.write(chunk);
    const cut = unfinishedSequence.exec(pending);
    this.held = cut === null ? "" : pending.slice(cut.index);
    const complete = cut === null ? pending : pending.slice(0, cut.index);
    this.collected += complete.replace(controlSequence, "").replace(controlCharacter, "");
    this.scheduleScan();
  }

  /** Says that no more output will come, and why; a waiting `expect` fails with it. */
  end(reason: string): void {
    this.ended ??= reason;
    this.scheduleScan();
  }

  /**
   * Waits until the console says the pattern, looking only at what came after the previous match. The text may still be
   * growing: an expression that takes "as many as there are" says where the text ends, as in /(\d+)\n/.
   * @throws ConsoleMismatch when the limit passes or the machine ends first
   */
  expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    if (this.waiter !== undefined) throw new Error("a console can wait for one pattern at a time");
    const limitMs = options.limitMs ?? defaultLimitMs;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.fail(`the console did not say it within ${limitMs / 1000} s`),
        limitMs,
      );
      this.waiter = { pattern, resolve, reject, timer };
      this.scanFrom = this.cursor;
      this.scan();
    });
  }

  private scheduleScan(): void {
    if (this.scanScheduled || this.waiter === undefined) return;
    this.scanScheduled = true;
    setImmediate(() => {
      this.scanScheduled = false;
      this.scan();
    });
  }

  private scan(): void {
    const waiter = this.waiter;
    if (waiter === undefined) return;
    const found =
      typeof waiter.pattern === "string"
        ? this.findText(waiter.pattern)
        : this.findExpression(waiter.pattern);
    if (found === undefined) {
      if (this.ended !== undefined) this.fail(this.ended);
      return;
    }
    const before = this.collected.slice(this.cursor, found.index);
    this.cursor = found.index + found.text.length;
    this.settle();
    waiter.resolve({ text: found.text, groups: found.groups, before });
  }

  private findText(pattern: string) {
    const index = this.collected.indexOf(pattern, this.scanFrom);
    if (index >= 0) return { index, text: pattern, groups: [] };
    this.scanFrom = Math.max(this.cursor, this.collected.length - pattern.length);
    return undefined;
  }

  private findExpression(pattern: RegExp) {
    const found = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).exec(
      this.collected.slice(this.cursor),
    );
    if (found === null) return undefined;
    return { index: this.cursor + found.index, text: found[0], groups: found.slice(1) };
  }

  private fail(reason: string): void {
    const waiter = this.waiter;
    if (waiter === undefined) return;
    this.settle();
    const wanted =
      typeof waiter.pattern === "string" ? JSON.stringify(waiter.pattern) : String(waiter.pattern);
    const said =
      this.collected === "" ? "the console said nothing" : `the console's last lines:\n${this.tail}`;
    waiter.reject(new ConsoleMismatch(`expected ${wanted} on the console, but ${reason}\n${said}`));
  }

  private settle(): void {
    if (this.waiter !== undefined) clearTimeout(this.waiter.timer);
    this.waiter = undefined;
  }
}
