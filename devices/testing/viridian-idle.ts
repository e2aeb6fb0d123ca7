import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { idleRegister } from "../viridian/idle.ts";

export const program = deviceProgram(idleRegister);
