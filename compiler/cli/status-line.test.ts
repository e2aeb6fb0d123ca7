import test from "ava";
import { StatusLine, statusText } from "./status-line.ts";

const guests = [
  { guest: "alpha", state: "running", restarts: 0 },
  { guest: "beta", state: "crashed", restarts: 3 },
];

test("each guest and its state are shown, and the keys at the right where there is room", (t) => {
  const text = statusText(guests, 90);
  t.is(text.length, 90);
  t.true(text.startsWith(" alpha: running  beta: crashed (3 restarts)  "));
  t.true(text.endsWith(" Ctrl-] operator, Ctrl-A X leaves "));
});

test("a narrow terminal shows what fits", (t) => {
  t.is(statusText(guests, 50), " alpha: running  beta: crashed (3 restarts)       ");
  t.is(statusText(guests, 10), " alpha: ru");
});

const escape = "\x1b";
const control = new RegExp(String.raw`${escape}\[([\d;]*)([A-Za-z])|${escape}[78D]|[^]`, "g");
/** A terminal that knows what a console and the status line say to it (VT100, as far as that). */
class Screen {
  lines: string[][] = [];
  private row = 0;
  private column = 0;
  private saved = { row: 0, column: 0 };
  private top = 0;
  private bottom = 0;
  constructor(
    public rows: number,
    public columns: number,
  ) {
    this.lines = Array.from({ length: rows }, () => []);
    this.bottom = rows - 1;
  }
  /** As xterm does: what is above stays, new rows are empty, and everything scrolls again. */
  resize(rows: number, columns: number): void {
    const over = Math.max(0, this.row - rows + 1);
    this.lines = Array.from({ length: rows }, (_, i) => this.lines[i + over] ?? []);
    [this.rows, this.columns, this.row] = [rows, columns, this.row - over];
    [this.top, this.bottom] = [0, rows - 1];
  }
  write(text: string): void {
    for (const [whole, numbers, final] of text.matchAll(control)) {
      const [first = 0, second = 0] = (numbers ?? "").split(";").map(Number);
      if (whole === "\x1b7") this.saved = { row: this.row, column: this.column };
      else if (whole === "\x1b8") [this.row, this.column] = [this.saved.row, this.saved.column];
      else if (final === "r") {
        [this.top, this.bottom] = [Math.max(first, 1) - 1, (second || this.rows) - 1];
        [this.row, this.column] = [0, 0];
      } else if (final === "H") [this.row, this.column] = [Math.max(first, 1) - 1, Math.max(second, 1) - 1];
      else if (final === "A") this.row--;
      else if (final === "K") this.lines[this.row]!.length = this.column;
      else if (final === "J") this.lines = this.lines.map(() => []);
      else if (whole === "\r") this.column = 0;
      else if (whole === "\x1bD") this.feed();
      else if (whole === "\n") {
        // As the terminal's driver passes it on.
        this.column = 0;
        this.feed();
      } else if (final === undefined) this.put(whole);
    }
  }
  private feed(): void {
    if (this.row === this.bottom) {
      this.lines.splice(this.top, 1);
      this.lines.splice(this.bottom, 0, []);
    } else if (this.row < this.rows - 1) this.row++;
  }
  private put(character: string): void {
    if (this.column === this.columns) {
      this.column = 0;
      this.feed();
    }
    const line = this.lines[this.row]!;
    while (line.length < this.column) line.push(" ");
    line[this.column++] = character;
  }
  get shown(): string[] {
    return this.lines.map((line) => line.join("").trimEnd());
  }
}
/** A console and its status line on a terminal. */
function scene(rows = 6, columns = 30) {
  const screen = new Screen(rows, columns);
  const status = new StatusLine();
  const draw = (): string => {
    const text = status.draw(screen);
    screen.write(text);
    return text;
  };
  return {
    ...{ screen, status, draw },
    says(text: string): void {
      screen.write(text);
      status.saw(Buffer.from(text, "latin1"));
    },
  };
}
const one = [{ guest: "linux", state: "running", restarts: 0 }];
const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `\r\n${from + i}`).join("");

test("a console that is at the terminal's bottom already scrolls above the line from then on", (t) => {
  const s = scene();
  s.says(`firmware${numbers(1, 9)}`);
  s.status.tell(one);
  s.draw();
  t.deepEqual(s.screen.shown, ["5", "6", "7", "8", "9", " linux: running"]);
  s.says(`${numbers(10, 12)}${"x".repeat(40)}`);
  t.deepEqual(s.screen.shown.slice(-4), ["11", `12${"x".repeat(28)}`, "x".repeat(12), " linux: running"]);
});

test("a terminal that is resized has one line, at its bottom", (t) => {
  const s = scene();
  s.says(`a${numbers(1, 9)}`);
  s.status.tell(one);
  s.draw();
  s.screen.resize(8, 40);
  s.draw();
  s.says(numbers(10, 11));
  t.deepEqual(s.screen.shown, ["5", "6", "7", "8", "9", "10", "11", " linux: running"]);
  s.screen.resize(4, 12);
  s.draw();
  s.says("!");
  t.is(s.screen.shown.filter((l) => l.startsWith(" linux: runn")).length, 1);
  t.deepEqual(s.screen.shown.slice(-2), ["11!", " linux: runn"]);
});

test("it is drawn when it is new or may be wiped, and never in the middle of a sequence of the guest's", (t) => {
  const s = scene();
  s.status.tell(one);
  t.not(s.draw(), "");
  s.says("plain text\r\n");
  t.is(s.draw(), "");
  s.says("\x1b[2J\x1b[1;3");
  t.is(s.draw(), "", "the guest's sequence would be cut");
  s.says("1m");
  s.draw();
  t.is(s.screen.shown.at(-1), " linux: running");
  s.says("\xe2\x82");
  s.status.tell([{ guest: "linux", state: "paused", restarts: 0 }]);
  t.is(s.draw(), "", "as would its character");
  s.says("\xac");
  s.draw();
  t.is(s.screen.shown.at(-1), " linux: paused");
  s.screen.write(s.status.release());
  t.is(s.screen.shown.at(-1), "");
});

test("a terminal whose size is not known, or of one row, has none, and nothing is given back", (t) => {
  const status = new StatusLine();
  status.tell(one);
  t.is(status.draw({ rows: 0, columns: 0 }), "");
  t.is(status.draw({ rows: 1, columns: 80 }), "");
  t.is(status.draw({} as { rows: number; columns: number }), "");
  t.is(status.release(), "");
});
