/**
 * The ends of channels of a program for tests of Node against native: what a device sends to an even address comes back
 * to it, one message at a time; an odd address has nobody.
 */
import { u16, u32, u8 } from "../core/int.ts";
import { addressOf, fillBytes } from "../core/intrinsics.ts";
import { array, struct, type FixedArray } from "../core/layout.ts";
import { storage } from "../core/storage.ts";
import type { Board } from "../device/board.ts";
import { mostMessageBytes, Sent } from "../device/channel.ts";

/** The ends as devices see them. */
export interface ProgramChannel {
  /** Lets go what waits. */
  readonly clear: () => void;
  readonly board: Pick<Board, "endAddress" | "reachesEnd" | "sendToEnd" | "waitingMessage" | "takeMessage">;
}

/** Declares the storage; `sent` hears of every message. */
export function programChannel(
  name: string,
  sent: (wire: u16, address: u32, length: u32) => void,
): ProgramChannel {
  const Message = struct("ProgramMessage", { length: u32, wire: u16, bytes: array(u8, mostMessageBytes) });
  const message = storage(name, Message);
  const waits = (wire: u16): u32 => (message.wire === wire ? message.length : 0);
  return Object.freeze({
    clear: (): void => fillBytes(addressOf(message), 0, BigInt(Message.size)),
    board: Object.freeze({
      endAddress: (_wire: u16): u32 => 3,
      reachesEnd: (_wire: u16, address: u32): boolean => address % 2 === 0,
      sendToEnd: (wire: u16, address: u32, bytes: FixedArray<u8>, length: u32): u8 => {
        sent(wire, address, length);
        if (address % 2 !== 0 || length === 0 || length > mostMessageBytes) return Sent.nobody;
        if (message.length !== 0) return Sent.noRoom;
        for (let i = 0; i < mostMessageBytes; i += 1) {
          if (i >= length || i >= bytes.length) break;
          message.bytes[i] = bytes[i];
        }
        message.length = length;
        message.wire = wire;
        return Sent.sent;
      },
      waitingMessage: waits,
      takeMessage: (wire: u16, bytes: FixedArray<u8>): u32 => {
        const length = waits(wire);
        if (length === 0 || length > bytes.length) return 0;
        for (let i = 0; i < mostMessageBytes; i += 1) {
          if (i >= length || i >= bytes.length) break;
          bytes[i] = message.bytes[i];
        }
        message.length = 0;
        return length;
      },
    }),
  });
}
