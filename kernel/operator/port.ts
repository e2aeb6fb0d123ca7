/**
 * The prompt's ends of ports of guests: a pipe as `devices/virtio/console.ts` has it, whose other end is here. What a guest
 * sends waits where it is until its command is served; what is answered waits in a ring until the guest takes it.
 */
import { i32, u32, u8 } from "../../dsl/core/int.ts";
import { array, bool, struct, type FixedArray, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { channelMessages, pipeBytes, pipeFlag } from "../../dsl/device/channel.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";

/** The ends that the kernel has of channels to devices, by number. */
export interface PromptEnds {
  /** What each permits. */
  readonly permits: readonly (readonly Permit[])[];
  /** Whether its guest runs, or is paused. */
  isThere(end: u32): boolean;
  /** Takes the next message into `bytes`, and gives its length; 0: there is none. */
  take(end: u32, bytes: FixedArray<u8>): u32;
  /** Sends a message; false where there is no room for it now. */
  send(end: u32, bytes: FixedArray<u8>, length: u32): boolean;
}

/** Bytes of answers that wait for a guest; a power of two. */
const waitingBytes = 4096;
const waitingMask = waitingBytes - 1;

/** What has become of a port. */
export enum PortNews {
  none = 0,
  opened = 1,
  closed = 2,
}

/** The ports of guests that have a prompt, by number. */
export interface PromptPorts {
  readonly permits: readonly (readonly Permit[])[];
  /** Takes what has come, when all that came before was got; a `PortNews`. */
  run(port: u32): u32;
  /** Sends what was put, as far as there is room for it. */
  send(port: u32): void;
  /** The next byte that the guest has sent, or -1. */
  get(port: u32): i32;
  /** Answers a byte, which is lost where the guest has not opened the port. */
  put(port: u32, byte: u8): void;
  /** Bytes that can be put. */
  room(port: u32): u32;
}

const Port = struct("PromptPort", {
  /** The message that came last, and how much of it is served. */
  message: array(u8, pipeBytes + 1),
  length: u32,
  at: u32,
  /** Whether the guest has the port open; whether this end was told of; what the guest's is to be told. */
  open: bool,
  known: bool,
  owed: u8,
  /** Answers: bytes put and taken since the start. */
  put: u32,
  taken: u32,
  answers: array(u8, waitingBytes),
  outgoing: array(u8, pipeBytes + 1),
});
type Port = ValueOf<typeof Port>;

const isOpening = (flags: number): boolean => (flags & pipeFlag.open) !== 0;

/** Makes the ports over their ends, one or more. Build time. */
export function promptPorts(ends: PromptEnds): PromptPorts {
  const last = ends.permits.length - 1;
  const ports = storage("promptPorts", array(Port, last + 1));
  const portAt = (index: u32): Port => ports[Math.min(index, last)];
  const shut = (port: Port): u32 => {
    const wasOpen = port.open;
    port.open = false;
    port.taken = port.put;
    return wasOpen ? PortNews.closed : PortNews.none;
  };
  /** Takes the next message; what it says of the port itself. */
  const receive = (index: u32, port: Port): u32 => {
    if (port.at < port.length) return PortNews.none;
    const length = Math.min(ends.take(index, port.message), pipeBytes + 1);
    if (length === 0) return PortNews.none;
    const flags = port.message[length - 1];
    port.at = 0;
    port.length = flags === 0 ? u32(length - 1) : 0;
    if (flags === 0) return PortNews.none;
    if ((flags & pipeFlag.start) !== 0) port.owed = u8(port.owed | pipeFlag.state);
    if (isOpening(flags) === port.open) return PortNews.none;
    if (!isOpening(flags)) return shut(port);
    port.open = true;
    return PortNews.opened;
  };
  const send = (index: u32, port: Port): void => {
    if (port.owed !== 0) {
      port.outgoing[0] = u8(port.owed | pipeFlag.open);
      if (!ends.send(index, port.outgoing, 1)) return;
      port.owed = 0;
    }
    for (let i = 0; i < channelMessages; i++) {
      const length = Math.min(u32(port.put - port.taken), pipeBytes);
      if (length === 0) return;
      for (let k = 0; k < length; k++) port.outgoing[k] = port.answers[u32(port.taken + k) & waitingMask];
      port.outgoing[length] = 0;
      if (!ends.send(index, port.outgoing, u32(length + 1))) return;
      port.taken = u32(port.taken + length);
    }
  };
  return Object.freeze({
    permits: ends.permits,
    run(index: u32): u32 {
      const port = portAt(index);
      if (!ends.isThere(index)) {
        port.known = false;
        port.at = port.length;
        // What it sent before its end.
        for (let i = 0; i < channelMessages; i++) if (ends.take(index, port.message) === 0) break;
        return shut(port);
      }
      if (!port.known) {
        port.known = true;
        // A guest that was restored has its port open, and does not say so by itself.
        port.owed = pipeFlag.state | pipeFlag.start;
      }
      return receive(index, port);
    },
    send: (index: u32): void => send(index, portAt(index)),
    get(index: u32): i32 {
      const port = portAt(index);
      const at = port.at;
      if (at >= port.length) return -1;
      port.at = u32(at + 1);
      return port.message[Math.min(at, pipeBytes)];
    },
    put(index: u32, byte: u8): void {
      const port = portAt(index);
      if (!port.open || u32(port.put - port.taken) >= waitingBytes) return;
      port.answers[port.put & waitingMask] = byte;
      port.put = u32(port.put + 1);
    },
    room(index: u32): u32 {
      const port = portAt(index);
      return u32(waitingBytes - Math.min(u32(port.put - port.taken), waitingBytes));
    },
  });
}
