import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioNetDevice } from "../virtio/net.ts";

export const net = virtioNetDevice(0xc000_0000);
export const place = 0x8000;
export const program = deviceProgram(net, { configuration: place });
