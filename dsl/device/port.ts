/**
 * A port on a layer-2 network, as state of a device: frames leave through it and wait at it. What the device sends is
 * copied out of the guest's memory once, and looked at only then. A frame that comes is told by a pulse on the pin that
 * the manifest names with the port.
 */
import { u16, u32, u64 } from "../core/int.ts";
import { extend, struct, type ValueOf } from "../core/layout.ts";
import { board } from "./board.ts";

/** Frames that wait at a port at most; what comes then is lost. */
export const portFrames = 64;
/** Bytes of the longest frame, without its check sequence: with one tag (IEEE 802.3 §3.2.7, 802.1Q §9.6). */
export const mostFrameBytes = 1518;

const Layout = struct("Port", { wire: u16 });
type Self = ValueOf<typeof Layout>;

const Port = extend(Layout, {
  methods: {
    load: (self: Self, gpa: u64, at: u32, length: u32): boolean =>
      board.loadFrame(self.wire, gpa, at, length),
    send: (self: Self, length: u16): boolean => board.sendFrame(self.wire, length),
    store: (self: Self, gpa: u64, at: u32, length: u32): boolean =>
      board.storeFrame(self.wire, gpa, at, length),
    drop: (self: Self): void => board.dropFrame(self.wire),
    clear: (self: Self): void => {
      for (let i = 0; i < portFrames; i += 1) {
        if (board.waitingFrame(self.wire) === 0) return;
        board.dropFrame(self.wire);
      }
    },
  },
  properties: {
    address: { get: (self: Self): u64 => board.portAddress(self.wire) },
    delayNs: { get: (self: Self): u64 => board.portDelay(self.wire) },
    waiting: { get: (self: Self): u16 => board.waitingFrame(self.wire) },
  },
});
/**
 * A port: `load(gpa, at, length)` makes a frame of the guest's bytes and `send(length)` sends it (false where it is no
 * frame that the port may send); `delayNs` is how long the port may not. `waiting` are the bytes of the frame that has
 * waited longest, or 0; `store(gpa, at, length)` gives the guest bytes of it, `drop()` lets it go, `clear()` all. `address`
 * has the first byte of the port's address in [7:0].
 */
export type Port = ValueOf<typeof Port>;
/** Declares a port on a network. */
export function port(): typeof Port {
  return Port;
}
