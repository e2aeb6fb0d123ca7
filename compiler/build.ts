/** The whole way from an image's source to its files. */
import type { BuildReport } from "./image/report.ts";

/** What to build. */
export interface BuildOptions {
  /** The image's source, `images/NAME.ts`. */
  readonly image: string;
  /** The folder that receives `NAME/NAME.efi`, `NAME/NAME.img`, `NAME/report.json` and `NAME/report.html`. */
  readonly out: string;
  /** Keeps every line and local variable for gdb. */
  readonly debug: boolean;
  /** Looks for errors only, and writes nothing. */
  readonly checkOnly: boolean;
}

/** What was built. A check alone leaves no files. */
export interface BuildResult {
  readonly name: string;
  /** The UEFI application. */
  readonly efi?: string;
  /** The bootable disk image. */
  readonly img?: string;
  readonly report?: BuildReport;
}

/**
 * Builds an image.
 * @throws DiagnosticError or InputFailure when the image is wrong
 * @throws MachineFailure when a program is missing
 */
export function buildImage(options: BuildOptions): Promise<BuildResult> {
  return Promise.reject(new Error(`the compiler does not build ${options.image} yet`));
}
