/**
 * virtio-console with several ports (virtio 1.2 §5.3). Bytes wait in the driver's buffers until their end takes them, and
 * in a queue of each port until the driver has a buffer for them: nothing is dropped, and nothing waits for anybody.
 */
import {
  array,
  bank,
  bits,
  bool,
  channelEnd,
  device,
  fifo,
  guestBuffer,
  inputs,
  misuse,
  ro,
  sink,
  source,
  u32,
  u8,
  wo,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";
import { pipeBytes, pipeFlag, Sent } from "../../dsl/device/channel.ts";
import { DeclarationError } from "../../dsl/device/place.ts";
import { controlMessages, event, headerBytes, news, type ConsoleOptions } from "./console-control.ts";
import { virtio } from "./transport.ts";
import { postpone } from "./turns.ts";

/** Ports that there are vectors for. */
export const mostConsolePorts = 14;
const queueSize = 16;
/** Bytes that one turn moves, and that wait for the driver. */
const bytesAtOnce = pipeBytes;
const bytesWaiting = 256;

/** Feature bits (§5.3.3). */
const features = Object.freeze({ size: 1n, multiport: 2n, emergencyWrite: 4n });
/** Queues of the control messages: from the device, and to it (§5.3.2). */
const controlIn = 2;
const controlOut = 3;
/** What a driver knows of a port: nothing, or that its other end is closed or open. */
const known = Object.freeze({ not: 0, closed: 1, open: 2 } as const);
/** Messages that one turn takes or gives. */
const messagesAtOnce = 4;

/** Makes the device, whose base address 0 lies at `gpa` at first. Throws DeclarationError for ports that cannot be. */
export function virtioConsoleDevice(gpa: number, { ports, size }: ConsoleOptions) {
  const count = ports.length;
  if (count < 1 || count > mostConsolePorts)
    throw new DeclarationError(`a virtio console has 1 to ${mostConsolePorts} ports, not ${count}`);
  const control = controlMessages({ ports, ...(size && { size }) });
  const isPipe = Object.freeze(ports.map(({ pipe }) => Number(pipe === true)));
  const queues = 2 * (count + 1);
  /** Each port's queue from the device; that to the device is the next one. And each queue's port. */
  const queueOf = Object.freeze(ports.map((_, i) => (i === 0 ? 0 : 2 * i + 2)));
  const portOf = Object.freeze(Array.from({ length: queues }, (_, i) => Math.max((i >>> 1) - 1, 0)));
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
          size: ro(0, { columns: bits(15, 0), rows: bits(31, 16) }, { reset: control.terminal }),
          portCount: ro(4, {}, { reset: count }),
          emergencyWrite: wo(8, {}, { about: "A byte for the first port, before any queue is there." }),
        },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      pipes: array(channelEnd(), count),
      arrival: inputs(1),
      output: array(sink(), count),
      input: array(source(), count),
      received: array(fifo(u8, bytesWaiting), count),
      /** By port: what is to be told, what the driver knows of it, whether it has it open, and how much of its chain is sent. */
      news: array(u8, count),
      known: array(u8, count),
      open: array(bool, count),
      sent: array(u32, count),
      /** By pipe: what the other end is to be told, and whether it is open. */
      owed: array(u8, count),
      peerOpen: array(bool, count),
      bytes: guestBuffer(bytesAtOnce + 1),
      validPort: misuse(),
    },
  });
  type Console = StateOf<typeof shape>;

  /** The other of a pipe's two addresses. */
  const peer = (u: Console, port: u8): u32 => u32(3 - Math.min(u.pipes[port < count ? port : 0].address, 2));
  /** What the driver of a ready port is to know: whether the other end is open. */
  const knownOf = (u: Console, port: u8): u8 => {
    const at = port < count ? port : 0;
    return isPipe[at] === 0 || (u.peerOpen[at] && u.pipes[at].reaches(peer(u, at)))
      ? known.open
      : known.closed;
  };
  /** Tells a pipe's other end what it is owed, if it can be told. */
  const settle = (u: Console, port: u8, owing: u8): void => {
    const at = port < count ? port : 0;
    const owed = u.owed[at] | owing;
    if (isPipe[at] === 0 || owed === 0) return;
    u.bytes.bytes[0] = u8(owed | (u.open[at] ? pipeFlag.open : 0));
    const sent = u.pipes[at].send(peer(u, at), u.bytes, 1) === Sent.sent;
    u.owed[at] = sent ? 0 : owed;
  };
  /** Takes what has come through a pipe, as far as the port's queue has room for it. */
  const take = (u: Console, port: u8): void => {
    const at = port < count ? port : 0;
    const queue = u.received[at];
    for (let i = 0; i < messagesAtOnce; i += 1) {
      const waiting = u.pipes[at].waiting;
      if (waiting === 0 || waiting > bytesWaiting + 1 - Math.min(queue.count, bytesWaiting)) return;
      const length = u.pipes[at].receive(u.bytes);
      const last = Math.min(Math.max(length, 1) - 1, bytesAtOnce);
      const flags = u.bytes.bytes[last];
      if (flags === 0) for (let k = 0; k < last; k += 1) queue.push(u.bytes.bytes[k]);
      else u.peerOpen[at] = (flags & pipeFlag.open) !== 0;
      if ((flags & pipeFlag.start) !== 0) u.owed[at] = u8(u.owed[at] | pipeFlag.state);
    }
  };
  /** Sends on the first `length` bytes of the buffer; false where they have to wait. */
  const send = (u: Console, port: u8, length: u8): boolean => {
    const at = port < count ? port : 0;
    const bytes = Math.min(length, bytesAtOnce);
    if (isPipe[at] === 0) for (let i = 0; i < bytes; i += 1) u.output[at].put(u.bytes.bytes[i]);
    if (isPipe[at] === 0 || bytes === 0) return true;
    u.bytes.bytes[bytes] = 0;
    return u.pipes[at].send(peer(u, at), u.bytes, bytes + 1) === Sent.sent;
  };

  /** A driver without ports has the first one open from the start. */
  const isOpen = (u: Console, port: u8): boolean =>
    (u.driverFeature[0].value & 2) !== 0 ? u.open[port < count ? port : 0] : port === 0;
  /** Gives the driver what has come for a port. */
  const fill = (u: Console, queue: u8): void => {
    const at = portOf[queue < queues ? queue : 0];
    const waiting = u.received[at];
    if (waiting.empty || !isOpen(u, at) || !parts.next(u, queue)) return;
    const room = u.queues[queue < queues ? queue : 0].writable;
    const length = Math.min(Math.min(room, waiting.count), bytesAtOnce);
    const full = waiting.full;
    for (let i = 0; i < length; i += 1) u.bytes.bytes[i] = waiting.pop();
    if (!parts.answer(u, queue, u.bytes, length)) return;
    parts.finish(u, queue);
    if (isPipe[at] !== 0) take(u, at);
    else if (full) u.input[at].ready();
    if (!waiting.empty) postpone(u, queue);
  };
  /** Sends on what the driver has given to a port, a part of a chain at a time; until its end the chain is the driver's. */
  const drain = (u: Console, queue: u8): void => {
    if (!parts.next(u, queue)) return;
    const at = portOf[queue < queues ? queue : 0];
    const chain = u.queues[queue < queues ? queue : 0];
    const sent = u.sent[at];
    const left = u32(chain.readable - Math.min(sent, chain.readable));
    const length = Math.min(left, bytesAtOnce);
    if (!parts.load(u, queue, u.bytes, sent, length)) return;
    // News of a pipe bring the rest.
    let more = send(u, at, length);
    if (more) u.sent[at] = u32(sent + length);
    if (more && length === left) {
      u.sent[at] = 0;
      parts.complete(u, queue, 0);
      more = parts.next(u, queue);
      parts.finish(u, queue);
    }
    chain.putBack();
    if (more) postpone(u, queue);
  };

  /** Tells the driver the next of what it is to know of its ports. */
  const tell = (u: Console): void => {
    for (let message = 0; message < control.ports.length; message += 1) {
      const port = control.ports[message];
      const flag = control.flags[message];
      if ((u.news[port] & flag) === 0) continue;
      if (!parts.next(u, controlIn)) break;
      const start = message * control.stride;
      for (let i = 0; i < control.stride; i += 1) u.bytes.bytes[i] = control.bytes[start + i];
      if (flag === news.open) {
        u.known[port] = knownOf(u, port);
        u.bytes.bytes[6] = u.known[port] === known.open ? 1 : 0;
      }
      if (!parts.answer(u, controlIn, u.bytes, control.lengths[message])) break;
      u.news[port] = u8(u.news[port] & ~flag);
      postpone(u, controlIn);
      break;
    }
    parts.finish(u, controlIn);
  };
  /** Does what a message of the driver says. */
  const obey = (u: Console): void => {
    const port = u.bytes.u32At(0);
    const what = u.bytes.u16At(4);
    const value = u.bytes.u16At(6);
    if (what === event.deviceReady) {
      if (value === 1) for (let i = 0; i < count; i += 1) u.news[i] = u8(u.news[i] | news.added);
    } else if (port >= count) u.validPort.note();
    else if (what === event.portReady) {
      u.known[port] = value === 1 ? known.closed : known.not;
      if (value === 1) u.news[port] = u8(u.news[port] | news.own);
    } else if (what === event.open) {
      u.open[port] = value !== 0;
      settle(u, u8(port), pipeFlag.state);
      postpone(u, queueOf[port]);
    }
  };
  const listen = (u: Console): void => {
    if (parts.next(u, controlOut) && parts.load(u, controlOut, u.bytes, 0, headerBytes)) {
      obey(u);
      parts.complete(u, controlOut, 0);
      postpone(u, controlOut);
    }
    parts.finish(u, controlOut);
    tell(u);
  };

  /** One turn of a queue, bounded. */
  const serve = (u: Console, queue: u8): void => {
    if (queue === controlIn) tell(u);
    else if (queue === controlOut) listen(u);
    else if ((queue & 1) === 0) fill(u, queue);
    else drain(u, queue);
  };
  const common = parts.behaviour(serve, (u: Console) => {
    for (let i = 0; i < count; i += 1) {
      const owing = u.open[i] ? pipeFlag.state : 0;
      u.news[i] = 0;
      u.known[i] = known.not;
      u.open[i] = false;
      u.sent[i] = 0;
      settle(u, u8(i), owing);
    }
  });
  return shape.implement({
    ...common,
    write: { ...common.write, emergencyWrite: (u, value) => u.output[0].put(u8(value)) },
    room: {
      input: (u, port) => bytesWaiting - Math.min(u.received[port < count ? port : 0].count, bytesWaiting),
    },
    receive: {
      input(u, index, byte) {
        const at = index < count ? index : 0;
        u.received[at].push(byte);
        postpone(u, queueOf[at]);
      },
    },
    input: {
      // A pipe's other end has sent, has taken, has come or gone.
      arrival(u, _pin, level) {
        if (!level) return;
        for (let i = 0; i < count; i += 1) {
          if (isPipe[i] === 0) continue;
          take(u, u8(i));
          settle(u, u8(i), 0);
          if (!u.received[i].empty) postpone(u, queueOf[i]);
          postpone(u, queueOf[i] + 1);
          if (u.known[i] === known.not || u.known[i] === knownOf(u, u8(i))) continue;
          u.news[i] = u8(u.news[i] | news.open);
          postpone(u, controlIn);
        }
      },
    },
    reset(u) {
      common.reset(u);
      for (let i = 0; i < count; i += 1) u.owed[i] = pipeFlag.state | pipeFlag.start;
    },
  });
}
