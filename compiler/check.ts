/** Looking for errors in one source without building anything: an image as a whole, or the devices that it exports. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Program } from "../dsl/core/program.ts";
import type { Device } from "../dsl/device/device.ts";
import { composeFrom, platformMain } from "./build.ts";
import { InputFailure } from "./failure.ts";
import { runFrontEnd, type FrontEnd } from "./front-end.ts";
import { lowerProgram } from "./lang/lower.ts";
import { repositoryRoot } from "./root.ts";
import type { LoadOptions } from "./source/load.ts";
import { ts } from "./source/ts.ts";

/** The module that makes a program of a device. */
const deviceProgramFile = join(repositoryRoot, "dsl/testing/device-program.ts");

/**
 * Looks for errors in an image or a file of devices, and gives its name.
 * @throws DiagnosticError where there are some
 * @throws InputFailure where the file is neither
 */
export function checkSource(path: string, options?: LoadOptions): string {
  const file = resolve(path);
  if (!existsSync(file)) throw new InputFailure(`there is no file ${path}`);
  if (hasDefaultExport(file, options?.overlay)) {
    return composeFrom(runFrontEnd(file, [platformMain], options), path, false).manifest.model.name;
  }
  const names = checkDevices(file, options);
  if (names.length > 0) return names.join(", ");
  throw new InputFailure(
    `${path} is neither an image nor a device: it has no default export, and exports nothing that \`implement\` returned`,
  );
}

/** Looks for errors in a file and in the devices that it exports, if any, and gives their names. Throws DiagnosticError. */
export function checkDevices(file: string, options?: LoadOptions): readonly string[] {
  return compileDevices(runFrontEnd(file, [deviceProgramFile], options), file);
}

/** Only what a module says by its form, so that it is known what else must be loaded with it. */
function hasDefaultExport(file: string, overlay?: ReadonlyMap<string, string>): boolean {
  const text = overlay?.get(file) ?? readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  return source.statements.some(ts.isExportAssignment);
}

/** Compiles every device that a module exports, each as a program of its own, and gives their names. */
function compileDevices(frontEnd: FrontEnd, file: string): string[] {
  const { realm, root } = frontEnd;
  const { deviceProgram } = realm.module(deviceProgramFile) as {
    readonly deviceProgram: (device: Device) => Program;
  };
  const devices = Object.values(root).filter(isDevice);
  for (const device of devices) {
    const program = realm.run(file, () => deviceProgram(device));
    lowerProgram(frontEnd, program, { debug: false });
  }
  return devices.map(({ name }) => name);
}

function isDevice(value: unknown): value is Device {
  return typeof value === "object" && value !== null && "model" in value && "windows" in value;
}
