import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { resetRegister } from "../viridian/reset.ts";

export const program = deviceProgram(resetRegister);
