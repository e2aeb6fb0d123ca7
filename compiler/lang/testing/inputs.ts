/** Arguments for tests: the boundaries of each type, then random values from a printed seed. */
import type { EntryPoint } from "../../../dsl/core/program.ts";

type Scalar = EntryPoint["params"][number];
export type Argument = number | bigint | boolean;

/** Numbers from 0 up to but not including 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: the environment's `SEED`, else always the same in CI, and a new one elsewhere. */
export function seedOfRun(): number {
  const given = process.env["SEED"];
  if (given !== undefined) return Number(given);
  return process.env["CI"] === undefined ? Math.floor(Math.random() * 2 ** 31) : 1;
}

function fromBits(type: Exclude<Scalar, { kind: "bool" }>, value: bigint): Argument {
  const wrapped = type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
  return type.bits === 64 ? wrapped : Number(wrapped);
}

/** Values at which a type's operations change. */
export function boundaries(type: Scalar): readonly Argument[] {
  if (type.kind === "bool") return [false, true];
  const around = [
    0n,
    1n,
    2n,
    3n,
    7n,
    31n,
    100n,
    ...[7, 8, 15, 16, 31, 32, 52, 53, 62, 63, 64].flatMap((bit) => [
      (1n << BigInt(bit)) - 1n,
      1n << BigInt(bit),
    ]),
  ];
  const all = [...around, ...around.map((v) => -v)].map((v) => fromBits(type, v));
  return [...new Set(all)];
}

/** A random value; small ones are as likely as large ones. */
export function randomValue(type: Scalar, random: () => number): Argument {
  if (type.kind === "bool") return random() < 0.5;
  const bits = Math.floor(random() * (type.bits + 1));
  let value = 0n;
  for (let i = 0; i < bits; i += 32) value = (value << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  value = BigInt.asUintN(bits, value);
  return fromBits(type, random() < 0.5 ? value : -value);
}

/** Boundary values in combination, at most `most` of them, and as many random ones. */
export function* argumentLists(
  params: readonly Scalar[],
  most: number,
  random: () => number,
): Generator<readonly Argument[]> {
  const values = params.map(boundaries);
  const combinations = values.reduce((n, list) => n * list.length, 1);
  for (let i = 0; i < Math.min(combinations, most); i++) {
    let rest = combinations <= most ? i : Math.floor(random() * combinations);
    yield values.map((list) => {
      const value = list[rest % list.length]!;
      rest = Math.floor(rest / list.length);
      return value;
    });
  }
  if (params.length > 0) for (let i = 0; i < most; i++) yield params.map((type) => randomValue(type, random));
}
