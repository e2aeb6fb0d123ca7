import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { i6300esb } from "../i6300esb.ts";

export const watchdogAtFirst = i6300esb(0xc000_0000);
export const place = 0x8000;
export const program = deviceProgram(watchdogAtFirst, { configuration: place });
