/** The whole way from an image's source to its files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Program } from "../dsl/core/program.ts";
import type { Manifest } from "../dsl/image.ts";
import type { PayloadFacts } from "../dsl/manifest/model.ts";
import { traceModel } from "../dsl/trace/model.ts";
import { runFrontEnd, type FrontEnd } from "./front-end.ts";
import { checkPayloads, type CheckedPayload } from "./image/payload-check.ts";
import { writeDiskImage } from "./image/disk.ts";
import { makeReport } from "./image/make-report.ts";
import { writeReport, type BuildReport } from "./image/report.ts";
import { addSection, payloadSection, payloadSectionContent } from "./image/seal.ts";
import { InputFailure } from "./failure.ts";
import { lowerProgram } from "./lang/lower.ts";
import type { IrModule } from "./ir/ir.ts";
import { linkEfi } from "./link/efi.ts";
import { repositoryRoot } from "./root.ts";

/** What to build. */
export interface BuildOptions {
  /** The image's source, `images/NAME.ts`. */
  readonly image: string;
  /** The folder that receives `NAME/NAME.efi`, `NAME/NAME.img`, `NAME/report.json` and `NAME/report.html`. */
  readonly out: string;
  /** Keeps every line and local variable for gdb. */
  readonly debug: boolean;
  /** Also writes the image with a table of source lines, `NAME/NAME.lines.efi`. */
  readonly lines?: boolean;
}

/** What was built. */
export interface BuildResult {
  readonly name: string;
  /** The UEFI application. */
  readonly efi: string;
  /** The bootable disk image. */
  readonly img: string;
  readonly report: BuildReport;
  /** The code of the UEFI application with a table of source lines, where it was asked for. */
  readonly withLines?: string;
}

/** What a platform's `main.ts` exports. */
interface Platform {
  program(manifest: Manifest, payloads: readonly PayloadFacts[]): Program;
}

/** Name of the firmware's entry point. */
const entrySymbol = "efi_main";
/** The module that turns a manifest into a program. */
export const platformMain = join(repositoryRoot, "platforms/x86_64/main.ts");

/** A program ready to be linked, and what it was made from. */
export interface Composed {
  readonly manifest: Manifest;
  readonly payloads: readonly CheckedPayload[];
  readonly frontEnd: FrontEnd;
  readonly module: IrModule;
}

/**
 * Everything before machine code: evaluates the manifest, reads its payloads, and lowers the platform's program for it.
 * @throws DiagnosticError or InputFailure when the image is wrong
 */
export function composeImage(image: string, debug: boolean): Composed {
  return composeFrom(runFrontEnd(resolve(image), [platformMain]), image, debug);
}

/** As `composeImage`, from a front end that has run over the image and {@link platformMain}. */
export function composeFrom(frontEnd: FrontEnd, image: string, debug: boolean): Composed {
  const file = resolve(image);
  const manifest = frontEnd.root["default"] as Manifest | undefined;
  if (manifest?.kind !== "manifest") {
    throw new InputFailure(`${image} is no image: its default export must be what \`image({ … })\` returns`);
  }
  const payloads = frontEnd.realm.run(file, () =>
    checkPayloads(manifest, {
      imageFolder: dirname(file),
      cacheFolder: join(repositoryRoot, ".cache/payloads"),
    }),
  );
  const platform = frontEnd.realm.module(platformMain) as unknown as Platform;
  const program = frontEnd.realm.run(file, () =>
    platform.program(
      manifest,
      payloads.map((p) => p.facts),
    ),
  );
  return { manifest, payloads, frontEnd, module: lowerProgram(frontEnd, program, { debug }) };
}

/**
 * Builds an image.
 * @throws DiagnosticError or InputFailure when the image is wrong
 * @throws MachineFailure when a program is missing
 */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { manifest, payloads, module } = composeImage(options.image, options.debug);
  const { name } = manifest.model;
  const { hot } = module;
  const { debug, lines = false } = options;
  const linked = linkEfi({ module, entry: entrySymbol, debug, lines, ...(hot && { hot: [...hot] }) });
  const sealed = payloads.map((p) => (p.model.placement === "sealed" ? p.bytes : undefined));
  const efi = sealed.some((p) => p !== undefined)
    ? addSection(linked.efi, payloadSection, payloadSectionContent(sealed))
    : linked.efi;
  const folder = join(options.out, name);
  mkdirSync(folder, { recursive: true });
  const files = { efi: join(folder, `${name}.efi`), img: join(folder, `${name}.img`) };
  writeFileSync(files.efi, efi);
  await writeDiskImage({
    efi,
    files: payloads.flatMap((p) =>
      p.model.espPath === null
        ? []
        : [{ path: p.model.espPath.replaceAll("\\", "/").replace(/^\//, ""), source: p.file }],
    ),
    out: files.img,
  });
  if (manifest.model.trace !== null)
    writeFileSync(join(folder, "trace.json"), JSON.stringify(traceModel(manifest)));
  const report = makeReport({ manifest, payloads, module, linked, files: [files.efi, files.img] });
  await writeReport(report, folder);
  if (linked.withLines === undefined) return { name, ...files, report };
  const withLines = join(folder, `${name}.lines.efi`);
  writeFileSync(withLines, linked.withLines);
  return { name, ...files, report, withLines };
}
