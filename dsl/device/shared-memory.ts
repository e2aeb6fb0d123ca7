/**
 * Memory that several guests of an image share, as state of a device: it lies where the device says among its guest's
 * addresses, and its peers (the other devices with the same memory) have doorbells. A peer's bell is a pulse on the pin
 * of that number; pins are the peer's first group of inputs.
 */
import { u16, u64 } from "../core/int.ts";
import { bool, extend, struct, type ValueOf } from "../core/layout.ts";
import { board } from "./board.ts";

const Layout = struct("SharedMemory", { gpa: u64, wire: u16, placed: bool });
type Self = ValueOf<typeof Layout>;

const Shared = extend(Layout, {
  methods: {
    follow: (self: Self, there: boolean, gpa: u64): void => {
      if (there ? self.placed && self.gpa === gpa : !self.placed) return;
      self.placed = there;
      self.gpa = gpa;
      if (there) board.placeShared(self.wire, gpa);
      else board.removeShared(self.wire);
    },
    remove: (self: Self): void => {
      self.placed = false;
      board.removeShared(self.wire);
    },
    ring: (self: Self, peer: u16, bell: u16): boolean => board.ringPeer(self.wire, peer, bell),
  },
  properties: {
    position: { get: (self: Self): u16 => board.sharedPosition(self.wire) },
  },
});
/**
 * Shared memory: `follow(there, gpa)` lays it at a guest-physical address or takes it away, and does nothing where that is
 * so already; `position` is the device's number among its peers, and `ring(peer, bell)` rings one, false where there is no
 * such peer or it has no such bell. Away after a reset.
 */
export type SharedMemory = ValueOf<typeof Shared>;
/** Declares shared memory; which, says the device's part in the manifest. */
export function sharedMemory(): typeof Shared {
  return Shared;
}
