/**
 * Bytes on their way to a UART's transmitter: at once where it is free and nothing waits, otherwise through a ring that
 * somebody empties who has the time to wait.
 */
import { u32, u8 } from "../../dsl/core/int.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";

/** Bytes that can wait; a power of two. */
export const ringBytes = 1024;
/** Above this, `flush` waits for the wire: what is left of the ring takes all that one exit of a guest can send. */
export const mostWaiting = ringBytes / 2;
/** What the transmitter takes when it is empty: its FIFO (National PC16550D §8.5). */
const fifoBytes = 16;

/** A UART's transmitter. */
export interface Wire {
  /** Whether it is empty. */
  readonly isFree: () => boolean;
  /** Waits until it is, within bounds. */
  readonly await: () => void;
  readonly send: (byte: u8) => void;
}

export interface Transmitter {
  /** Sends one byte behind all that waits, and waits for that. */
  readonly put: (byte: u8) => void;
  /** Sends one byte without waiting, or lets it wait; false where something waits now. */
  readonly queue: (byte: u8) => boolean;
  /** Sends what waits, as far as the wire takes it; where too much waits, waits for that. True where nothing is left. */
  readonly flush: () => boolean;
  /** Sends all that waits. */
  readonly empty: () => void;
}

/** Makes the ring in front of a wire. Build time. */
export function transmitter(name: string, wire: Wire): Transmitter {
  const { isFree, send } = wire;
  const awaitWire = wire.await;
  const ring = storage(name, struct("TransmitRing", { put: u32, taken: u32, bytes: array(u8, ringBytes) }));

  const next = (): void => {
    send(ring.bytes[ring.taken & (ringBytes - 1)]);
    ring.taken = u32(ring.taken + 1);
  };
  const empty = (): void => {
    for (let i = 0; i < ringBytes; i++) {
      if (ring.taken === ring.put) break;
      awaitWire();
      next();
    }
  };
  return Object.freeze({
    empty,
    put(byte: u8): void {
      empty();
      awaitWire();
      send(byte);
    },
    queue(byte: u8): boolean {
      if (ring.taken === ring.put && isFree()) {
        send(byte);
        return true;
      }
      ring.bytes[ring.put & (ringBytes - 1)] = byte;
      ring.put = u32(ring.put + 1);
      return false;
    },
    flush(): boolean {
      for (let i = 0; i < ringBytes; i++) {
        if (u32(ring.put - ring.taken) > mostWaiting) awaitWire();
        else if (ring.taken === ring.put || !isFree()) break;
        for (let k = 0; k < fifoBytes; k++) if (ring.taken !== ring.put) next();
      }
      return ring.taken === ring.put;
    },
  });
}
