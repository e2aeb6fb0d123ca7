import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { i8254 } from "../i8254.ts";

export const program = deviceProgram(i8254);
