/**
 * The consoles of the guests on the host's one: the guest that is attached has it, and while the operator does, what that
 * guest says waits and holds it back. What is typed waits until the guest takes it. Of what other guests say the latest
 * is kept for when they are attached. What begins a record of the hypervisor's (RFC 7464) no guest can say: it is shown
 * in caret notation.
 */
import { i32, u32, u64, u8 } from "../../dsl/core/int.ts";
import { text } from "../../dsl/core/intrinsics.ts";
import { array, bool, struct, type FixedArray, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { putText } from "../console.ts";
import { machine } from "../machine.ts";
import { recordSeparator } from "./answer.ts";

/** Bytes that wait for a guest; a power of two. */
export const typedBytes = 256;
/** Bytes of a guest's that wait for the operator; a power of two. */
export const heldBytes = 4096;
/** Above this the kernel's loop lets them out: what is left takes all that one exit of a guest can send. */
const mostHeld = heldBytes / 2;
/** What the record separator is shown as, twice. */
const caret = 0x5e;
/** Attached: no guest. */
export const nobody = 0xffff_ffff;

const Typed = struct("TypedAhead", { taken: u32, put: u32, bytes: array(u8, typedBytes) });
export type Typed = ValueOf<typeof Typed>;

export interface Consoles {
  /** A byte of a guest's; false where something waits for the kernel's loop. */
  guestPut(guest: u32, byte: u8): boolean;
  /** The oldest byte typed for a guest, which is then the guest's, or -1. */
  guestGet(guest: u32): i32;
  /** The guest that has the console but for the operator, or `nobody`. */
  attached(): u32;
  /** Gives the console to another guest, once the operator gives it back. */
  attach(guest: u32): void;
  /** Keeps a byte for the attached guest; false where there is no room for it, and it is lost. */
  type(byte: u8): boolean;
  /**
   * Whether what comes next has to wait where it is, and so holds its sender back: there is no room, and the guest takes what
   * is typed. One that has not taken within a second what waited then is not waited for: the operator's keys come behind.
   */
  holdsBack(): boolean;
  /** Host ticks from which on it does not. */
  holdsBackUntil(): u64;
  /** Whether the operator has the console. */
  isTaken(): boolean;
  take(): void;
  /** Gives it back to the attached guest, and sends what waited. */
  give(): void;
  /** Whether so much waits that it must be sent before the guest runs on. */
  isFull(): boolean;
  /** Sends what the attached guest said meanwhile. */
  release(): void;
  /** What was typed for each guest, which a save keeps. */
  readonly typed: FixedArray<Typed>;
}

/** Builds the consoles of `count` guests, the one with index `first` attached. */
export function guestConsoles(count: number, first: number | null): Consoles {
  const last = count - 1;
  const typed = storage("typedAhead", array(Typed, count));
  const Held = struct("HeldOutput", { put: u32, shown: u32, lost: bool, bytes: array(u8, heldBytes) });
  const held = storage("heldOutput", array(Held, count));
  const own = storage(
    "consoles",
    struct("Consoles", {
      taken: bool,
      attached: u32,
      /** Of the attached guest, when its sender was held back: `Typed.put`, and by when it is to have taken as much. */
      mark: u32,
      until: u64,
    }),
  );
  own.attached = first ?? nobody;

  const hasRoom = (guest: u32): boolean => {
    const t = typed[Math.min(guest, last)];
    return u32(t.put - t.taken) < typedBytes;
  };
  const waiting = (): u32 => {
    const guest = own.attached;
    return guest > last ? 0 : u32(held[guest].put - held[guest].shown);
  };
  const release = (): void => {
    const guest = own.attached;
    if (guest > last) return;
    const h = held[guest];
    if (h.lost) putText(text("[what it said before is lost]\n"));
    h.lost = false;
    const bytes = Math.min(u32(h.put - h.shown), heldBytes);
    for (let i = 0; i < bytes; i++) machine.consolePut(h.bytes[u32(h.shown + i) & (heldBytes - 1)]);
    h.shown = h.put;
  };
  const say = (guest: u32, byte: u8): boolean => {
    const mine = own.attached === guest;
    if (mine && !own.taken) return machine.consoleQueue(byte);
    const h = held[guest];
    h.bytes[h.put & (heldBytes - 1)] = byte;
    h.put = u32(h.put + 1);
    if (u32(h.put - h.shown) > heldBytes) {
      h.shown = u32(h.shown + 1);
      h.lost = true;
    }
    return !mine || u32(h.put - h.shown) < mostHeld;
  };
  return Object.freeze({
    typed,
    release,
    guestPut(index: u32, byte: u8): boolean {
      const guest = Math.min(index, last);
      if (byte !== recordSeparator) return say(guest, byte);
      const sent = say(guest, caret);
      return say(guest, caret) && sent;
    },
    guestGet(index: u32): i32 {
      const t = typed[Math.min(index, last)];
      if (t.taken === t.put) return -1;
      const byte = t.bytes[t.taken & (typedBytes - 1)];
      t.taken = u32(t.taken + 1);
      return byte;
    },
    attached: (): u32 => own.attached,
    attach(guest: u32): void {
      own.attached = guest;
      if (guest <= last) own.mark = u32(typed[guest].put - typedBytes);
    },
    type(byte: u8): boolean {
      const guest = own.attached;
      if (guest > last || !hasRoom(guest)) return false;
      const t = typed[guest];
      t.bytes[t.put & (typedBytes - 1)] = byte;
      t.put = u32(t.put + 1);
      return true;
    },
    holdsBack(): boolean {
      const guest = own.attached;
      if (guest > last || hasRoom(guest)) return false;
      const { put } = typed[guest];
      const now = machine.now();
      if (u32(put - own.mark) >= typedBytes) {
        own.mark = put;
        own.until = u64(now + machine.ticksPerSecond());
      }
      return now < own.until;
    },
    holdsBackUntil: (): u64 => own.until,
    isTaken: (): boolean => own.taken,
    take(): void {
      own.taken = true;
    },
    give(): void {
      own.taken = false;
      release();
    },
    isFull: (): boolean => waiting() >= mostHeld,
  });
}
