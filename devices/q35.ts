/** The chipset of a q35, as a guest has it: what unmodified systems and firmware probe for. */
import { variableFlash } from "./cfi-flash.ts";
import type { DeviceTemplate } from "../dsl/manifest/device.ts";
import {
  debugConsole,
  firmwareConfiguration,
  hostBridge,
  highPrecisionTimer,
  interruptControllers,
  intervalTimer,
  ioApic,
  keyboardController,
  localApics,
  powerManagement,
  realTimeClock,
  serialPort,
} from "./pc.ts";

/** Makes the chipset of a guest: `devices: [q35()]`. */
export function q35(): DeviceTemplate {
  return (guest) => [
    ...localApics()(guest),
    ioApic(),
    interruptControllers(),
    intervalTimer({ behindHpet: true }),
    realTimeClock({ behindHpet: true }),
    highPrecisionTimer(),
    powerManagement(),
    hostBridge(),
    keyboardController(),
    serialPort("com1"),
    debugConsole(),
    ...(guest.firmware === null ? [] : [firmwareConfiguration()]),
    ...(guest.firmware === "uefi" ? [variableFlash()] : []),
  ];
}
