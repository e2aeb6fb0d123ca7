import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { vpIndex } from "../viridian/processor.ts";

export const program = deviceProgram(vpIndex(0));
