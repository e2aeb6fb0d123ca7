import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { lastLines, runStep, StepFailure } from "./progress.mjs";

function logIn(t: { teardown(action: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-progress-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, "new", "step.log");
}

test("what a step's command writes goes to its log", async (t) => {
  const log = logIn(t);
  await runStep("saying something", ["sh", "-c", "echo out; echo complaint >&2"], { log });
  t.is(readFileSync(log, "utf8"), "out\ncomplaint\n");
});

test("a step that fails tells its status and the last lines of its log", async (t) => {
  const script = "for line in $(seq 100); do echo line $line; done; exit 7";
  const failed = runStep("failing", ["sh", "-c", script], { log: logIn(t) });
  const error = await t.throwsAsync(failed, { instanceOf: StepFailure, message: "sh ended with 7" });
  t.is(error.tail, lastLines(Array.from({ length: 100 }, (_, index) => `line ${index + 1}`).join("\n")));
  t.is(error.tail.split("\n").length, 30);
});

test("a program that is not there fails its step", async (t) => {
  const failed = runStep("failing", ["no-such-program-anywhere"], { log: logIn(t) });
  await t.throwsAsync(failed, {
    instanceOf: StepFailure,
    message: /no-such-program-anywhere could not be run/,
  });
});
