import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { interruptRegisters } from "../viridian/processor.ts";

export const program = deviceProgram(interruptRegisters);
