/**
 * What a start takes, from `efi_main` to the guest's first instruction, with the payload sealed in the image: twice, and
 * the same twice.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { buildImage } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Measurement } from "./figure.ts";
import { UnsteadyRuns } from "./operation-costs.ts";
import { startFigures } from "./start/figures.ts";
import { findImage, recordStart } from "./start/record.ts";

/** Measures the start of an image, a file below the repository's root. */
export function startInstructions(image: string): Measurement {
  return {
    name: "start",
    what: `counting instructions from efi_main to the guest's first, twice, of ${image}`,
    brings: ["start"],
    measure: async () => {
      const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        const file = join(repositoryRoot, image);
        const built = await buildImage({
          image: file,
          out: folder,
          debug: false,
          lines: true,
        });
        const { img, efi, withLines } = built;
        if (img === undefined || efi === undefined || withLines === undefined)
          throw new Error(`${image} left no image with lines`);
        const started = { img, efi, withLines };
        const base = await findImage(started, folder);
        const first = await recordStart(started, base, folder);
        const second = await recordStart(started, base, folder);
        if (!isDeepStrictEqual(first, second))
          throw new UnsteadyRuns(
            `two starts differ: one takes ${first.instructions} instructions, the other ${second.instructions}`,
          );
        return startFigures(first);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
