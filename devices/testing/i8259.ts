import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { i8259 } from "../i8259.ts";

export const program = deviceProgram(i8259);
