import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { i8042 } from "../i8042.ts";

export const program = deviceProgram(i8042);
