/** What a start takes, held against its bound. */
import test from "ava";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../../compiler/build.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { payloadFile } from "../../payloads.ts";
import { findImage, recordStart } from "./record.ts";
import { startFigures } from "./figures.ts";

const guestBytes = 512 * 1024 * 1024;

test.serial(
  "a Linux with sealed payloads starts in 60 million instructions beside the firmware's and clearing memory",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-start-"));
    try {
      const image = join(repositoryRoot, "images/hello-linux.ts");
      const built = await buildImage({ image, out: folder, debug: false, lines: true });
      const { img = "", efi = "", withLines = "" } = built;
      const started = { img, efi, withLines };
      const record = await recordStart(started, await findImage(started, folder), folder);
      const [own, copied] = startFigures(record);
      t.true(own.value < 60_000_000, `it takes ${own.value}`);
      // All of the guest's memory is cleared, and the initramfs and most of the kernel's file are copied, 8 bytes at once.
      const cleared = record.blocks.filter(({ by }) => by.includes("clearPiece"));
      t.is(
        cleared.reduce((sum, { bytes }) => sum + bytes, 0),
        guestBytes,
      );
      const payloadBytes = (["vmlinuz-cloud", "initramfs.gz"] as const)
        .map((name) => statSync(payloadFile(name)).size)
        .reduce((sum, bytes) => sum + bytes);
      t.true(copied.value > (0.9 * payloadBytes) / 8 && copied.value < (1.1 * payloadBytes) / 8);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
