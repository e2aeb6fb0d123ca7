import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { vpIndex } from "../viridian/vp-index.ts";

export const program = deviceProgram(vpIndex(0));
