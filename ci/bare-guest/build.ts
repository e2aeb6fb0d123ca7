/** Compiles the bare guest (`platforms/x86_64/bare-guest/`) into payloads. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runFrontEnd } from "../../compiler/front-end.ts";
import { lowerProgram } from "../../compiler/lang/lower.ts";
import { linkEfi } from "../../compiler/link/efi.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Program } from "../../dsl/core/program.ts";
import {
  entryBytes,
  entryKinds,
  imageBytes,
  imageGpa,
  type EntryKind,
} from "../../platforms/x86_64/bare-guest/place.ts";
import { payloadFolder } from "../payloads.ts";
import { bzImage } from "./bzimage.ts";
import { elfExecutable } from "./elf.ts";

const source = join(repositoryRoot, "platforms/x86_64/bare-guest/program.ts");

/** The payloads' names, as images declare them: one program, wrapped for each way to start it. */
export const bareGuestPayloads = {
  /** For Linux's boot protocol. */
  linux: "bare-guest.bzimage",
  /** For PVH and Multiboot. */
  elf: "bare-guest.elf",
  /** For PVH alone, where a loader would prefer Multiboot. */
  pvh: "bare-guest-pvh.elf",
} as const;

/** Builds the payloads into the folder of payloads, and gives their files. */
export function prepareBareGuest(): Readonly<Record<keyof typeof bareGuestPayloads, string>> {
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
  const rva = (kind: EntryKind): number => start.rva + entryBytes * entryKinds.indexOf(kind);
  const linked = { efi, address: imageGpa, memoryBytes: imageBytes };
  const both = { ...linked, pvhRva: rva("pvh"), multibootRva: rva("multiboot") };
  return {
    linux: write("linux", bzImage({ ...linked, entryRva: rva("linux") })),
    elf: write("elf", elfExecutable(both)),
    pvh: write("pvh", elfExecutable({ ...linked, pvhRva: rva("pvh") })),
  };
}

function write(kind: keyof typeof bareGuestPayloads, data: Uint8Array): string {
  mkdirSync(payloadFolder, { recursive: true });
  const file = join(payloadFolder, bareGuestPayloads[kind]);
  writeFileSync(file, data);
  return file;
}
