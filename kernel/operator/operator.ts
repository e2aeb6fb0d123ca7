/** What the operator has: the commands of an image at a prompt on the host's console. */
import type { FixedArray } from "../../dsl/core/layout.ts";
import type { ImageModel } from "../../dsl/manifest/model.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import type { Domain } from "../domain.ts";
import type { GuestSaving } from "../guest-saving.ts";
import type { Lifecycle } from "../lifecycle.ts";
import type { Consoles } from "./consoles.ts";
import { guestCommands } from "./guest-commands.ts";
import { machineCommands } from "./machine-commands.ts";
import { operatorSessions, operatorTerminal, type Operator } from "./sessions.ts";

/** What the operator's commands work on. */
export interface OperatorParts {
  readonly model: ImageModel;
  readonly permits: readonly Permit[];
  readonly domains: FixedArray<Domain>;
  readonly life: Lifecycle;
  readonly consoles: Consoles;
  /** Null: guests cannot be saved. */
  readonly saving: GuestSaving | null;
  /** Says and sends what waits, before the machine ends or restarts. */
  leave(): void;
  /** Tells what has happened and was not told. */
  tellEvents(): void;
}

/** Builds it. */
export function makeOperator(parts: OperatorParts): Operator {
  const terminal = operatorTerminal();
  const commands = [...guestCommands(parts, terminal), ...machineCommands(parts.leave)];
  const names = parts.model.guests.map(({ name }) => name);
  return operatorSessions(terminal, parts.consoles, commands, parts.permits, names, parts.tellEvents);
}
