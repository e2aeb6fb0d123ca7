/**
 * The host's console as a guest and the operator share it: while the operator has it, what the guest says waits, and what
 * is typed for the guest waits until the guest takes it. Nothing is lost.
 */
import { i32, u32, u8 } from "../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { machine } from "./machine.ts";

/** Bytes that wait for a guest; a power of two. */
export const typedBytes = 256;
/** Bytes of the guest's that wait for the operator. */
export const heldBytes = 4096;
/** Above this the kernel's loop lets them out: what is left takes all that one exit of a guest can send. */
const mostHeld = heldBytes / 2;

const Typed = struct("TypedAhead", { taken: u32, put: u32, bytes: array(u8, typedBytes) });
export type Typed = ValueOf<typeof Typed>;

export interface SharedConsole {
  /** A byte of the guest's; false where something waits for the kernel's loop. */
  guestPut(byte: u8): boolean;
  /** The oldest byte typed for the guest, which is then the guest's, or -1. */
  guestGet(): i32;
  /** Keeps a byte for the guest. */
  type(byte: u8): void;
  /** Whether there is room for a byte to be typed. */
  hasRoom(): boolean;
  /** Whether the operator has the console. */
  isTaken(): boolean;
  take(): void;
  /** Gives it back to the guest, and sends what waited. */
  give(): void;
  /** Whether so much waits that it must be sent before the guest runs on. */
  isFull(): boolean;
  /** Sends what the guest said meanwhile. */
  release(): void;
  /** What was typed for the guest, which a save keeps. */
  readonly typed: Typed;
}

/** Builds the console. */
export function sharedConsole(): SharedConsole {
  const typed = storage("typedAhead", Typed);
  const own = storage(
    "sharedConsole",
    struct("SharedConsole", { taken: bool, held: u32, bytes: array(u8, heldBytes) }),
  );
  const release = (): void => {
    const count = Math.min(own.held, heldBytes);
    own.held = 0;
    for (let i = 0; i < count; i++) machine.consolePut(own.bytes[i]);
  };
  return Object.freeze({
    typed,
    release,
    guestPut(byte: u8): boolean {
      if (!own.taken) return machine.consoleQueue(byte);
      const at = own.held;
      if (at < heldBytes) {
        own.bytes[at] = byte;
        own.held = u32(at + 1);
      }
      return at < mostHeld;
    },
    guestGet(): i32 {
      if (typed.taken === typed.put) return -1;
      const byte = typed.bytes[typed.taken & (typedBytes - 1)];
      typed.taken = u32(typed.taken + 1);
      return byte;
    },
    type(byte: u8): void {
      typed.bytes[typed.put & (typedBytes - 1)] = byte;
      typed.put = u32(typed.put + 1);
    },
    hasRoom: (): boolean => u32(typed.put - typed.taken) < typedBytes,
    isTaken: (): boolean => own.taken,
    take(): void {
      own.taken = true;
    },
    give(): void {
      own.taken = false;
      release();
    },
    isFull: (): boolean => own.held >= mostHeld,
  });
}
