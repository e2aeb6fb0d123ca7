/** Compiles the bare guest (`platforms/x86_64/bare-guest/`) into a payload. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runFrontEnd } from "../../compiler/front-end.ts";
import { lowerProgram } from "../../compiler/lang/lower.ts";
import { linkEfi } from "../../compiler/link/efi.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Program } from "../../dsl/core/program.ts";
import { imageBytes, imageGpa } from "../../platforms/x86_64/bare-guest/place.ts";
import { payloadFolder } from "../payloads.ts";
import { bzImage } from "./bzimage.ts";

const source = join(repositoryRoot, "platforms/x86_64/bare-guest/program.ts");

/** The payload's name, as images declare it. */
export const bareGuestPayload = "bare-guest.bzimage";

/** Builds the payload into the folder of payloads, and gives its file. */
export function prepareBareGuest(): string {
  const frontEnd = runFrontEnd(source);
  const make = frontEnd.root["bareGuest"] as () => Program;
  const { main, entry } = frontEnd.root["symbols"] as Readonly<Record<"main" | "entry", string>>;
  const program = frontEnd.realm.run(source, make);
  const { efi, symbols } = linkEfi({
    module: lowerProgram(frontEnd, program, { debug: false }),
    entry: main,
  });
  const start = symbols.find(({ symbol }) => symbol === entry);
  if (start === undefined) throw new Error(`the bare guest was linked without ${entry}`);
  const data = bzImage({ efi, entryRva: start.rva, address: imageGpa, memoryBytes: imageBytes });
  mkdirSync(payloadFolder, { recursive: true });
  const file = join(payloadFolder, bareGuestPayload);
  writeFileSync(file, data);
  return file;
}
