/** The operator's commands about the machine. */
import type { u32 } from "../../dsl/core/int.ts";
import { machine } from "../machine.ts";
import { Step, type OperatorCommand } from "./command.ts";

/** Builds the commands; `leave` says and sends what waits before it ends. */
export function machineCommands(leave: () => void): readonly OperatorCommand[] {
  return Object.freeze([
    {
      name: "restart",
      about: "restarts the machine; what runs and is not saved is lost",
      permit: "machine",
      argument: null,
      step: (_guest: u32, _number: u32, _at: u32): u32 => {
        leave();
        machine.reset();
        return Step.done;
      },
    },
    {
      name: "power-off",
      about: "turns the machine off",
      permit: "machine",
      argument: null,
      step: (_guest: u32, _number: u32, _at: u32): u32 => {
        leave();
        machine.powerOff();
        return Step.done;
      },
    },
  ]);
}
