/** Running the Debian programs that images are made with. */
import { execFile } from "node:child_process";
import { MachineFailure } from "../failure.ts";

/** How a program is run: the Debian package that brings it, its environment, what it reads. */
export interface ToolOptions {
  readonly package: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/**
 * Runs a program to its end and gives what it printed.
 * @throws MachineFailure when the program is not installed
 */
export function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const env = {
    ...process.env,
    // Debian's fdisk package lives in sbin, which is not on every user's path.
    PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`,
    ...options.env,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env, maxBuffer: 64 << 20 }, (error, output, complaints) => {
      if (error === null) resolve(output);
      else if (error.code === "ENOENT") reject(missingTool(program, options.package));
      else reject(new Error(`${program} failed (${error.code ?? error.signal}): ${complaints.trim()}`));
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
  });
}

function missingTool(program: string, packageName: string): MachineFailure {
  return new MachineFailure(`${program} is not installed; run: sudo apt-get install ${packageName}`);
}
