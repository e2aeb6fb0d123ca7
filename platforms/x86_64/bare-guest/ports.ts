/** Ports of devices that an image has as many of as it likes: what an exit costs, the more devices there are. */
import { say } from "../console-text.ts";
import type { u32, u64 } from "../../../dsl/core/int.ts";
import { timed } from "./operation.ts";
import { tellFigure } from "./sample.ts";

const firstPort = 0x1000;
const stride = 0x10;

/** The port of a device, by its index from 0. */
export function countedPort(index: number): number {
  return firstPort + stride * index;
}

/** The devices that are measured, by their index: the last of 1, 2, 4, 8, 16 and 32, and one more, which no image has. */
export const countedDevices: readonly number[] = Object.freeze([0, 1, 3, 7, 15, 31, 63]);

const site = timed("movl %esi, %edx; inb %dx, %al");
const reads = Object.freeze(
  countedDevices.map((index) => {
    const port: u64 = BigInt(countedPort(index));
    return Object.freeze({ name: `port.${index}`, take: (): u32 => site(port) });
  }),
);

/** The names of what {@link measurePorts} tells. */
export const portNames: readonly string[] = Object.freeze(reads.map(({ name }) => name));

/** Measures a read of each port, whether a device has it or not. */
export function measurePorts(): void {
  for (const { name, take } of reads) tellFigure(name, take);
  say("measured\n");
}
