/** What `typevisor check --watch` shows: on a terminal one answer at a time, elsewhere one after the other. */
import type { WatchOutput } from "../watch.ts";
import { tellFailure } from "./exit-code.ts";

/** The part of a stream that is used. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const clear = "\u001b[2J\u001b[3J\u001b[H";

/** Shows a watch of a file. */
export function watchOnTerminal(file: string, screen: Screen): WatchOutput {
  const terminal = screen.isTTY === true;
  const color = terminal && process.env["NO_COLOR"] === undefined;
  const answer = (text: string): void => void screen.write(terminal ? clear + text : text);
  return {
    begin: () => void (terminal && screen.write(`\rchecking ${file} …\u001b[K`)),
    edited: (what, ms) =>
      answer(`no problems: ${what} (${Math.round(ms)} ms); checking ${file} …${terminal ? "" : "\n"}`),
    fine: (what, ms) => answer(`no problems: ${what} (${Math.round(ms)} ms); watching\n`),
    failed: (error) => answer(`${tellFailure(error, color).text}watching ${file}\n`),
  };
}
