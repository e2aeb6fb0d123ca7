import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioBlkDevice } from "../virtio/blk.ts";

/** A disk of 16 sectors. */
export const blk = virtioBlkDevice(0xc000_0000, 16 * 512);
export const place = 0x8000;
export const program = deviceProgram(blk, { configuration: place });
