import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioRngDevice } from "../virtio/rng.ts";

export const rng = virtioRngDevice(0xc000_0000);
export const place = 0x8000;
export const program = deviceProgram(rng, { configuration: place });
