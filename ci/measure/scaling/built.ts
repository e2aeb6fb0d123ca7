/** Images that differ in one number, built. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildImage, type BuildResult } from "../../../compiler/build.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import type * as images from "./images.ts";

/** Builds an image that a function of `scaling/images.ts` declares, and gives what is found out about it. */
export async function built<T>(
  declare: keyof typeof images,
  count: number,
  use: (result: BuildResult) => T | Promise<T>,
): Promise<T> {
  // An image is built from sources of one repository only.
  const out = join(repositoryRoot, "out");
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(out, "scaling-"));
  try {
    const image = join(folder, "scaled.ts");
    const source = relative(folder, join(import.meta.dirname, "images.ts"));
    writeFileSync(
      image,
      `import { ${declare} } from ${JSON.stringify(source)};\nexport default ${declare}(${count});\n`,
    );
    return await use(await buildImage({ image, out: folder, debug: false }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
