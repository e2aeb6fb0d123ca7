/** `typevisor run`: building an image and booting it in QEMU, on the terminal or watched by a program. */
import { dirname, join } from "node:path";
import { ConsoleMismatch, defaultLimitMs } from "../../ci/console.ts";
import type { BootOptions } from "../../ci/qemu.ts";
import type { MachineOptions } from "../../ci/qemu-arguments.ts";
import type { BuildResult } from "../build.ts";
import { InputFailure } from "../failure.ts";
import type { Services } from "./services.ts";

/** How to run an image. */
export interface RunOptions {
  /** Only shows the console; nothing that is typed reaches it. */
  readonly headless: boolean;
  /** Texts that the console must say, one after the other; the machine is ended after the last. */
  readonly expect: readonly string[];
  /** Seconds until the machine is ended. */
  readonly timeoutSeconds?: number;
  /** CPUs of the machine: as many as the image uses, and at most 8, unless given. */
  readonly cpus?: number;
  readonly qemuArguments: readonly string[];
}

const firmwareBytes = 256 << 20;
const mebibyte = 1 << 20;
/** More CPUs than the development machine has make an emulated machine no faster. */
const mostCpus = 8;

/**
 * Boots a built image and returns when it ended as it was asked to.
 * @throws InputFailure when the machine ended otherwise
 */
export async function runBuiltImage(
  built: BuildResult,
  options: RunOptions,
  services: Services,
): Promise<void> {
  const machine: MachineOptions = {
    image: built.img,
    memoryMiB: machineMemoryMiB(built),
    cpus: options.cpus ?? Math.min(built.report.cpuCapacity, mostCpus),
    restartOnReset: true,
    extra: options.qemuArguments,
  };
  if (options.headless || options.expect.length > 0) {
    await watch(machine, options, services);
    if (options.expect.length > 0) services.print("\nThe console said everything that was expected.\n");
    return;
  }
  services.print(
    `The console of ${built.name} follows. Ctrl-A X leaves it, Ctrl-A H tells what else there is.\n`,
  );
  const status = await services.bootOnTerminal(machine, controlSocket(built));
  if (status !== 0) throw new InputFailure(`QEMU ended with status ${status}`);
}

/** The name of the socket that `run` keeps beside an image, in its folder. */
export const controlSocketName = "operator.sock";

/** Where programs ask the operator of an image, if it has one. */
function controlSocket({ img, report }: BuildResult): string | null {
  return report.ledger.byFeature["kernel/operator"] === undefined
    ? null
    : join(dirname(img), controlSocketName);
}

async function watch(machine: MachineOptions, options: RunOptions, services: Services): Promise<void> {
  const limitMs = options.timeoutSeconds === undefined ? defaultLimitMs : options.timeoutSeconds * 1000;
  const deadline = Date.now() + limitMs;
  const decoder = new TextDecoder();
  const booted: BootOptions = {
    ...machine,
    onConsole: (chunk) => services.print(decoder.decode(chunk, { stream: true })),
  };
  const running = await services.boot(booted);
  try {
    for (const text of options.expect) {
      await running.expect(text, { limitMs: Math.max(1, deadline - Date.now()) });
    }
    if (options.expect.length > 0) return;
    const end = await running.exit(
      options.timeoutSeconds === undefined ? { limitMs: longestLimitMs } : { limitMs },
    );
    if (end.status !== 0) {
      const how = end.signal === undefined ? `with status ${end.status}` : `by ${end.signal}`;
      throw new InputFailure(`QEMU ended ${how}\n${running.complaints}`.trimEnd());
    }
  } catch (error) {
    throw error instanceof ConsoleMismatch ? new InputFailure(error.message) : error;
  } finally {
    await running.kill();
  }
}

/** The longest that a timer of Node can wait. */
const longestLimitMs = 2 ** 31 - 1;

/** Enough for what the image declares and for the firmware, in steps of 256 MiB. */
function machineMemoryMiB(built: BuildResult): number {
  const declared = built.report.memory.reduce((total, region) => total + region.sizeBytes, 0);
  return Math.max(1024, Math.ceil((declared + firmwareBytes) / (256 * mebibyte)) * 256);
}
