import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { interruptRegisters } from "../viridian/interrupts.ts";

export const program = deviceProgram(interruptRegisters);
