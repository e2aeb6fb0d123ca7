/** Makes what was found smaller, as long as it is still found. */
import type { Numbers } from "../../dsl/testing/reach.ts";

/** The fewest of the actions for which a test still holds, by taking away ever smaller parts (delta debugging). */
function fewest(
  actions: readonly Numbers[],
  holds: (actions: readonly Numbers[]) => boolean,
): readonly Numbers[] {
  let left = actions;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length;) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      if (holds(without)) left = without;
      else at += size;
    }
  }
  return left;
}

/** Smaller numbers than a value, the smallest first. */
function smaller(value: bigint): bigint[] {
  const bits = [...value.toString(2)].flatMap((bit, i, all) =>
    bit === "1" ? [value - (1n << BigInt(all.length - 1 - i))] : [],
  );
  return [...new Set([0n, 1n, ...bits, value >> 1n])].filter((v) => v < value);
}

/** The fewest actions with the smallest values for which a test still holds. */
export function shrink(
  actions: readonly Numbers[],
  holds: (actions: readonly Numbers[]) => boolean,
): readonly Numbers[] {
  let left = fewest(actions, holds);
  for (let at = 0; at < left.length; at++) {
    for (let again = true; again;) {
      again = false;
      for (const value of smaller(left[at]!.value)) {
        const simpler = left.with(at, { ...left[at]!, value });
        if (!holds(simpler)) continue;
        left = simpler;
        again = true;
        break;
      }
    }
  }
  return fewest(left, holds);
}
