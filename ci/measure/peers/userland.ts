/** Programs of Debian with the libraries that they need, as entries of an initramfs. Nothing of them is installed. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { CpioEntry } from "../../cpio.ts";

/** A program of the host, or of an unpacked package. */
export interface UserProgram {
  readonly file: string;
  /** Where it goes in the initramfs. */
  readonly path: string;
}

const libraryFolder = "lib/x86_64-linux-gnu";

/**
 * The programs and every shared library that the dynamic loader finds for them.
 * @param libraryPath folders of unpacked packages in which libraries are looked for first
 */
export function userland(programs: readonly UserProgram[], libraryPath: readonly string[] = []): CpioEntry[] {
  const libraries = new Map<string, string>();
  for (const { file } of programs) {
    for (const library of librariesOf(file, libraryPath)) libraries.set(placeOf(library), library);
  }
  return [
    ...programs.map(({ file, path }) => entry(path, file)),
    ...[...libraries].map(([path, file]) => entry(path, file)),
  ];
}

/** A file as an entry that can be executed. */
export function entry(path: string, file: string): CpioEntry {
  return { kind: "file", path, data: readFileSync(file), mode: 0o755 };
}

function placeOf(library: string): string {
  const name = basename(library);
  return name.startsWith("ld-linux") ? `lib64/${name}` : `${libraryFolder}/${name}`;
}

function librariesOf(program: string, libraryPath: readonly string[]): string[] {
  const env = { ...process.env, LC_ALL: "C", LD_LIBRARY_PATH: libraryPath.join(":") };
  const text = execFileSync("ldd", [program], { encoding: "utf8", env });
  const missing = /^\s*(\S+) => not found/m.exec(text)?.[1];
  if (missing !== undefined) throw new Error(`${basename(program)} needs ${missing}, which is not here`);
  return [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file]) => file);
}
