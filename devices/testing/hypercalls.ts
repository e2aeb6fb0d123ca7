import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { ownHypercalls } from "../hypercalls.ts";

export const program = deviceProgram(ownHypercalls);
