import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { acpiPm } from "../acpi-pm.ts";

export const program = deviceProgram(acpiPm);
