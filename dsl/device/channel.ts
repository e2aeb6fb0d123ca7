/**
 * An end of a channel between devices of several guests, as state of a device. Messages are copied whole, keep their
 * order from one end to another, and are never lost: where too many wait already, the sender keeps its message. News (a
 * message, room for one, an end that has come or gone) is told by a pulse on the pin that the manifest names with the end.
 */
import { u16, u32, type u8 } from "../core/int.ts";
import { extend, struct, type ValueOf } from "../core/layout.ts";
import { board } from "./board.ts";
import type { GuestBuffer } from "./guest-memory.ts";

/** What became of a message. */
export const Sent = Object.freeze({ sent: 0, noRoom: 1, nobody: 2 } as const);
/** Bytes of a pipe's message at most, without the 0 behind them. */
export const pipeBytes = 128;
/**
 * What the ends of a pipe tell each other: bytes with a 0 behind them, or one byte that says whether the port is open, and
 * whether its end has just started: that one has to be told how things stand here.
 */
export const pipeFlag = Object.freeze({ open: 1, state: 2, start: 4 } as const);
/** Messages that wait for one end from one other at most. */
export const channelMessages = 16;
/** Bytes of the longest message of any channel. */
export const mostMessageBytes = 2048;

const Layout = struct("ChannelEnd", { wire: u16 });
type Self = ValueOf<typeof Layout>;

const ChannelEnd = extend(Layout, {
  methods: {
    reaches: (self: Self, address: u32): boolean => board.reachesEnd(self.wire, address),
    send: (self: Self, address: u32, buffer: GuestBuffer, length: u32): u8 =>
      board.sendToEnd(self.wire, address, buffer.bytes, length),
    receive: (self: Self, buffer: GuestBuffer): u32 => board.takeMessage(self.wire, buffer.bytes),
  },
  properties: {
    address: { get: (self: Self): u32 => board.endAddress(self.wire) },
    waiting: { get: (self: Self): u32 => board.waitingMessage(self.wire) },
  },
});
/**
 * An end: `send(address, buffer, length)` gives the buffer's first `length` bytes to the end with that address (one of
 * `Sent`), `reaches(address)` says whether there is one whose guest runs. `waiting` are the bytes of the next message, or
 * 0; `receive(buffer)` takes it, if the buffer has room for it, and gives its length. `address` is the end's own; 0 for
 * one that is on no channel.
 */
export type ChannelEnd = ValueOf<typeof ChannelEnd>;
/** Declares an end of a channel. */
export function channelEnd(): typeof ChannelEnd {
  return ChannelEnd;
}
