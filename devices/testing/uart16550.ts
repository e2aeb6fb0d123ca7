import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { uart16550 } from "../uart16550.ts";

export const program = deviceProgram(uart16550);
