import { spawn } from "node:child_process";
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { watchOnTerminal } from "./cli/watch-terminal.ts";
import { InputFailure } from "./failure.ts";
import { repositoryRoot } from "./root.ts";
import { startNew } from "./scaffold/start.ts";
import { temporaryProject } from "./scaffold/testing/project.ts";

/** A running `typevisor check --watch`: `answer` gives what it says next, up to the line that ends an answer. */
function watching(t: ExecutionContext, project: string, file: string) {
  const cli = join(repositoryRoot, "compiler/cli/typevisor.ts");
  const child = spawn(process.execPath, ["--import=tsx", cli, "check", "--watch", file], { cwd: project });
  t.teardown(() => child.kill());
  let [output, wake] = ["", (): void => undefined];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      wake();
    });
  child.on("close", () => {
    output += "the watch has ended: watching\n";
    wake();
  });
  return async (): Promise<string> => {
    for (;;) {
      const end = /^.*\bwatching\b.*\n/m.exec(output);
      if (end !== null) {
        const text = output.slice(0, end.index + end[0].length);
        output = output.slice(text.length);
        return text;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
}

test("an edit brings the errors that are there now, with their place, and the mended file none", async (t) => {
  const project = temporaryProject(t);
  startNew("device", "letter-box", project);
  const file = join(project, "devices/letter-box.ts");
  const part = join(project, "devices/limit.ts");
  const original = readFileSync(file, "utf8");
  const limited = original
    .replace("const shape", `import { limit } from "./limit.ts";\n\nconst shape`)
    .replace("u.status.full = true;", "u.status.full = u.data.value < limit;");
  writeFileSync(part, "export const limit = 200;\n");
  writeFileSync(file, limited);
  const answer = watching(t, project, "devices/letter-box.ts");
  t.regex(await answer(), /^no problems: letter-box \(\d+ ms\); watching\n$/);

  writeFileSync(
    file,
    limited.replace(
      "u.status.full = u.data",
      "u.data.value = u.data.value + 1;\n      u.status.full = u.data",
    ),
  );
  const refused = await answer();
  t.regex(refused, /^devices\/letter-box\.ts:30:22\nerror TV2104: a value in \[1, 256\] may not fit `u8`\n/);
  t.regex(refused, /\n {2}30 \| +u\.data\.value = u\.data\.value \+ 1;\n {5}\| +\^+\n/);
  t.regex(refused, /\n1 error\nwatching devices\/letter-box\.ts\n$/);
  t.false(refused.includes("\u001b"), "there is no terminal");

  // As others do it: the file is emptied first. What is empty for good is told, but later.
  const answered = answer();
  truncateSync(file);
  setTimeout(() => writeFileSync(file, original), 60);
  t.regex(await answered, /^no problems: letter-box /);
  truncateSync(file);
  t.regex(await answer(), /letter-box\.ts is neither an image nor a device/);

  // As editors do it: a new file takes the place of the old one.
  writeFileSync(`${file}.new`, limited);
  renameSync(`${file}.new`, file);
  t.regex(await answer(), /^no problems: letter-box /);

  writeFileSync(part, `export const limit = "many";\n`);
  t.regex(await answer(), /^devices\/letter-box\.ts:\d+:\d+\nerror TV1002: .*(string|number)/);
  rmSync(part);
  t.regex(await answer(), /error TV\d+: .*limit\.ts/);
  writeFileSync(part, "export const limit = 200;\n");
  t.regex(await answer(), /^no problems: letter-box /);

  rmSync(file);
  t.regex(await answer(), /letter-box\.ts/);
  writeFileSync(file, limited);
  t.regex(await answer(), /^no problems: letter-box /);
});

test("an edited device of a file that uses it is answered for first", async (t) => {
  const project = temporaryProject(t);
  startNew("device", "letter-box", project);
  const device = join(project, "devices/letter-box.ts");
  const file = join(project, "devices/office.ts");
  writeFileSync(file, `export { letterBox } from "./letter-box.ts";\n`);
  const answer = watching(t, project, "devices/office.ts");
  t.regex(await answer(), /^no problems: letter-box \(\d+ ms\); watching\n$/);
  writeFileSync(device, `${readFileSync(device, "utf8")}\n// the same\n`);
  t.regex(
    await answer(),
    /^no problems: letter-box \(\d+ ms\); checking devices\/office\.ts …\nno problems: letter-box \(\d+ ms\); watching\n$/,
  );
});

test("on a terminal each answer takes the place of the one before", (t) => {
  let text = "";
  const output = watchOnTerminal("a.ts", { isTTY: true, write: (more: string) => (text += more) });
  output.begin();
  t.is(text, "\rchecking a.ts …\u001b[K");
  text = "";
  output.edited("part", 1.6);
  t.is(text, "\u001b[2J\u001b[3J\u001b[Hno problems: part (2 ms); checking a.ts …");
  text = "";
  output.fine("a", 12.4);
  t.is(text, "\u001b[2J\u001b[3J\u001b[Hno problems: a (12 ms); watching\n");
  text = "";
  output.failed(new InputFailure("it is gone"));
  t.is(text, "\u001b[2J\u001b[3J\u001b[Herror: it is gone\nwatching a.ts\n");
});
