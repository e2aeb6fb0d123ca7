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

/** Keeps the terminal's last row out of what scrolls (DECSTBM), with the cursor where it was. */
export function keepLastRow(rows: number): string {
  return `\x1b7\x1b[1;${rows - 1}r\x1b8`;
}

/** Shows the text in the last row, in reverse video, with the cursor where it was (DECSC, DECRC). */
export function showInLastRow(text: string, rows: number): string {
  return `\x1b7\x1b[${rows};1H\x1b[7m${text}\x1b[0m\x1b8`;
}

/** Gives the last row back, empty. */
export function releaseLastRow(rows: number): string {
  return `\x1b7\x1b[r\x1b[${rows};1H\x1b[K\x1b8`;
}
