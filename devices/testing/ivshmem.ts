import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { ivshmemDevice } from "../ivshmem.ts";

export const shared = ivshmemDevice(0xc000_0000, 0xc000_1000, 0xc010_0000, {
  sizeBytes: 0x10_0000,
  vectors: 3,
});
export const place = 0x8000;
export const program = deviceProgram(shared, { configuration: place });
