/**
 * The ports of a program for tests of Node against native: a frame that a device sends comes back to it. One waits at
 * most; what is sent then is lost. Now and then a port may not send.
 */
import { u16, u32, u64, u8 } from "../core/int.ts";
import { addressOf, fillBytes } from "../core/intrinsics.ts";
import { array, struct } from "../core/layout.ts";
import { storage } from "../core/storage.ts";
import type { Board } from "../device/board.ts";
import { mostFrameBytes } from "../device/port.ts";

type PortBoard = Pick<
  Board,
  "portAddress" | "portDelay" | "loadFrame" | "sendFrame" | "waitingFrame" | "storeFrame" | "dropFrame"
>;
/** Bytes of the shortest frame: two addresses and a type. */
const leastBytes = 14;

/** The ports as devices see them. */
export interface ProgramPort {
  /** Lets go what waits. */
  readonly clear: () => void;
  readonly board: PortBoard;
}

/** Declares the storage; `now` is the board's time, and `sent` hears of every frame. */
export function programPort(
  name: string,
  memory: Pick<Board, "copyFromMemory" | "copyToMemory">,
  now: () => u64,
  sent: (wire: u16, length: u16) => void,
): ProgramPort {
  const Frames = struct("ProgramFrames", {
    waiting: u16,
    outgoing: array(u8, mostFrameBytes),
    incoming: array(u8, mostFrameBytes),
  });
  const frames = storage(name, Frames);
  return Object.freeze({
    clear: (): void => fillBytes(addressOf(frames), 0, BigInt(Frames.size)),
    board: Object.freeze({
      portAddress: (wire: u16): u64 => u64(BigInt(wire) * 0x0100_0000_0001n + 2n),
      portDelay: (_wire: u16): u64 => (now() % 8n === 5n ? 1000n : 0n),
      loadFrame: (_wire: u16, gpa: u64, at: u32, length: u32): boolean =>
        memory.copyFromMemory(gpa, frames.outgoing, at, length),
      sendFrame: (wire: u16, length: u16): boolean => {
        sent(wire, length);
        if (length < leastBytes || length > mostFrameBytes) return false;
        if (frames.waiting !== 0) return true;
        for (let i = 0; i < mostFrameBytes; i += 1) frames.incoming[i] = frames.outgoing[i];
        frames.waiting = length;
        return true;
      },
      waitingFrame: (_wire: u16): u16 => frames.waiting,
      storeFrame: (_wire: u16, gpa: u64, at: u32, length: u32): boolean =>
        memory.copyToMemory(gpa, frames.incoming, at, length),
      dropFrame: (_wire: u16): void => {
        frames.waiting = 0;
      },
    }),
  });
}
