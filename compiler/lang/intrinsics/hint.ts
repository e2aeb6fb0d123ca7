import type { Intrinsic } from "./index.ts";

/** `unlikely(c)` and `weighed(c, yes, no)` are `c`; as a condition they also weigh the branch (`condition.ts`). */
export const hintIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  ["unlikely", (_f, _node, _nodes, argument) => argument(0)],
  ["weighed", (_f, _node, _nodes, argument) => argument(0)],
];
