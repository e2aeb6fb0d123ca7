/** How often and how soon a guest that ends is started again: with a back-off that doubles, until it has run in calm. */
import { u32, u64 } from "../dsl/core/int.ts";
import type { RestartModel } from "../dsl/manifest/model.ts";

/** What follows on a guest's end. */
export interface Restart {
  /** False: it has ended too often. */
  readonly again: boolean;
  /** How many ends in a row this one is. */
  readonly inRow: u32;
  /** How long it waits before it starts. */
  readonly delayNs: u64;
}

/** Makes what decides by a policy, from how many ends in a row there were before and how long the last run was. Build time. */
export function restartPolicy(policy: RestartModel): (inRow: u32, ranNs: u64) => Restart {
  const first = BigInt(policy.backOffNs);
  const longest = BigInt(policy.longestBackOffNs);
  const calm = BigInt(policy.calmNs);
  const most = policy.most ?? 0xffff_ffff;
  return (inRow: u32, ranNs: u64): Restart => {
    const before = ranNs >= calm ? 0 : inRow;
    // Beyond 2^20 times the first one every back-off is the longest: it is at most an hour.
    const doubled = first << BigInt(Math.min(before, 20));
    return {
      again: before < most,
      inRow: u32(Math.min(before, 0xffff_fffe) + 1),
      delayNs: doubled < longest ? u64(doubled) : longest,
    };
  };
}
