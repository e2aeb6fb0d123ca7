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
import {
  controlMessages,
  event,
  headerBytes,
  news,
  newsEvents,
  type ConsoleOptions,
} from "./console-control.ts";
import { consolePipes, owes } from "./console-pipe.ts";
import { virtio } from "./transport.ts";

/** Ports that there are vectors for. */
export const mostConsolePorts = 14;
const queueSize = 16;
/** Bytes that one turn moves, and that wait for the driver. */
const bytesAtOnce = 128;
const bytesWaiting = 256;

/** Feature bits (§5.3.3). */
const features = Object.freeze({ size: 1n, multiport: 2n, emergencyWrite: 4n });
/** Queues of the control messages: from the device, and to it (§5.3.2). */
const controlIn = 2;
const controlOut = 3;
/** Control messages that one turn takes or gives. */
const messagesAtOnce = 4;

/** Makes the device, whose base address 0 lies at `gpa` at first. Throws DeclarationError for ports that cannot be. */
export function virtioConsoleDevice(gpa: number, { ports, size }: ConsoleOptions) {
  const count = ports.length;
  if (count < 1 || count > mostConsolePorts)
    throw new DeclarationError(`a virtio console has 1 to ${mostConsolePorts} ports, not ${count}`);
  const { ownNews, write } = controlMessages({ ports, ...(size && { size }) });
  const isPipe = Object.freeze(ports.map(({ pipe }) => Number(pipe === true)));
  const hasPipes = isPipe.includes(1);
  const pipes = consolePipes(count, bytesAtOnce);
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
          size: ro(
            0,
            { columns: bits(15, 0), rows: bits(31, 16) },
            { reset: (size?.columns ?? 0) + (size?.rows ?? 0) * 0x1_0000 },
          ),
          portCount: ro(4, {}, { reset: count }),
          emergencyWrite: wo(8, {}, { about: "A byte for the first port, before any queue is there." }),
        },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      ...pipes.state,
      output: array(sink(), count),
      input: array(source(), count),
      received: array(fifo(u8, bytesWaiting), count),
      /** By port: what is to be told, whether the driver knows it and has it open, and where in a chain the device is. */
      news: array(u8, count),
      ready: array(bool, count),
      open: array(bool, count),
      sending: array(bool, count),
      sent: array(u32, count),
      /** Queues that are not done with, by bits, and the one that is served next. */
      later: u32,
      turn: u8,
      more: timer(),
      bytes: guestBuffer(bytesAtOnce + 1),
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
    if (isPipe[at] !== 0) pipes.take(u, at);
    else if (full) u.input[at].ready();
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
    if (isPipe[at] !== 0) {
      // News of the pipe brings the rest.
      if (length !== 0 && !pipes.send(u, at, length)) return;
    } else {
      for (let i = 0; i < bytesAtOnce; i += 1) {
        if (i >= length) break;
        u.output[at].put(u.bytes.bytes[i]);
      }
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
          const connected = isPipe[port] === 0 || pipes.isConnected(u, port);
          const value = what === event.portOpen && !connected ? 0 : 1;
          if (what === event.portOpen) u.connected[port] = connected;
          const length = write(u.bytes.bytes, port, what, value);
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
      u.ready[port] = value === 1;
      if (value === 1) u.news[port] = u8(u.news[port] | ownNews[port] | news.open);
    } else if (what === event.portOpen) {
      u.open[port] = value !== 0;
      if (isPipe[port] !== 0) {
        if (u.owed[port] === owes.nothing) u.owed[port] = owes.state;
        pipes.settle(u, u8(port));
      }
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
  /** Looks at a pipe: what it owes and is owed, what has come, and whether it takes what waits. */
  const hear = (u: Console, port: u8): void => {
    const at = port < count ? port : 0;
    pipes.take(u, at);
    pipes.settle(u, at);
    if (!u.received[at].empty) postpone(u, receiveQueue(at));
    if (u.sending[at]) postpone(u, u8(receiveQueue(at) + 1));
    if (u.ready[at] && pipes.isConnected(u, at) !== u.connected[at]) {
      u.news[at] = u8(u.news[at] | news.open);
      postpone(u, controlIn);
    }
  };
  /** Forgets what a driver had begun. */
  const forget = (u: Console): void => {
    u.later = 0;
    for (let i = 0; i < count; i += 1) {
      u.ready[i] = false;
      if (u.open[i] && u.owed[i] === owes.nothing) u.owed[i] = owes.state;
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
        if (u.deviceStatus.status !== 0) return;
        forget(u);
        for (let i = 0; i < count; i += 1) if (isPipe[i] !== 0) pipes.settle(u, u8(i));
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
    input: {
      arrival(u, _pin, level) {
        if (hasPipes && level) for (let i = 0; i < count; i += 1) if (isPipe[i] !== 0) hear(u, u8(i));
      },
    },
    reset(u) {
      parts.reset(u);
      for (let i = 0; i < count; i += 1) u.owed[i] = owes.start;
    },
    settle: (u) => parts.deliver(u),
  });
}
