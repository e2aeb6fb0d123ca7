/** All attacks, in the order in which the guest executes them: those that leave much behind them before those that end it. */
import type { Attack } from "./attack.ts";
import { descriptorAttacks } from "./descriptors.ts";
import { hypercallAttacks, notifyStormAttack } from "./hypercalls.ts";
import { instructionAttacks } from "./instructions.ts";
import { interruptAttacks } from "./interrupts.ts";
import { memoryAttacks } from "./memory.ts";
import { portAttacks, powerOffAttack } from "./ports.ts";
import { registerAttacks } from "./registers.ts";
import { secondAttacks } from "./second.ts";
import { userAttacks } from "./user.ts";
import { watchdogAttacks } from "./watchdog.ts";

export const attacks: readonly Attack[] = Object.freeze([
  ...instructionAttacks,
  ...registerAttacks,
  ...descriptorAttacks,
  ...userAttacks,
  ...hypercallAttacks,
  ...interruptAttacks,
  ...secondAttacks,
  ...memoryAttacks,
  ...portAttacks,
  ...watchdogAttacks,
  notifyStormAttack,
  powerOffAttack,
]);
