/** A port for tests: what left through it, and what waits at it. */
import { make, array } from "../core/layout.ts";
import { u8 } from "../core/int.ts";
import type { Board } from "../device/board.ts";
import { mostFrameBytes, portFrames } from "../device/port.ts";
import type { FakeMemory } from "./fake-memory.ts";

/** A port on a network that is the test's. */
export class FakePort {
  /** The first byte is the lowest. */
  address = 0x0605_0403_0202n;
  /** How long it may not send. */
  delayNs = 0n;
  /** Frames that left. */
  readonly sent: (readonly number[])[] = [];
  /** Frames that wait. */
  readonly waiting: (readonly number[])[] = [];
  /** Whether a frame of so many bytes may be sent. */
  takes = (length: number): boolean => length >= 14;
  readonly #memory: FakeMemory;
  readonly #outgoing = make(array(u8, mostFrameBytes));

  constructor(memory: FakeMemory) {
    this.#memory = memory;
  }

  /** A frame comes; it is lost where too many wait. */
  arrive(bytes: readonly number[]): void {
    if (this.waiting.length < portFrames) this.waiting.push(bytes);
  }

  /** What devices use of it. */
  readonly board: Pick<
    Board,
    "portAddress" | "portDelay" | "loadFrame" | "sendFrame" | "waitingFrame" | "storeFrame" | "dropFrame"
  > = {
    portAddress: () => this.address,
    portDelay: () => this.delayNs,
    loadFrame: (_wire, gpa, at, length) => this.#memory.board.copyFromMemory(gpa, this.#outgoing, at, length),
    sendFrame: (_wire, length) => {
      if (!this.takes(length)) return false;
      this.sent.push(Array.from({ length }, (_, i) => this.#outgoing[i]!));
      return true;
    },
    waitingFrame: () => this.waiting[0]?.length ?? 0,
    storeFrame: (_wire, gpa, at, length) => {
      const bytes = this.#memory.at(gpa, length, true);
      bytes?.set(this.waiting[0]!.slice(at, at + length));
      return bytes !== undefined;
    },
    dropFrame: () => void this.waiting.shift(),
  };
}
