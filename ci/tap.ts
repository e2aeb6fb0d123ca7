/** Reading the Test Anything Protocol as ava writes it, so that the totals told at the end are counted, not assumed. */

/** What a run of tests came to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reads TAP line by line, counts, and gives lines for a person to read. */
export class TapReader {
  /** The names of the tests that failed so far. */
  readonly failures: string[] = [];
  /** How long the results of each file were waited for, in milliseconds: what it took, where files run one by one. */
  readonly durations = new Map<string, number>();
  private passed = 0;
  private skipped = 0;
  private showsDetail = false;
  private rest = "";
  private last: number;

  /** A reader of what begins now, by a clock in milliseconds. */
  constructor(private readonly clock: () => number = performance.now.bind(performance)) {
    this.last = clock();
  }

  /** What was counted so far. */
  get totals(): Totals {
    return { passed: this.passed, failed: this.failures.length, skipped: this.skipped };
  }

  /** Takes output as it arrives and gives the complete lines to show. */
  read(chunk: string): string[] {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.readLine(line));
  }

  private readLine(line: string): string[] {
    const result = /^(ok|not ok) \d+ - (.*?)( # (?:SKIP|TODO).*)?$/.exec(line);
    if (result !== null) return [this.count(result[1] === "ok", result[2], result[3] !== undefined)];
    if (/^(TAP version|\d+\.\.\d+$|# (tests|pass|skip|fail) \d+$)/.test(line)) {
      this.showsDetail = false;
      return [];
    }
    return this.showsDetail && line !== "" ? [line] : [];
  }

  private count(passed: boolean, name: string, marked: boolean): string {
    this.showsDetail = !passed;
    const file = name.split(" › ").slice(0, -1).join("/");
    const now = this.clock();
    this.durations.set(file, (this.durations.get(file) ?? 0) + now - this.last);
    this.last = now;
    if (passed && marked) {
      this.skipped++;
      return `  - ${name} (skipped)`;
    }
    if (passed) {
      this.passed++;
      return `  ✔ ${name}`;
    }
    // A test that is only a promise ("todo") counts as failed: it tests nothing.
    this.failures.push(name);
    return `  ✘ ${name}`;
  }
}
