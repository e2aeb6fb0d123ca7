/** The operator's commands about the machine. */
import type { u32 } from "../../dsl/core/int.ts";
import { machine } from "../machine.ts";
import type { OperatorCommand } from "./sessions.ts";

/** Builds the commands; `leave` says and sends what waits before it ends. */
export function machineCommands(leave: () => void): readonly OperatorCommand[] {
  return Object.freeze([
    {
      name: "restart",
      about: "restarts the machine; what runs and is not saved is lost",
      permit: "machine",
      argument: null,
      run: (_guest: u32, _number: u32): void => {
        leave();
        machine.reset();
      },
    },
    {
      name: "power-off",
      about: "turns the machine off",
      permit: "machine",
      argument: null,
      run: (_guest: u32, _number: u32): void => {
        leave();
        machine.powerOff();
      },
    },
  ]);
}
