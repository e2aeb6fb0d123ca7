/** What the operator has: the commands of an image at a prompt on the host's console, and on ports of guests. */
import type { FixedArray } from "../../dsl/core/layout.ts";
import type { ImageModel } from "../../dsl/manifest/model.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import type { Domain } from "../domain.ts";
import type { GuestSaving } from "../guest-saving.ts";
import type { Lifecycle } from "../lifecycle.ts";
import type { u64 } from "../../dsl/core/int.ts";
import type { CrashDumps } from "../crash-dump.ts";
import type { EventRings } from "../events.ts";
import type { Notices } from "../notices.ts";
import type { Running } from "../running.ts";
import type { Consoles } from "./consoles.ts";
import { operatorTerminal } from "./command.ts";
import { eventCommands } from "./event-commands.ts";
import { guestCommands } from "./guest-commands.ts";
import { inspectCommand } from "./inspect-command.ts";
import { machineCommands } from "./machine-commands.ts";
import { topCommand } from "./top-command.ts";
import { promptPorts, type PromptEnds } from "./port.ts";
import { operatorSessions, type Operator } from "./sessions.ts";

/** What the operator's commands work on. */
export interface OperatorParts {
  readonly model: ImageModel;
  readonly permits: readonly Permit[];
  readonly domains: FixedArray<Domain>;
  readonly life: Lifecycle;
  readonly consoles: Consoles;
  /** The ends of guests' ports that have a prompt; null: there is none. */
  readonly prompts: PromptEnds | null;
  /** Null: guests cannot be saved. */
  readonly saving: GuestSaving | null;
  /** Says and sends what waits, before the machine ends or restarts. */
  leave(): void;
  readonly told: Notices;
  readonly rings: EventRings;
  readonly dumps: CrashDumps | null;
  readonly vcpus: Pick<Running, "ran">;
  /** Has the kernel's loop run at the latest then. */
  wakeBy(ticks: u64): void;
}

/** Builds it. */
export function makeOperator(parts: OperatorParts): Operator {
  const terminal = operatorTerminal(parts.prompts === null ? null : promptPorts(parts.prompts));
  const commands = [
    ...guestCommands(parts, terminal),
    ...(parts.dumps === null ? [] : [inspectCommand(parts, parts.dumps, terminal)]),
    topCommand(parts, terminal),
    ...eventCommands(parts, terminal),
    ...machineCommands(parts.leave),
  ];
  const { consoles, permits, told, wakeBy } = parts;
  return operatorSessions({
    ...{ terminal, consoles, commands, permits, wakeBy },
    guestNames: parts.model.guests.map(({ name }) => name),
    tellEvents: told.show,
  });
}
