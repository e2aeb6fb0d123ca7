import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { hpet } from "../hpet.ts";

export const program = deviceProgram(hpet);
