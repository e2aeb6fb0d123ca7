import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioBlkVolume } from "../virtio/blk-volume.ts";

/** A disk on a volume of the host, which has 16 sectors in tests. */
export const blkVolume = virtioBlkVolume(0xc000_0000, { name: "disk", readOnly: false });
export const place = 0x8000;
export const program = deviceProgram(blkVolume, { configuration: place });
