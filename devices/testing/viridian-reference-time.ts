import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { referenceTime } from "../viridian/reference-time.ts";

export const program = deviceProgram(referenceTime);
