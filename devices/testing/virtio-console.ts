import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { virtioConsoleDevice } from "../virtio/console.ts";

export const serialPorts = virtioConsoleDevice(0xc000_0000, {
  ports: [
    { name: "console", console: true },
    { name: "talk", console: false },
  ],
  size: { columns: 132, rows: 43 },
});
export const place = 0x8000;
export const program = deviceProgram(serialPorts, { configuration: place });
