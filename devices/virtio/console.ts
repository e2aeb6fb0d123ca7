/**
 * virtio-console with several ports (virtio 1.2 §5.3). Bytes wait in the driver's buffers until their end takes them, and
 * in a queue of each port until the driver has a buffer for them: nothing is dropped, and nothing waits for anybody.
 */
import {
  array,
  bank,
  bits,
  bool,
  device,
  fifo,
  guestBuffer,
  misuse,
  now,
  ro,
  sink,
  source,
  timer,
  u16,
  u32,
  u8,
  wo,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";
import { DeclarationError } from "../../dsl/device/place.ts";
import { virtio } from "./transport.ts";

/** A port, as the driver finds it. */
export interface ConsolePort {
  /** What `/dev/virtio-ports` calls it: 1 to 32 letters, digits, dots, dashes. */
  readonly name: string;
  /** A console (hvc) and not a plain port. */
  readonly console: boolean;
}

export interface ConsoleOptions {
  readonly ports: readonly ConsolePort[];
  /** Of the terminal at the consoles' other end, in characters. */
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** Ports that there are vectors for. */
export const mostConsolePorts = 14;
const queueSize = 16;
/** Bytes that one turn moves, and that wait for the driver. */
const bytesAtOnce = 128;
const bytesWaiting = 256;
const mostNameBytes = 32;

/** Feature bits (§5.3.3). */
const features = Object.freeze({ size: 1n, multiport: 2n, emergencyWrite: 4n });
/** Queues of the control messages: from the device, and to it (§5.3.2). */
const controlIn = 2;
const controlOut = 3;
/** Events of a control message (§5.3.6.2). */
const event = Object.freeze({ deviceReady: 0, portReady: 3, portOpen: 6 } as const);
const headerBytes = 8;
/** What a port still has to tell, in the order in which it is told: DEVICE_ADD, CONSOLE_PORT, PORT_NAME, RESIZE, PORT_OPEN. */
const news = Object.freeze({ added: 1, console: 2, name: 4, size: 8, open: 16 } as const);
const newsEvents = Object.freeze([
  Object.freeze({ flag: news.added, event: 1 }),
  Object.freeze({ flag: news.console, event: 4 }),
  Object.freeze({ flag: news.name, event: 7 }),
  Object.freeze({ flag: news.size, event: 5 }),
  Object.freeze({ flag: news.open, event: 6 }),
]);
/** Control messages that one turn takes or gives. */
const messagesAtOnce = 4;

/** Makes the device, whose base address 0 lies at `gpa` at first. Throws DeclarationError for ports that cannot be. */
export function virtioConsoleDevice(gpa: number, { ports, size }: ConsoleOptions) {
  const count = ports.length;
  if (count < 1 || count > mostConsolePorts)
    throw new DeclarationError(`a virtio console has 1 to ${mostConsolePorts} ports, not ${count}`);
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
  const queues = 2 * (count + 1);
  const parts = virtio({
    kind: 3,
    classCode: 0x07_8000,
    queues,
    queueSize,
    features: features.multiport | features.emergencyWrite | (size === undefined ? 0n : features.size),
    configurationBytes: 12,
    gpa,
  });
  const shape = device("virtio-console", {
    title: "virtio console",
    about:
      "Serial ports with names, of which some are consoles. Bytes wait in the driver's buffers until the port's other end takes them, and in a queue of the device until the driver has a buffer for them.",
    manuals: ["Virtual I/O Device (VIRTIO) 1.2 §4.1 and §5.3"],
    banks: {
      ...parts.banks,
      deviceConfiguration: bank(
        u32,
        {
          size: ro(0, { columns: bits(15, 0), rows: bits(31, 16) }, { reset: columns + rows * 0x1_0000 }),
          portCount: ro(4, {}, { reset: count }),
          emergencyWrite: wo(8, {}, { about: "A byte for the first port, before any queue is there." }),
        },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      output: array(sink(), count),
      input: array(source(), count),
      received: array(fifo(u8, bytesWaiting), count),
      /** By port: what is to be told, whether the driver has it open, and where in a chain of its the device is. */
      news: array(u8, count),
      open: array(bool, count),
      sending: array(bool, count),
      sent: array(u32, count),
      /** Queues that are not done with, by bits, and the one that is served next. */
      later: u32,
      turn: u8,
      more: timer(),
      bytes: guestBuffer(bytesAtOnce),
      validPort: misuse(),
    },
  });
  type Console = StateOf<typeof shape>;

  const postpone = (u: Console, queue: u8): void => {
    u.later = u32(u.later | (1 << (queue & 31)));
    u.more.arm(now());
  };
  /** A driver without ports has the first one open from the start. */
  const isOpen = (u: Console, port: u8): boolean =>
    (u.driverFeature[0].value & 2) !== 0 ? u.open[port < count ? port : 0] : port === 0;
  const receiveQueue = (port: u8): u8 => (port === 0 ? 0 : u8(2 * port + 2));

  /** Gives the driver what has come for a port. */
  const fill = (u: Console, port: u8): void => {
    const at = port < count ? port : 0;
    const queue = receiveQueue(at);
    const waiting = u.received[at];
    if (waiting.empty || !isOpen(u, at) || !parts.next(u, queue)) return;
    const chain = u.queues[queue < queues ? queue : 0];
    const length = u32(Math.min(Math.min(chain.writable, waiting.count), bytesAtOnce));
    const full = waiting.full;
    for (let i = 0; i < bytesAtOnce; i += 1) {
      if (i >= length) break;
      u.bytes.bytes[i] = waiting.pop();
    }
    if (!chain.store(u.bytes, 0, length)) {
      parts.fail(u);
      return;
    }
    parts.complete(u, queue, length);
    parts.finish(u, queue);
    if (full) u.input[at].ready();
    if (!waiting.empty) postpone(u, queue);
  };

  /** Sends on what the driver has given to a port, a part of a chain at a time. */
  const drain = (u: Console, port: u8): void => {
    const at = port < count ? port : 0;
    const queue = u8(receiveQueue(at) + 1);
    if (!u.sending[at]) {
      if (!parts.next(u, queue)) return;
      u.sending[at] = true;
      u.sent[at] = 0;
    }
    const chain = u.queues[queue < queues ? queue : 0];
    const sent = u.sent[at];
    const length = u32(Math.min(chain.readable - Math.min(sent, chain.readable), bytesAtOnce));
    if (!chain.load(u.bytes, sent, length)) {
      parts.fail(u);
      return;
    }
    for (let i = 0; i < bytesAtOnce; i += 1) {
      if (i >= length) break;
      u.output[at].put(u.bytes.bytes[i]);
    }
    u.sent[at] = u32(sent + length);
    if (u32(sent + length) >= chain.readable) {
      parts.complete(u, queue, 0);
      u.sent[at] = 0;
      u.sending[at] = parts.next(u, queue);
      parts.finish(u, queue);
    }
    if (u.sending[at]) postpone(u, queue);
  };

  /** Puts a message about a port into the buffer; its length. */
  const write = (u: Console, port: u8, what: u16): u32 => {
    const at = port < count ? port : 0;
    const bytes = u.bytes.bytes;
    const start = nameStarts[at];
    const length = nameLengths[at];
    for (let i = 0; i < headerBytes; i += 1) bytes[i] = 0;
    bytes[0] = at;
    bytes[4] = u8(what);
    bytes[6] = 1;
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
  /** Tells the driver what it is to know of its ports. */
  const tell = (u: Console): void => {
    let told: u8 = 0;
    for (let port = 0; port < count; port += 1) {
      for (const { flag, event: what } of newsEvents) {
        if ((u.news[port] & flag) !== 0) {
          if (told >= messagesAtOnce) {
            parts.finish(u, controlIn);
            postpone(u, controlIn);
            return;
          }
          if (!parts.next(u, controlIn)) {
            parts.finish(u, controlIn);
            return;
          }
          const length = write(u, port, what);
          if (!u.queues[controlIn].store(u.bytes, 0, length)) {
            parts.fail(u);
            return;
          }
          parts.complete(u, controlIn, length);
          u.news[port] = u8(u.news[port] & ~flag);
          told = u8(told + 1);
        }
      }
    }
    parts.finish(u, controlIn);
  };
  /** Does what a message of the driver says. */
  const obey = (u: Console): void => {
    const what = u.bytes.u16At(4);
    const value = u.bytes.u16At(6);
    if (what === event.deviceReady) {
      if (value === 1) for (let i = 0; i < count; i += 1) u.news[i] = u8(u.news[i] | news.added);
      return;
    }
    const port = u.bytes.u32At(0);
    if (port >= count) {
      u.validPort.note();
      return;
    }
    if (what === event.portReady) {
      if (value === 1) u.news[port] = u8(u.news[port] | ownNews[port] | news.open);
    } else if (what === event.portOpen) {
      u.open[port] = value !== 0;
      postpone(u, receiveQueue(u8(port)));
    }
  };
  const listen = (u: Console): void => {
    for (let i = 0; i < messagesAtOnce; i += 1) {
      if (!parts.next(u, controlOut)) break;
      if (!u.queues[controlOut].load(u.bytes, 0, headerBytes)) {
        parts.fail(u);
        return;
      }
      obey(u);
      parts.complete(u, controlOut, 0);
      if (i === messagesAtOnce - 1) postpone(u, controlOut);
    }
    parts.finish(u, controlOut);
    tell(u);
  };

  /** One turn of a queue, bounded. */
  const serve = (u: Console, queue: u8): void => {
    if (!parts.running(u)) return;
    const port = u8(queue < controlIn ? 0 : (queue >>> 1) - 1);
    if (queue === controlIn) tell(u);
    else if (queue === controlOut) listen(u);
    else if ((queue & 1) === 0) fill(u, port);
    else drain(u, port);
  };
  /** Serves one of the queues that are not done with, each in its turn. */
  const goOn = (u: Console): void => {
    let found: u8 = queues;
    let next: u8 = u.turn;
    for (let i = 0; i < queues; i += 1) {
      next = u8(next + 1 >= queues ? 0 : next + 1);
      if (found === queues && (u.later & (1 << (next & 31))) !== 0) found = next;
    }
    if (found === queues) return;
    u.turn = found;
    u.later = u32(u.later & ~(1 << (found & 31)));
    if (u.later !== 0) u.more.arm(now());
    serve(u, found);
  };
  /** Forgets what a driver had begun. */
  const forget = (u: Console): void => {
    u.later = 0;
    for (let i = 0; i < count; i += 1) {
      u.news[i] = 0;
      u.open[i] = false;
      u.sending[i] = false;
    }
  };
  return shape.implement({
    peek: parts.peek,
    write: {
      queueNotify: (u, queue) => serve(u, queue),
      emergencyWrite: (u, value) => u.output[0].put(u8(value)),
    },
    written: {
      ...parts.written,
      deviceStatus(u, value, old) {
        parts.written.deviceStatus(u, value, old);
        if (u.deviceStatus.status === 0) forget(u);
      },
    },
    expire: { more: goOn },
    room: {
      input(u, index) {
        const at = index < count ? index : 0;
        return u16(bytesWaiting - Math.min(u.received[at].count, bytesWaiting));
      },
    },
    receive: {
      input(u, index, byte) {
        const at = index < count ? index : 0;
        u.received[at].push(byte);
        postpone(u, receiveQueue(at));
      },
    },
    reset: parts.reset,
    settle: (u) => parts.deliver(u),
  });
}
