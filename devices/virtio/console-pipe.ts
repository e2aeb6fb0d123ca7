/**
 * The ports of a virtio-console that are ends of pipes to another guest's port. A message is bytes of the port with a 0
 * behind them, or one byte that says whether the port is open, and whether its device has just started: that one has
 * to be told how things stand here.
 */
import { u32, u8 } from "../../dsl/core/int.ts";
import type { FixedArray } from "../../dsl/core/layout.ts";
import { Sent, type ChannelEnd } from "../../dsl/device/channel.ts";
import type { GuestBuffer } from "../../dsl/device/guest-memory.ts";
import { array, bool, channelEnd, inputs } from "../../dsl/device/vocabulary.ts";
import type { Fifo } from "../../dsl/device/state.ts";

/** The last byte of a message: flags, none for bytes. */
const state = 2;
const opened = 1;
const started = 4;
/** What a device owes its peer. */
export const owes = Object.freeze({ nothing: 0, state: 1, start: 2 } as const);
/** Messages that are taken at once. */
const messagesAtOnce = 4;

/** What the pipes need of a console's state. */
export interface PipeState {
  readonly pipes: FixedArray<ChannelEnd>;
  readonly owed: FixedArray<u8>;
  readonly peerOpen: FixedArray<boolean>;
  readonly open: FixedArray<boolean>;
  readonly received: FixedArray<Fifo<u8>>;
  readonly bytes: GuestBuffer;
}

/** Makes the pipes of so many ports; `bytesAtOnce` are in a message at most, one less than the state's `bytes` hold. */
export function consolePipes(count: number, bytesAtOnce: number) {
  /** The other of the two addresses. */
  const peer = (u: PipeState, port: u8): u32 =>
    u32(3 - Math.min(u.pipes[port < count ? port : 0].address, 2));
  /** Whether a port's other end is open. */
  const isConnected = (u: PipeState, port: u8): boolean => {
    const at = port < count ? port : 0;
    return u.peerOpen[at] && u.pipes[at].reaches(peer(u, at));
  };
  /** Sends the first `length` bytes of the buffer; false where they have to wait. */
  const send = (u: PipeState, port: u8, length: u32): boolean => {
    const at = port < count ? port : 0;
    u.bytes.bytes[length <= bytesAtOnce ? length : bytesAtOnce] = 0;
    return u.pipes[at].send(peer(u, at), u.bytes, u32(length + 1)) === Sent.sent;
  };
  /** Tells the other end what it is owed, if it can be told. */
  const settle = (u: PipeState, port: u8): void => {
    const at = port < count ? port : 0;
    const owed = u.owed[at];
    if (owed === owes.nothing) return;
    u.bytes.bytes[0] = u8(state | (u.open[at] ? opened : 0) | (owed === owes.start ? started : 0));
    if (u.pipes[at].send(peer(u, at), u.bytes, 1) === Sent.sent) u.owed[at] = owes.nothing;
  };
  /** Takes what has come, as far as the port's queue has room for it. */
  const take = (u: PipeState, port: u8): void => {
    const at = port < count ? port : 0;
    const queue = u.received[at];
    for (let i = 0; i < messagesAtOnce; i += 1) {
      const waiting = u.pipes[at].waiting;
      if (waiting === 0 || waiting > u32(queue.capacity - Math.min(queue.count, queue.capacity) + 1)) return;
      const length = u.pipes[at].receive(u.bytes);
      const last = length > 0 && length <= bytesAtOnce + 1 ? length - 1 : 0;
      const flags = u.bytes.bytes[last];
      if (flags === 0) {
        for (let k = 0; k < bytesAtOnce; k += 1) {
          if (k >= last) break;
          queue.push(u.bytes.bytes[k]);
        }
      } else {
        u.peerOpen[at] = (flags & opened) !== 0;
        if ((flags & started) !== 0 && u.owed[at] === owes.nothing) u.owed[at] = owes.state;
      }
    }
  };
  return {
    state: {
      pipes: array(channelEnd(), count),
      /** Of `owes`, by port; whether the other end is open; and what the driver knows of that. */
      owed: array(u8, count),
      peerOpen: array(bool, count),
      connected: array(bool, count),
      arrival: inputs(1),
    },
    isConnected,
    send,
    settle,
    take,
  };
}
