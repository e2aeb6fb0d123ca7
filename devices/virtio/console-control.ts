/**
 * The control messages of virtio-console (virtio 1.2 §5.3.6.2): what a device tells its driver of its ports, and what a
 * driver may say of them.
 */
import { u32, u8, type u16 } from "../../dsl/core/int.ts";
import type { FixedArray } from "../../dsl/core/layout.ts";
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

const mostNameBytes = 32;
/** Events of a control message (§5.3.6.2). */
export const event = Object.freeze({ deviceReady: 0, portReady: 3, portOpen: 6 } as const);
/** Bytes of a message without what follows. */
export const headerBytes = 8;
/** What a port still has to tell, in the order in which it is told: DEVICE_ADD, CONSOLE_PORT, PORT_NAME, RESIZE, PORT_OPEN. */
export const news = Object.freeze({ added: 1, console: 2, name: 4, size: 8, open: 16 } as const);
export const newsEvents = Object.freeze([
  Object.freeze({ flag: news.added, event: 1 }),
  Object.freeze({ flag: news.console, event: 4 }),
  Object.freeze({ flag: news.name, event: 7 }),
  Object.freeze({ flag: news.size, event: 5 }),
  Object.freeze({ flag: news.open, event: 6 }),
]);

/** What a control message about a port may be made of. */
export interface ControlMessages {
  /** By port: what it tells when the driver knows it. */
  readonly ownNews: readonly number[];
  /** Writes a message; its length. */
  readonly write: (bytes: FixedArray<u8>, port: u8, what: u16, value: u8) => u32;
}

/** Makes them for a device's ports. Throws DeclarationError for names that cannot be. */
export function controlMessages({ ports, size }: ConsoleOptions): ControlMessages {
  const count = ports.length;
  for (const { name } of ports)
    if (!/^[a-z0-9._-]{1,32}$/i.test(name))
      throw new DeclarationError(
        `a port's name has 1 to ${mostNameBytes} letters, digits, dots and dashes, which "${name}" has not`,
      );
  const twice = ports.find((p, i) => ports.slice(0, i).some(({ name }) => name === p.name));
  if (twice !== undefined)
    throw new DeclarationError(`two ports of a virtio console are called "${twice.name}"`);
  const names = ports.map(({ name }) => Array.from(name, (c) => c.charCodeAt(0)));
  const nameBytes = Object.freeze(names.flat());
  const nameStarts = Object.freeze(names.map((_, i) => names.slice(0, i).flat().length));
  const nameLengths = Object.freeze(names.map(({ length }) => length));
  const columns: u16 = size?.columns ?? 0;
  const rows: u16 = size?.rows ?? 0;
  /** What a port tells when the driver knows it, besides whether its other end is there. */
  const ownNews = Object.freeze(
    ports.map((p) => news.name | (p.console ? news.console | (size === undefined ? 0 : news.size) : 0)),
  );
  /** Puts a message about a port into the buffer; its length. */
  const write = (bytes: FixedArray<u8>, port: u8, what: u16, value: u8): u32 => {
    const at = port < count ? port : 0;
    const start = nameStarts[at];
    const length = nameLengths[at];
    for (let i = 0; i < headerBytes; i += 1) bytes[i] = 0;
    bytes[0] = at;
    bytes[4] = u8(what);
    bytes[6] = value;
    if (what === 7) {
      for (let i = 0; i < mostNameBytes; i += 1) {
        const from = start + i;
        if (i < length && from < nameBytes.length) bytes[headerBytes + i] = nameBytes[from];
      }
      return u32(headerBytes + length);
    }
    if (what !== 5) return headerBytes;
    bytes[8] = columns & 0xff;
    bytes[9] = columns >>> 8;
    bytes[10] = rows & 0xff;
    bytes[11] = rows >>> 8;
    return headerBytes + 4;
  };
  return Object.freeze({ ownNews, write });
}
