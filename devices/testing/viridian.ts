import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { catalogue } from "../catalogue.ts";

export const program = deviceProgram(catalogue["viridian"]!);
