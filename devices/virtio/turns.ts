/**
 * Turns of a device's queues: each is served for a bounded time, and what is left of them when the guest has gone on in
 * between, one queue after the other.
 */
import { now, timer, u32, u64, u8 } from "../../dsl/device/vocabulary.ts";

/** The part of the state that the turns work on. */
export interface Turns {
  later: u32;
  turn: u8;
  readonly more: { readonly armed: boolean; readonly deadlineNs: u64; arm(deadlineNs: u64): void };
}

/** Queues that are not done with, by bits, and the one that was served last of them. */
export const turns = { later: u32, turn: u8, more: timer() };

/** Has a queue served again in so many nanoseconds. */
export function wait(u: Turns, queue: u8, delayNs: u64): void {
  const due = u64(now() + delayNs);
  u.later = u32(u.later | (1 << (queue & 31)));
  if (!u.more.armed || due < u.more.deadlineNs) u.more.arm(due);
}

/** Has a queue served again as soon as the guest has gone on in between. */
export function postpone(u: Turns, queue: u8): void {
  wait(u, queue, 0n);
}

/** Serves the next of the queues that are not done with: each in its turn, downwards. */
export const goOn =
  <U extends Turns>(serve: (u: U, queue: u8) => void) =>
  (u: U): void => {
    const below = u32(u.later & ((1 << (u.turn & 31)) - 1));
    const queue = 31 - Math.clz32(below === 0 ? u.later : below);
    if (queue < 0) return;
    u.turn = u8(queue);
    u.later = u32(u.later & ~(1 << (queue & 31)));
    if (u.later !== 0) u.more.arm(now());
    serve(u, u8(queue));
  };
