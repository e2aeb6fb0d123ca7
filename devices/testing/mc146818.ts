import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { mc146818 } from "../mc146818.ts";

export const program = deviceProgram(mc146818);
