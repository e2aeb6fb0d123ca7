/**
 * The control messages of virtio-console (virtio 1.2 §5.3.6.2): what a device tells its driver of its ports, and what a
 * driver may say of them.
 */
import { DeclarationError } from "../../dsl/device/place.ts";

/** A port, as the driver finds it. */
export interface ConsolePort {
  /** What `/dev/virtio-ports` calls it: 1 to 32 letters, digits, dots, dashes. */
  readonly name: string;
  /** A console (hvc) and not a plain port. */
  readonly console: boolean;
  /** Its other end is a port of another guest. */
  readonly pipe?: boolean;
}

export interface ConsoleOptions {
  readonly ports: readonly ConsolePort[];
  /** Of the terminal at the consoles' other end, in characters. */
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** Events of a control message (§5.3.6.2) that a driver sends; and that a device does. */
export const event = Object.freeze({ deviceReady: 0, portReady: 3, open: 6 } as const);
/** What a port still has to tell, as bits; `own` are those that it tells when the driver knows it. */
export const news = Object.freeze({ added: 1, console: 2, name: 4, size: 8, open: 16, own: 0x1e } as const);
/** Bytes of a message without what follows, and of the longest. */
export const headerBytes = 8;
const messageBytes = headerBytes + 32;

/** Makes the messages about a device's ports, as tables. Throws DeclarationError for names that cannot be. */
export function controlMessages({ ports, size }: ConsoleOptions) {
  const wrong = ports.find(
    ({ name }, i) =>
      !/^[a-z0-9._-]{1,32}$/i.test(name) || ports.slice(0, i).some((other) => other.name === name),
  );
  if (wrong !== undefined)
    throw new DeclarationError(
      `a port's name has 1 to 32 letters, digits, dots and dashes, and no two ports have the same: "${wrong.name}"`,
    );
  const terminal = (size?.columns ?? 0) + (size?.rows ?? 0) * 0x1_0000;
  const row = (flag: number, event: number, ...detail: number[]) => ({ flag, event, detail });
  const messages = ports.flatMap(({ name, console }, port) =>
    [
      row(news.added, 1),
      ...(console ? [row(news.console, 4)] : []),
      row(news.name, 7, ...Array.from(name, (c) => c.charCodeAt(0))),
      ...(console && size
        ? [row(news.size, 5, ...[0, 8, 16, 24].map((bit) => (terminal >>> bit) & 0xff))]
        : []),
      row(news.open, event.open),
    ].map(({ flag, event, detail }) => ({ port, flag, bytes: [port, 0, 0, 0, event, 0, 1, 0, ...detail] })),
  );
  return {
    /** Of the consoles: columns, and rows in the upper half. */
    terminal,
    /** Of each message, in the order in which they are told: its port, its news, its length, and `stride` bytes. */
    ports: Object.freeze(messages.map(({ port }) => port)),
    flags: Object.freeze(messages.map(({ flag }) => flag)),
    lengths: Object.freeze(messages.map(({ bytes }) => bytes.length)),
    bytes: Object.freeze(
      messages.flatMap(({ bytes }) => Array.from({ length: messageBytes }, (_, i) => bytes[i] ?? 0)),
    ),
    stride: messageBytes,
  };
}
