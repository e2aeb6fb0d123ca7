/**
 * An attack as data: its name, what the guest does, what it is answered, and the act. The guest executes and reports; the
 * boot test compares with what stands here, and the guide's table is made of the same words.
 */
import type { u64 } from "../../../../dsl/core/int.ts";
import { StopReason } from "../../../../kernel/domain.ts";

/** What an attack is answered. */
export interface Answer {
  /** In the guide's words. */
  readonly text: string;
  /** What the guest reports; null: it does not come to that. */
  readonly outcome: bigint | null;
  /** Why the guest is stopped or restarted (`StopReason`); null: it is not. */
  readonly reason: StopReason | null;
}

/** An attack. */
export interface Attack {
  /** Unique, lower case with dashes. */
  readonly name: string;
  /** What the guest does: a clause without a subject. */
  readonly does: string;
  readonly answer: Answer;
  /** Does it, and gives the outcome. */
  readonly act: () => u64;
}

/** Mnemonics of the exceptions that attacks are answered with, by vector. */
const exceptions: Readonly<Record<number, string>> = {
  1: "#DB",
  6: "#UD",
  11: "#NP",
  13: "#GP",
  14: "#PF",
};

/** Nothing comes of it: the outcome is the number of answers that were others than the text says, none. */
export function goesOn(text = "nothing; the guest goes on"): Answer {
  return Object.freeze({ text, outcome: 0n, reason: null });
}

/** An exception; the outcome is its vector plus 1. */
export function refused(vector: number, more = ""): Answer {
  return Object.freeze({ text: `${exceptions[vector]}${more}`, outcome: BigInt(vector + 1), reason: null });
}

/** As many answers of a kind. */
export function counted(count: number, what: string): Answer {
  return Object.freeze({ text: `${count} ${what}`, outcome: BigInt(count), reason: null });
}

/** The guest ends, alone. */
export function ends(reason: StopReason, text: string): Answer {
  return Object.freeze({ text, outcome: null, reason });
}

/** Declares an attack. Build time. */
export function attack(name: string, does: string, answer: Answer, act: () => u64): Attack {
  return Object.freeze({ name, does, answer, act });
}
