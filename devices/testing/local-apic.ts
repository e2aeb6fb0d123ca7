import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { localApic } from "../local-apic.ts";

export const program = deviceProgram(localApic(0));
