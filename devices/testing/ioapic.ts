import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { ioapic } from "../ioapic.ts";

export const program = deviceProgram(ioapic);
