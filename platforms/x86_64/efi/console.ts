/** The firmware's console: where a start that is refused says why. */
import { addressOf, viewOf } from "../../../dsl/core/intrinsics.ts";
import { u16, u8 } from "../../../dsl/core/int.ts";
import { array } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { callFirmware } from "../../asm.ts";
import { firmware } from "./firmware.ts";
import { SystemTable, TextOutput } from "./tables.ts";

/** One UTF-16 character and the NUL after it. */
const character = storage("firmwareCharacter", array(u16, 2));

/** Writes one ASCII byte with OutputString (UEFI §12.4.3). Only before ExitBootServices. */
export function firmwarePut(byte: u8): void {
  const output = viewOf(SystemTable, firmware.systemTable).consoleOut;
  if (output === 0n) return;
  character[0] = byte;
  callFirmware(viewOf(TextOutput, output).outputString, output, addressOf(character));
}
