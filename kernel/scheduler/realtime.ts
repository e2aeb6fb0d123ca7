/**
 * Promises: a real-time vCPU gets its budget in every period, and no more. Each is a constant bandwidth server on one
 * CPU, whose servers run by the earliest end of a period (Abeni and Buttazzo, "Integrating Multimedia Applications in
 * Hard Real-Time Systems", 1998): what is promised of a CPU is below the whole, so every budget is there in time.
 */
import { i64, u32, u64 } from "../../dsl/core/int.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Members } from "./members.ts";
import type { ScheduledImage } from "./scheduler.ts";

/** The promises of an image. */
export interface Promises {
  start(rate: u64): void;
  /** Whether a vCPU has one. */
  has(vcpu: u32): boolean;
  /** A vCPU can run again: what is left of its budget holds, or a new period begins. */
  wake(vcpu: u32, now: u64): void;
  /** A vCPU's period has ended with its budget used up: the next one begins. */
  renew(vcpu: u32, now: u64): void;
}

const microsecond = 1_000;

/** Builds them; null where no guest has one. */
export function promisesOf({ guests }: ScheduledImage, { vcpus, guestOf, count }: Members): Promises | null {
  if (guests.every((g) => g.schedule.realtime === null)) return null;
  const guestCount = guests.length;
  const Promised = struct("Promised", { budgetUs: u64, periodUs: u64, budget: u64, period: u64 });
  const promised = storage("promised", array(Promised, guests.length));
  for (const { index, schedule } of guests) {
    promised[index].budgetUs = BigInt((schedule.realtime?.budgetNs ?? 0) / microsecond);
    promised[index].periodUs = BigInt((schedule.realtime?.periodNs ?? 0) / microsecond);
  }

  const begin = (vcpu: u32, deadline: u64): void => {
    vcpus[vcpu].left = i64(promised[guestOf[vcpu]].budget);
    vcpus[vcpu].deadline = deadline;
  };

  return Object.freeze({
    start(rate: u64): void {
      for (let i = 0; i < guestCount; i++) {
        const own = promised[i];
        own.budget = u64(u64(own.budgetUs * rate) / 1_000_000n);
        own.period = u64(u64(own.periodUs * rate) / 1_000_000n);
      }
      for (let i = 0; i < count; i++) begin(i, 0n);
    },
    has: (vcpu: u32): boolean => promised[guestOf[vcpu]].periodUs !== 0n,
    wake(vcpu: u32, now: u64): void {
      const { budget, period } = promised[guestOf[vcpu]];
      const { left, deadline } = vcpus[vcpu];
      const time = i64(deadline - now);
      // With more budget left than its share of the time left, it would get more than it was promised.
      if (time <= 0n || (left > 0n && left * period > time * budget)) begin(vcpu, u64(now + period));
    },
    renew(vcpu: u32, now: u64): void {
      const { period } = promised[guestOf[vcpu]];
      const next = u64(vcpus[vcpu].deadline + period);
      begin(vcpu, i64(next - now) <= 0n ? u64(now + period) : next);
    },
  });
}
