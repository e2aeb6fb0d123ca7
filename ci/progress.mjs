// @ts-check
/**
 * Progress on screen for commands that may take longer than two seconds.
 *
 * On a terminal one line shows a spinner and the seconds gone by; elsewhere (CI, a pipe) a plain line is written at the
 * start, every fifteen seconds, and at the end. The command's own output goes to a log, whose tail is shown on failure.
 * Plain JavaScript, because set-up runs before anything is installed.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

const spinnerFrames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const quietMs = 2_000;
const plainLineEveryMs = 15_000;

/**
 * A step that failed: its message says what was tried, its `tail` holds the last lines of the command's output.
 */
export class StepFailure extends Error {
  /**
   * @param {string} message what was tried and how it ended
   * @param {string} tail the last lines that the command wrote
   */
  constructor(message, tail) {
    super(message);
    this.name = "StepFailure";
    this.tail = tail;
  }
}

/**
 * The last lines of a text, for error messages.
 * @param {string} text
 * @param {number} [count]
 * @returns {string}
 */
export function lastLines(text, count = 30) {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Shows that something is under way until the returned function is called with how it ended.
 * @param {string} title what is being done, in the present participle ("installing Debian packages")
 * @param {NodeJS.WriteStream} [stream]
 * @returns {(outcome: string) => void}
 */
export function showProgress(title, stream = process.stderr) {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  let frame = 0;
  let shown = false;
  let nextPlainLineMs = quietMs;
  const timer = setInterval(() => {
    const elapsedMs = Date.now() - start;
    if (stream.isTTY) {
      shown = true;
      stream.write(`\r\x1b[K${spinnerFrames[frame++ % spinnerFrames.length]} ${title} … ${seconds()} s`);
    } else if (elapsedMs >= nextPlainLineMs) {
      shown = true;
      stream.write(`${title} … ${seconds()} s\n`);
      nextPlainLineMs += plainLineEveryMs;
    }
  }, 100);
  return (outcome) => {
    clearInterval(timer);
    if (stream.isTTY && shown) stream.write("\r\x1b[K");
    if (shown || outcome !== "done") stream.write(`${title}: ${outcome}, ${seconds()} s\n`);
  };
}

/**
 * Runs a command with progress on screen and its output in a log file.
 * @param {string} title what is being done
 * @param {readonly [string, ...string[]]} command the program and its arguments
 * @param {{ log: string, cwd?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<void>} rejects with a {@link StepFailure} when the command fails or cannot be started
 */
export async function runStep(title, [program, ...args], { log, cwd, env }) {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "w");
  const finish = showProgress(title);
  try {
    const status = await new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd, env, stdio: ["ignore", output, output] });
      child.on("error", reject);
      child.on("exit", (code, signal) => resolve(signal ?? code));
    });
    if (status !== 0)
      throw new StepFailure(`${program} ended with ${status}`, lastLines(readFileSync(log, "utf8")));
    finish("done");
  } catch (error) {
    finish("failed");
    throw error instanceof StepFailure ? error : new StepFailure(`${program} could not be run: ${error}`, "");
  } finally {
    closeSync(output);
  }
}
