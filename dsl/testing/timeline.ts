/** What happened to a device under test, in order, with the time at which it did: read when an assertion fails. */

/** A test as far as this needs it; ava's `t` is one. */
export interface Reporter {
  readonly passed: boolean;
  log(...values: unknown[]): void;
  teardown(act: () => void): void;
}

/** Lines of what was done to a device, and below each what the device did. */
export class Timeline {
  readonly #lines: string[] = [];

  /** Something was done to the device. */
  done(atNs: bigint, text: string): void {
    this.#lines.push(`${String(atNs).padStart(12)} ns  ${text}`);
  }
  /** What came of the last thing that was done, while nothing else has happened or not. */
  gave(line: number, text: string): void {
    this.#lines[line] += ` → ${text}`;
  }
  /** The device did something. */
  followed(atNs: bigint, text: string): void {
    this.#lines.push(`${String(atNs).padStart(12)} ns    ${text}`);
  }
  /** How many lines there are; the number of the next one. */
  get length(): number {
    return this.#lines.length;
  }
  /** All of it, or the last lines. */
  text(last = this.#lines.length): string {
    return this.#lines.slice(Math.max(0, this.#lines.length - last)).join("\n");
  }
}

/** Prints the timeline of a guest with the test, if the test fails. */
export function showOnFailure(t: Reporter, guest: { readonly timeline: Timeline }): void {
  t.teardown(() => {
    if (!t.passed) t.log(guest.timeline.text(100));
  });
}
