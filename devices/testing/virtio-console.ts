import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioConsoleDevice } from "../virtio/console.ts";

const size = { columns: 132, rows: 43 };
export const serialPorts = virtioConsoleDevice(0xc000_0000, {
  ports: [
    { name: "console", console: true },
    { name: "talk", console: false },
  ],
  size,
});
export const pipedPorts = virtioConsoleDevice(0xc000_0000, {
  ports: [
    { name: "console", console: true },
    { name: "pipe", console: false, pipe: true },
  ],
  size,
});
export const place = 0x8000;
export const program = deviceProgram(pipedPorts, { configuration: place });
