/** `typevisor new`: writes the start of a device or an image into the project that a folder belongs to. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogueWith, cataloguePath } from "./catalogue.ts";
import { deviceFiles } from "./device.ts";
import { imageFiles } from "./image.ts";
import { checkNewName, type Kind } from "./name.ts";
import { projectOf, writeFiles } from "./new-file.ts";

/** What was written: the project's folder, and the paths of the files in it. */
export interface Started {
  readonly project: string;
  readonly written: readonly string[];
  readonly changed: readonly string[];
}

/**
 * Writes the start of a device or an image.
 * @throws InputFailure, with nothing changed, for a bad name, files that exist, and a folder outside any project
 */
export function startNew(kind: Kind, name: string, folder: string): Started {
  checkNewName(kind, name);
  const project = projectOf(folder);
  const files = kind === "device" ? deviceFiles(project, name) : imageFiles(project, name);
  const list = join(project, cataloguePath);
  const before = kind === "device" && existsSync(list) ? readFileSync(list, "utf8") : undefined;
  const changes =
    before === undefined ? [] : [{ path: cataloguePath, before, text: catalogueWith(before, name) }];
  writeFiles(project, files, changes);
  return { project, written: files.map(({ path }) => path), changed: changes.map(({ path }) => path) };
}
