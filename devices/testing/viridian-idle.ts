import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { idleRegister } from "../viridian/processor.ts";

export const program = deviceProgram(idleRegister);
