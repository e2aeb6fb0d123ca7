/**
 * A program's talk with the operator's prompt of a machine, over the serial line that people and guests use too: what is
 * asked, and the records that answer it (RFC 7464: each between a record separator and a line feed), are taken out of
 * what the line says.
 */

/** A record of an answer. */
export type OperatorRecord = Readonly<Record<string, unknown>>;

const separator = 0x1e;
const lineFeed = 0x0a;
/** The longest record that is waited for; a line that is longer is none. */
const mostBytes = 65_536;

interface Request {
  readonly command: string;
  readonly onRecord: (record: OperatorRecord) => void;
  readonly resolve: (end: OperatorRecord) => void;
}

/** The protocol, over whatever carries bytes. */
export class OperatorLine {
  private readonly waiting: Request[] = [];
  private asked: Request | undefined;
  private record: number[] | undefined;

  constructor(
    private readonly send: (bytes: Buffer) => void,
    private readonly onConsole: (bytes: Buffer) => void,
  ) {}

  /** Takes what the line says. */
  receive(chunk: Buffer): void {
    const console: number[] = [];
    for (const byte of chunk) {
      if (byte === separator) this.record = [];
      else if (this.record === undefined) console.push(byte);
      else if (byte === lineFeed) {
        const text = Buffer.from(this.record).toString("utf8");
        this.record = undefined;
        this.take(text);
      } else if (this.record.length < mostBytes) this.record.push(byte);
    }
    if (console.length > 0) this.onConsole(Buffer.from(console));
  }

  /** Asks, and gives the record that ends the answer; those before it go to `onRecord`. One is asked after the other. */
  ask(command: string, onRecord: (record: OperatorRecord) => void): Promise<OperatorRecord> {
    return new Promise((resolve) => {
      this.waiting.push({ command, onRecord, resolve });
      this.next();
    });
  }

  /** Whether an answer is waited for. */
  get isAsking(): boolean {
    return this.asked !== undefined;
  }

  /** Waits for an answer no longer: the machine was reset, or has no operator. */
  giveUp(): void {
    const { asked } = this;
    this.asked = undefined;
    asked?.resolve({ ok: false, error: "the machine does not answer" });
    this.next();
  }

  /** Ends an answer that goes on and on. */
  interrupt(): void {
    this.send(Buffer.from([separator, lineFeed]));
  }

  private next(): void {
    if (this.asked !== undefined) return;
    this.asked = this.waiting.shift();
    if (this.asked === undefined) return;
    this.send(Buffer.concat([Buffer.from([separator]), Buffer.from(`${this.asked.command}\n`, "latin1")]));
  }

  private take(text: string): void {
    const { asked } = this;
    const record = parsed(text);
    if (asked === undefined || record === undefined) return;
    if (typeof record["ok"] !== "boolean") {
      asked.onRecord(record);
      return;
    }
    this.asked = undefined;
    asked.resolve(record);
    this.next();
  }
}

// A record may be cut: the machine was reset in the middle of it.
function parsed(text: string): OperatorRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as OperatorRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** A record as a line for people: names and values, but for names that the values make plain. */
export function recordText(record: OperatorRecord): string {
  return Object.entries(record)
    .map(([name, value]) =>
      typeof value === "string" && !value.startsWith("0x") ? value : `${name} ${String(value)}`,
    )
    .join("  ");
}
