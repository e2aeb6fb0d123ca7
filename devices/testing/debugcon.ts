import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { debugcon } from "../debugcon.ts";

export const program = deviceProgram(debugcon);
