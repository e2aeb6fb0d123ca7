/** Files that are about to appear in a project: all of them or none, and never over what is there. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { InputFailure } from "../failure.ts";

/** A file to write: its path in the project, and its text. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** A file of the project that changes: what is there must still be `before`. */
export interface ChangedFile extends NewFile {
  readonly before: string;
}

/** The folder of the nearest `tsconfig.json` at or above a folder. Throws InputFailure where there is none. */
export function projectOf(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, "tsconfig.json"))) return at;
    if (dirname(at) === at)
      throw new InputFailure(
        `${folder} is in no project: neither it nor a folder above it has a tsconfig.json; change into yours`,
      );
  }
}

/** How a module of Typevisor is imported from a file of a project. Both paths are absolute. */
export function specifier(from: string, to: string): string {
  const path = relative(dirname(from), to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** Writes new files and changes others. Throws InputFailure, with everything as it was, where one exists already. */
export function writeFiles(
  project: string,
  files: readonly NewFile[],
  changes: readonly ChangedFile[] = [],
): void {
  const there = files.filter(({ path }) => existsSync(join(project, path))).map(({ path }) => path);
  if (there.length > 0)
    throw new InputFailure(
      `${there.join(" and ")} ${there.length === 1 ? "is" : "are"} there already; nothing was written`,
    );
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      const file = join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
      written.push(file);
    }
    for (const { path, text, before } of changes) {
      const file = join(project, path);
      if (readFileSync(file, "utf8") !== before) throw new Error(`${path} is being changed by somebody else`);
      const draft = `${file}.${process.pid}`;
      written.push(draft);
      writeFileSync(draft, text, { flag: "wx" });
      renameSync(draft, file);
      written.pop();
    }
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new InputFailure(`nothing was written: ${why}`);
  }
}
