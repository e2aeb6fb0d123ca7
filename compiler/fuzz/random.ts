/** Actions at random, which a seed repeats. */
import { actionMaker, type Numbers, type Reach } from "../../dsl/testing/reach.ts";

/** A generator of 32-bit numbers below a limit, which a seed repeats (xorshift32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** One action, with every second value a small one. */
export function randomAction(reach: Reach, random: (below: number) => number): Numbers {
  const value =
    random(2) === 0 ? BigInt(random(256)) : (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));
  const offset = random(2) === 0 ? random(0x100) : random(2 ** 32);
  return actionMaker(reach)(random(256), random(256), random(0x10000), offset, value);
}
