import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { resetControl } from "../reset-control.ts";

export const program = deviceProgram(resetControl);
