/**
 * Caps: what a guest uses at most, all its vCPUs together. Credit comes in at the cap's rate and is granted to a vCPU a
 * piece at a time, before it runs; what a guest has in hand and what its vCPUs were granted is never more than one
 * slice (of a guest with more than eight vCPUs: an eighth of one for each). So in no stretch of time does it get more than its cap and that.
 */
import { i64, u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Members } from "./members.ts";
import type { ScheduledImage } from "./scheduler.ts";

/** The caps of an image. */
export interface Caps {
  start(sliceTicks: u64): void;
  /** Whether a vCPU's guest has one. */
  limits(vcpu: u32): boolean;
  /** Grants a vCPU its next piece; false where there is not enough. */
  grant(vcpu: u32, now: u64): boolean;
  /** A vCPU has run for some ticks of what it was granted. */
  use(vcpu: u32, ticks: i64): void;
  /** Gives back what a vCPU was granted and has not used. */
  giveBack(vcpu: u32): void;
  /** When there will be enough for a vCPU that waits from now on. */
  park(vcpu: u32, now: u64): u64;
  /** It does not wait any more. */
  unpark(vcpu: u32): void;
}

/** Parts into which a slice is cut at most. */
const pieces = 8;
/** Credit is counted in hundredths of a tick, so that a tick brings as many as the cap has percent. */
const hundred = 100n;
/** No stretch of time brings more than what fills a guest's credit, so longer ones need not be told apart. */
const longest = 1n << 40n;

/** Builds them; null where no guest has one. */
export function capsOf({ guests }: ScheduledImage, { vcpus, groups, guestOf }: Members): Caps | null {
  if (guests.every((g) => g.schedule.capPercent === null)) return null;
  const Cap = struct("Cap", {
    percent: u32,
    /** Parts of a slice in a piece, and pieces that may be in hand. */
    parts: u32,
    inHand: u32,
    piece: u64,
    full: u64,
  });
  const caps = storage("caps", array(Cap, guests.length));
  for (const { index, schedule } of guests) {
    caps[index].percent = schedule.capPercent ?? 0;
    caps[index].parts = Math.min(schedule.places.length, pieces);
    caps[index].inHand = schedule.places.length;
  }

  const fill = (guest: u32, now: u64): void => {
    const group = groups[guest];
    const cap = caps[guest];
    const since = i64(now - group.filled);
    if (since > 0n) {
      const elapsed = since > longest ? longest : since;
      group.credit = i64(group.credit + elapsed * BigInt(cap.percent));
      group.filled = now;
    }
    const most = i64((cap.full - group.granted) * hundred);
    if (group.credit > most) group.credit = most;
  };

  return Object.freeze({
    start(sliceTicks: u64): void {
      for (let i = 0; i < caps.length; i++) {
        const cap = caps[i];
        const parts = BigInt(cap.parts);
        cap.piece = parts === 0n ? sliceTicks : u64(sliceTicks / parts);
        cap.full = u64(cap.piece * BigInt(cap.inHand));
        groups[i].credit = i64(cap.full * hundred);
        groups[i].filled = 0n;
        groups[i].granted = 0n;
        groups[i].parked = 0;
      }
    },
    limits: (vcpu: u32): boolean => caps[guestOf[vcpu]].percent !== 0,
    grant(vcpu: u32, now: u64): boolean {
      const guest = guestOf[vcpu];
      const group = groups[guest];
      const { piece } = caps[guest];
      fill(guest, now);
      const price = i64(piece * hundred);
      if (group.credit < price) return false;
      group.credit = i64(group.credit - price);
      group.granted = i64(group.granted + piece);
      vcpus[vcpu].left = i64(piece);
      return true;
    },
    use(vcpu: u32, ticks: i64): void {
      const group = groups[guestOf[vcpu]];
      group.granted = i64(group.granted - ticks);
      vcpus[vcpu].left = i64(vcpus[vcpu].left - ticks);
    },
    giveBack(vcpu: u32): void {
      const group = groups[guestOf[vcpu]];
      const { left } = vcpus[vcpu];
      group.credit = i64(group.credit + left * hundred);
      group.granted = i64(group.granted - left);
      vcpus[vcpu].left = 0n;
    },
    park(vcpu: u32, now: u64): u64 {
      const guest = guestOf[vcpu];
      const group = groups[guest];
      const cap = caps[guest];
      fill(guest, now);
      const waiting = u8(group.parked + 1);
      group.parked = waiting;
      const missing = i64(cap.piece * BigInt(waiting) * hundred - group.credit);
      const percent = BigInt(cap.percent);
      if (missing <= 0n || percent === 0n) return now;
      return u64(now + u64(missing) / percent + 1n);
    },
    unpark(vcpu: u32): void {
      const group = groups[guestOf[vcpu]];
      group.parked = u8(group.parked - 1);
    },
  });
}
