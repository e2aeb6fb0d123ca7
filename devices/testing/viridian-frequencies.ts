import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { frequencies } from "../viridian/frequencies.ts";

export const program = deviceProgram(frequencies);
