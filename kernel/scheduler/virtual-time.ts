/**
 * Virtual time: what a vCPU has run while others waited, by its weight. It is counted modulo 2^64, and only differences
 * mean anything.
 */
import { i64, u32, u64 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Members } from "./members.ts";
import type { ScheduledImage } from "./scheduler.ts";

/** How many turns a vCPU may be behind or ahead of those that it comes to: what is beyond is forgotten. */
export const span = 4n;
const nsPerMicrosecond = 1_000;

/** Whether a time is before another. */
export const behind = (a: u64, b: u64): boolean => i64(a - b) < 0n;

/** The virtual times of an image. */
export interface VirtualTime {
  start(rate: u64): void;
  /** A turn, and how much of it is kept from those who are woken, in ticks. */
  slice(): u64;
  latency(): u64;
  /** What ticks are worth to a vCPU. */
  worth(vcpu: u32, ticks: u64): u64;
  /** What a turn is worth to a vCPU. */
  turnOf(vcpu: u32): u64;
  /** How far apart two may be. */
  spanOf(a: u32, b: u32): u64;
  /** Forgets what a vCPU is behind another by more than that. */
  bound(vcpu: u32, other: u32): void;
}

/** Builds them. */
export function virtualTime({ scheduling }: ScheduledImage, all: Members): VirtualTime {
  const { vcpus, groups, guestOf, inverse } = all;
  const [sliceUs, latencyUs] = [scheduling.sliceNs, scheduling.latencyNs].map((ns) =>
    BigInt(Math.floor(ns / nsPerMicrosecond)),
  );
  const state = storage("turnTicks", struct("TurnTicks", { slice: u64, latency: u64 }));
  /** What ticks are worth to a vCPU: its guest's weight is shared by those of its vCPUs that can run. */
  const worth = (vcpu: u32, ticks: u64): u64 => {
    const guest = guestOf[vcpu];
    const rate = BigInt(inverse[guest]) * BigInt(Math.max(groups[guest].ready, 1));
    return u64((ticks * rate) >> 16n);
  };
  const turnOf = (vcpu: u32): u64 => worth(vcpu, state.slice);
  const spanOf = (a: u32, b: u32): u64 => u64(span * u64(turnOf(a) + turnOf(b)));

  /** Forgets what a vCPU is behind another by more than the span. */
  const bound = (vcpu: u32, other: u32): void => {
    const least = u64(vcpus[other].virtual - spanOf(vcpu, other));
    if (behind(vcpus[vcpu].virtual, least)) vcpus[vcpu].virtual = least;
  };

  return Object.freeze({
    start(rate: u64): void {
      state.slice = u64(u64(sliceUs * rate) / 1_000_000n);
      state.latency = u64(u64(latencyUs * rate) / 1_000_000n);
    },
    slice: (): u64 => state.slice,
    latency: (): u64 => state.latency,
    ...{ worth, turnOf, spanOf, bound },
  });
}
