/**
 * virtio-vsock (virtio 1.2 §5.10): stream sockets between guests. A packet is checked and copied once, and passed on in
 * pieces that fit a message of the channel; credit is the two drivers' own business, room in the channel is not: a driver
 * whose peer takes nothing is held back, and after a while its connection is reset, so that others get through.
 */
import {
  bank,
  channelEnd,
  device,
  guestBuffer,
  inputs,
  misuse,
  now,
  ro,
  timer,
  bool,
  u32,
  u64,
  u8,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";
import { mostMessageBytes, Sent } from "../../dsl/device/channel.ts";
import { virtio } from "./transport.ts";
import { postpone } from "./turns.ts";

/** Queues (§5.10.2). */
const queue = Object.freeze({ receive: 0, transmit: 1, event: 2 } as const);
const queueSize = 64;
/** Pieces that one turn passes on, in each direction. */
const piecesAtOnce = 2;
/** A packet's header (§5.10.6), which stands behind its data in a message. */
const headerBytes = 44;
const field = Object.freeze({
  ...{ source: 0, destination: 8, sourcePort: 16, destinationPort: 20 },
  ...{ length: 24, type: 28, operation: 30 },
} as const);
const pieceBytes = mostMessageBytes - headerBytes;
const stream = 1;
const resetOperation = 3;
/** VIRTIO_VSOCK_F_STREAM (§5.10.3). */
const features = 1n;
/** How long a connection's packet waits for a peer that takes nothing. */
export const patienceNs = 2_000_000_000n;
/** VIRTIO_VSOCK_EVENT_TRANSPORT_RESET (§5.10.6.7) is zero, in four bytes. */
const eventBytes = 4;

/** Makes the device, whose base address 0 lies at `gpa` at first. */
export function virtioVsockDevice(gpa: number) {
  const parts = virtio({
    kind: 19,
    classCode: 0x02_8000,
    queues: 3,
    queueSize,
    features,
    configurationBytes: 8,
    gpa,
  });
  const shape = device("virtio-vsock", {
    title: "virtio socket device",
    about:
      "Stream sockets to other guests, by the context identifiers that the manifest gives them. A packet for one that is not there, or for another type of socket, is answered with a reset.",
    manuals: ["Virtual I/O Device (VIRTIO) 1.2 §4.1 and §5.10"],
    banks: {
      ...parts.banks,
      deviceConfiguration: bank(
        u32,
        { contextId: ro(0, {}, { width: u64, about: "The guest's context identifier." }) },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      peers: channelEnd(),
      arrival: inputs(1),
      /** The packet that is being passed on: its header, and how much of its data has gone. */
      header: guestBuffer(headerBytes),
      sending: bool,
      sent: u32,
      piece: guestBuffer(mostMessageBytes),
      /** The driver's peer is not there: it is told so. */
      reply: guestBuffer(headerBytes),
      replying: bool,
      /** Every connection is to be reset. */
      broken: bool,
      patience: timer(),
      validPacket: misuse(),
    },
  });
  type Vsock = StateOf<typeof shape>;

  /** The packet's chain goes back to the driver. */
  const done = (u: Vsock): void => {
    u.sending = false;
    u.patience.cancel();
    parts.complete(u, queue.transmit, 0);
  };
  /** Answers the packet with a reset; false where an earlier answer still waits for a buffer. */
  const refuse = (u: Vsock): boolean => {
    if (u.header.u16At(field.operation) === resetOperation) return true;
    if (u.replying) return false;
    const from = u.header.bytes;
    const to = u.reply.bytes;
    for (let i = 0; i < headerBytes; i += 1) to[i] = 0;
    for (let i = 0; i < 8; i += 1) {
      to[field.source + i] = from[field.destination + i];
      to[field.destination + i] = from[field.source + i];
    }
    for (let i = 0; i < 4; i += 1) {
      to[field.sourcePort + i] = from[field.destinationPort + i];
      to[field.destinationPort + i] = from[field.sourcePort + i];
    }
    to[field.type] = from[field.type];
    to[field.type + 1] = from[field.type + 1];
    to[field.operation] = resetOperation;
    u.replying = true;
    postpone(u, queue.receive);
    return true;
  };
  /** Passes the next piece on; false where it has to wait, or the driver has to start anew. */
  const pass = (u: Vsock): boolean => {
    const total = u.header.u32At(field.length);
    const sent = u.sent;
    const left = u32(total - Math.min(sent, total));
    const bytes = Math.min(left, pieceBytes);
    if (bytes !== 0 && !parts.load(u, queue.transmit, u.piece, u32(headerBytes + sent), bytes)) return false;
    for (let i = 0; i < headerBytes; i += 1) u.piece.bytes[bytes + i] = u.header.bytes[i];
    for (let i = 0; i < 4; i += 1)
      u.piece.bytes[bytes + field.length + i] = u8(i < 2 ? bytes >>> (8 * i) : 0);
    const to = u.header.u64At(field.destination);
    const known = to <= 0xffff_ffffn && u.header.u16At(field.type) === stream;
    const outcome = known ? u.peers.send(u32(to), u.piece, u32(bytes + headerBytes)) : Sent.nobody;
    if (outcome === Sent.noRoom) {
      if (!u.patience.armed) u.patience.arm(u64(now() + patienceNs));
      return false;
    }
    if (outcome === Sent.nobody) {
      if (!refuse(u)) return false;
      done(u);
      return true;
    }
    u.patience.cancel();
    u.sent = u32(sent + bytes);
    if (u32(sent + bytes) >= total) done(u);
    return true;
  };
  /** Takes the driver's next packet; false where there is none. One that is not right is counted, and goes nowhere. */
  const begin = (u: Vsock): boolean => {
    if (!parts.next(u, queue.transmit)) return false;
    if (!parts.load(u, queue.transmit, u.header, 0, headerBytes)) return false;
    u.sending = true;
    u.sent = 0;
    const readable = u.queues[queue.transmit].readable;
    const room = u32(readable - Math.min(readable, headerBytes));
    const own = u.header.u64At(field.source) === BigInt(u.peers.address);
    if (own && u.header.u32At(field.length) <= room) return true;
    u.validPacket.note();
    done(u);
    return true;
  };
  const transmit = (u: Vsock): void => {
    if (!parts.running(u)) return;
    for (let i = 0; i < piecesAtOnce; i += 1) {
      if (!u.sending && !begin(u)) {
        parts.finish(u, queue.transmit);
        return;
      }
      if (u.sending && !pass(u)) {
        parts.finish(u, queue.transmit);
        return;
      }
    }
    parts.finish(u, queue.transmit);
    postpone(u, queue.transmit);
  };

  /** Gives the driver what waits, in the chain that was taken; false where it does not fit. */
  const give = (u: Vsock): boolean => {
    const chain = u.queues[queue.receive];
    if (u.replying) {
      if (!chain.store(u.reply, 0, headerBytes)) return false;
      u.replying = false;
      parts.complete(u, queue.receive, headerBytes);
      // The next packet that is refused may wait for this.
      postpone(u, queue.transmit);
      return true;
    }
    const length = u.peers.receive(u.piece);
    const bytes = u32(length - Math.min(length, headerBytes));
    if (!chain.storeFrom(u.piece, bytes, 0, headerBytes)) return false;
    if (bytes !== 0 && !chain.storeFrom(u.piece, 0, headerBytes, bytes)) return false;
    parts.complete(u, queue.receive, length);
    return true;
  };
  const receive = parts.server(
    {
      ...{ queue: queue.receive, atOnce: piecesAtOnce },
      ready: (u: Vsock) => u.replying || u.peers.waiting !== 0,
    },
    give,
  );
  /** Tells the driver that its connections are no more, when it has a buffer for that. */
  const tell = (u: Vsock): void => {
    if (!u.broken || !parts.next(u, queue.event)) return;
    for (let i = 0; i < eventBytes; i += 1) u.reply.bytes[i] = 0;
    if (!parts.answer(u, queue.event, u.reply, eventBytes)) return;
    u.broken = false;
    u.replying = false;
    parts.finish(u, queue.event);
  };
  const serve = (u: Vsock, index: u8): void => {
    if (index === queue.receive) receive(u);
    else if (index === queue.transmit) transmit(u);
    else tell(u);
  };
  const common = parts.behaviour(serve, (u: Vsock) => {
    u.sending = false;
    u.replying = false;
    u.broken = false;
    u.patience.cancel();
  });
  return shape.implement({
    ...common,
    peek: { ...common.peek, contextId: (u) => BigInt(u.peers.address) },
    input: {
      arrival(u, _pin, level) {
        if (!level) return;
        receive(u);
        transmit(u);
      },
    },
    expire: {
      ...common.expire,
      patience(u) {
        if (!u.sending || !parts.running(u)) return;
        if (refuse(u)) done(u);
        parts.finish(u, queue.transmit);
        postpone(u, queue.transmit);
      },
    },
    // The guest goes on elsewhere than where its connections were: all of them are reset.
    resumed(u) {
      u.broken = true;
      postpone(u, queue.event);
    },
  });
}
