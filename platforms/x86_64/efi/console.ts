/** The firmware's console: where a start that is refused says why. */
import { addressOf, viewOf } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, type u8 } from "../../../dsl/core/int.ts";
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { callFirmware } from "../../asm.ts";
import { firmware } from "./firmware.ts";
import { SystemTable, TextOutput } from "./tables.ts";

/** Room for a sentence; what is longer is cut. */
const mostCharacters = 255;
const Sentence = struct("FirmwareSentence", { length: u32, characters: array(u16, mostCharacters + 1) });
export type FirmwareSentence = ValueOf<typeof Sentence>;
const sentence = storage("firmwareSentence", Sentence);

/** Adds an ASCII byte to the sentence. */
export function firmwarePut(byte: u8): void {
  const length = sentence.length;
  if (length >= mostCharacters) return;
  sentence.characters[length] = byte;
  sentence.length = length + 1;
}

/** Writes the sentence with OutputString (UEFI §12.4.3), and begins another. Only before ExitBootServices. */
export function firmwareFlush(): void {
  const output = viewOf(SystemTable, firmware.systemTable).consoleOut;
  const length = Math.min(sentence.length, mostCharacters);
  sentence.characters[length] = 0;
  sentence.length = 0;
  if (output === 0n) return;
  callFirmware(viewOf(TextOutput, output).outputString, output, addressOf(sentence.characters));
}
