import type { Intrinsic } from "./index.ts";

/** `unlikely(c)` is `c`; as a condition it also weighs the branch (`condition.ts`). */
export const hintIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  ["unlikely", (_f, _node, _nodes, argument) => argument(0)],
];
