import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { crashRegisters } from "../viridian/crash.ts";

export const program = deviceProgram(crashRegisters);
