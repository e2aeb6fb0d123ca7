/** How a bare guest tells what it was answered: a line each, that tests read. */
import type { u64 } from "../../../dsl/core/int.ts";
import { say, sayDecimal, sayHex } from "../console-text.ts";

/** Tells a status. */
export function sayStatus(name: string, status: u64): void {
  say("status ");
  say(name);
  say(" ");
  sayDecimal(status);
  say("\n");
}

/** Tells a value. */
export function sayValue(name: string, value: u64): void {
  say("value ");
  say(name);
  say(" 0x");
  sayHex(value, 16);
  say("\n");
}
