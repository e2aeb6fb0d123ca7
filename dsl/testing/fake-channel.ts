/** The ends of channels for tests: what devices send, and what waits for them. */
import type { Board } from "../device/board.ts";
import { channelMessages, Sent } from "../device/channel.ts";

/** A message that left a device. */
export interface ChannelMessage {
  readonly wire: number;
  readonly address: number;
  readonly bytes: readonly number[];
}

/** Every end of a board; all of a device's ends have one address. */
export class FakeChannels {
  /** The address of every end. */
  address = 3;
  /** Addresses of others. */
  readonly others = new Set<number>();
  /** Messages that left, and that their receiver has not taken yet. */
  readonly sent: ChannelMessage[] = [];
  /** How many of them may wait. */
  room = channelMessages;
  readonly #waiting = new Map<number, (readonly number[])[]>();

  /** What waits for an end. */
  waiting(wire: number): (readonly number[])[] {
    const known = this.#waiting.get(wire) ?? [];
    this.#waiting.set(wire, known);
    return known;
  }

  /** What devices use of it. */
  readonly board: Pick<Board, "endAddress" | "reachesEnd" | "sendToEnd" | "waitingMessage" | "takeMessage"> =
    {
      endAddress: () => this.address,
      reachesEnd: (_wire, address) => this.others.has(address),
      sendToEnd: (wire, address, bytes, length) => {
        if (!this.others.has(address)) return Sent.nobody;
        if (this.sent.length >= this.room) return Sent.noRoom;
        this.sent.push({ wire, address, bytes: Array.from({ length }, (_, i) => bytes[i]!) });
        return Sent.sent;
      },
      waitingMessage: (wire) => this.waiting(wire)[0]?.length ?? 0,
      takeMessage: (wire, bytes) => {
        const [first] = this.waiting(wire);
        if (first === undefined || first.length > bytes.length) return 0;
        for (const [i, byte] of first.entries()) bytes[i] = byte;
        this.waiting(wire).shift();
        return first.length;
      },
    };
}
