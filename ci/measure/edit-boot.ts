/** How long it takes from an edit of a device to the shell of a guest that has it: a build in a new process, and the boot. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { shellPrompt } from "../initramfs.ts";
import { payloadFile } from "../payloads.ts";
import { boot, type BootOptions } from "../qemu.ts";
import { copySources, run } from "./build-time.ts";
import type { Figure, Measurement } from "./figure.ts";

const device = "devices/uart16550.ts";
const image = "images/hello-linux.ts";

/** Measures one edit in a copy of the sources, and the same guest without Typevisor. */
export function editToBoot(): Measurement {
  return {
    name: "edit",
    what: `editing ${device}, building ${image} and booting it to its shell`,
    brings: ["edit"],
    measure: async () => {
      const copy = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        copySources(copy);
        run(copy, ["--import=tsx", "ci/build-cli.ts"]);
        const build = (): void => run(copy, ["out/cli/typevisor.mjs", "build", image]);
        build();
        const start = performance.now();
        appendFileSync(join(copy, device), "\n// edited\n");
        build();
        const built = (performance.now() - start) / 1000;
        const booted = await secondsToShell({
          image: join(copy, "out/hello-linux/hello-linux.img"),
          memoryMiB: 1024,
        });
        const bare = await secondsToShell({
          kernel: payloadFile("vmlinuz-cloud"),
          initrd: payloadFile("initramfs.gz"),
          append: "console=ttyS0",
          memoryMiB: 512,
        });
        return [
          figure("built.typevisor", built, "s"),
          figure("booted.typevisor", built + booted, "s"),
          figure("booted.bare", bare, "s"),
          figure("booted.ratio", (built + booted) / bare, "times"),
        ];
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    },
  };
}

async function secondsToShell(options: BootOptions): Promise<number> {
  const start = performance.now();
  const machine = await boot(options);
  try {
    await machine.expect(shellPrompt);
    return (performance.now() - start) / 1000;
  } finally {
    await machine.kill();
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name: `edit.${name}`, value: Number(value.toFixed(3)), unit };
}
