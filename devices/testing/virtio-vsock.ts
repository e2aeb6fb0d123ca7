import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioVsockDevice } from "../virtio/vsock.ts";

export const vsock = virtioVsockDevice(0xc000_0000);
export const place = 0x8000;
export const program = deviceProgram(vsock, { configuration: place });
