/** The line at the bottom of the terminal on which `typevisor run` shows how the guests stand. */
import type { OperatorRecord } from "./operator-line.ts";

const keys = "Ctrl-] operator, Ctrl-A X leaves";

/** The line's text, as wide as the terminal: each guest and its state, and the keys where there is room. */
export function statusText(guests: readonly OperatorRecord[], columns: number): string {
  const states = guests.map(({ guest, state, restarts }) => {
    const again = Number(restarts) > 0 ? ` (${String(restarts)} restarts)` : "";
    return `${String(guest)}: ${String(state)}${again}`;
  });
  const left = ` ${states.join("  ")}`;
  const room = columns - left.length - keys.length - 1;
  return room > 1 ? `${left}${" ".repeat(room)}${keys} ` : left.slice(0, columns).padEnd(columns);
}

/** What of a terminal counts here, as a TTY of Node has it; what it does not know is 0. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** In the middle of an escape sequence (ECMA-48 §5.4), or of a character in UTF-8. */
const escape = "\x1b";
const unfinished = new RegExp(
  String.raw`${escape}(\[[0-9:;<=>?]*[ -/]*)?$|[\xc0-\xff]$|[\xe0-\xff][\x80-\xbf]$|[\xf0-\xff][\x80-\xbf]{2}$`,
);

/**
 * The terminal's last row, which what the console says does not scroll (DECSTBM). It is drawn when there is something new, or
 * when the console may have wiped it: each time the cursor is saved and restored (DECSC, DECRC), which the console may
 * be doing too.
 */
export class StatusLine {
  private guests: readonly OperatorRecord[] = [];
  private drawn = { text: "", rows: 0, columns: 0 };
  private tail = "";
  private disturbed = false;

  /** What the console has said, which stands before what is drawn next. */
  saw(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    this.tail = (this.tail + text).slice(-16);
    if (text.includes("\x1b")) this.disturbed = true;
  }

  /** Remembers how the guests stand. */
  tell(guests: readonly OperatorRecord[]): void {
    this.guests = guests;
  }

  /** What is to be written now to a terminal of that size; nothing where all is as it was, or the console is not done. */
  draw({ rows, columns }: TerminalSize): string {
    if (this.guests.length === 0 || !(rows > 1 && columns > 0) || unfinished.test(this.tail)) return "";
    const { drawn } = this;
    const text = statusText(this.guests, columns);
    const resized = rows !== drawn.rows || columns !== drawn.columns;
    if (!resized && !this.disturbed && text === drawn.text) return "";
    this.disturbed = false;
    this.drawn = { text, rows, columns };
    const wiped =
      resized && drawn.rows > 0 && drawn.rows <= rows ? `\x1b7\x1b[r\x1b[${drawn.rows};1H\x1b[K\x1b8` : "";
    // The cursor leaves the row, and what stands there goes up. A line feed (IND is none) would take it to the first column:
    // Node's raw mode leaves that to the terminal's driver.
    const freed = resized ? "\x1b7\x1b[r\x1b8\x1bD\x1b[A" : "";
    const kept = `\x1b[1;${rows - 1}r\x1b[${rows};1H\x1b[7m${text}\x1b[0m`;
    return `${wiped}${freed}\x1b7${kept}\x1b8`;
  }

  /** Gives the row back, empty. */
  release(): string {
    const { rows } = this.drawn;
    return rows === 0 ? "" : `\x1b7\x1b[r\x1b[${rows};1H\x1b[K\x1b8`;
  }
}
