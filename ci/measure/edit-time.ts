/** How soon `typevisor check --watch` answers after an edit: of a device, and of a file that every device shares. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { copySources, run } from "./build-time.ts";
import type { Figure, Measurement } from "./figure.ts";

const device = "devices/uart16550.ts";
const shared = "dsl/core/int.ts";
const repetitions = 5;

/** Measures edits in a copy of the sources. */
export function editTime(): Measurement {
  return {
    name: "check",
    what: `editing ${device} and ${shared} under a check that watches`,
    brings: ["check"],
    measure: async () => {
      const copy = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        copySources(copy);
        run(copy, ["--import=tsx", "ci/build-cli.ts"]);
        return [
          ...(await timedEdits(copy, "check.device", device)),
          ...(await timedEdits(copy, "check.shared", shared)),
        ];
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    },
  };
}

/** Breaks a file and mends it, some times over. */
async function timedEdits(copy: string, name: string, edited: string): Promise<Figure[]> {
  const file = join(copy, edited);
  const whole = readFileSync(file, "utf8");
  const child = spawn("out/cli/typevisor.mjs", ["check", "--watch", device], { cwd: copy });
  let said = "";
  let wake = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    wake();
  });
  child.on("close", () => {
    said += "ended watching\n";
    wake();
  });
  const answer = async (expected: RegExp): Promise<void> => {
    while (!/watching.*\n/.test(said)) await new Promise<void>((resolve) => (wake = resolve));
    const text = said;
    said = "";
    if (!expected.test(text)) throw new Error(`typevisor check --watch said what was not expected:\n${text}`);
  };
  try {
    await answer(/^no problems/);
    const times = { error: [] as number[], mended: [] as number[] };
    for (let i = 0; i < repetitions; i++) {
      for (const [what, text, expected] of [
        ["error", `${whole}\nexport const wrong${i}: string = ${i};\n`, /error TV1002/],
        ["mended", `${whole}\n// ${i}\n`, /^no problems/],
      ] as const) {
        const start = performance.now();
        writeFileSync(file, text);
        await answer(expected);
        times[what].push(performance.now() - start);
      }
    }
    writeFileSync(file, whole);
    return [figure(`${name}.diagnostic`, times.error), figure(`${name}.clean`, times.mended)];
  } finally {
    child.kill();
  }
}

function figure(name: string, times: readonly number[]): Figure {
  const sorted = [...times].sort((a, b) => a - b).map((ms) => ms / 1000);
  const median = sorted[sorted.length >> 1]!;
  return { name: `${name}.typevisor`, value: median, unit: "s", least: sorted[0]!, median };
}
