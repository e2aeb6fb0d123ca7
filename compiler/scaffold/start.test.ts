import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { preparePayloads } from "../../ci/payloads.ts";
import { checkSource } from "../check.ts";
import { InputFailure } from "../failure.ts";
import { repositoryRoot } from "../root.ts";
import { catalogueWith } from "./catalogue.ts";
import { startNew } from "./start.ts";
import { programs, runIn, temporaryProject } from "./testing/project.ts";

test("a new device and a new image are well-formed, typed and accepted, and the device's tests pass", async (t) => {
  const project = temporaryProject(t);
  mkdirSync(join(project, "devices"));
  const device = startNew("device", "letter-box", join(project, "devices"));
  t.deepEqual(device.written, [
    "devices/letter-box.ts",
    "devices/letter-box.model.test.ts",
    "devices/testing/letter-box.ts",
    "devices/letter-box.native.test.ts",
  ]);
  const image = startNew("image", "post-office", project);
  t.deepEqual(image.written, ["images/post-office.ts", "images/post-office.boot.test.ts"]);
  const types = await runIn(project, programs.tsc, ["--noEmit"]);
  t.is(types.status, 0, types.output);
  const ava = await runIn(project, programs.ava, ["--tap", "devices"]);
  t.is(ava.status, 0, ava.output);
  t.regex(ava.output, /# pass 3\n/);
  t.is(checkSource(join(project, "devices/letter-box.ts")), "letter-box");
  await preparePayloads();
  t.is(checkSource(join(project, "images/post-office.ts")), "post-office");
});

test("in the repository, what is written has its format, and the catalogue has the device in its place", async (t) => {
  const project = temporaryProject(t);
  mkdirSync(join(project, "devices"));
  const catalogue = readFileSync(join(repositoryRoot, "devices/catalogue.ts"), "utf8");
  writeFileSync(join(project, "devices/catalogue.ts"), catalogue);
  t.deepEqual(startNew("device", "letter-box", project).changed, ["devices/catalogue.ts"]);
  const changed = readFileSync(join(project, "devices/catalogue.ts"), "utf8");
  t.regex(changed, /"\.\/ivshmem\.ts";\nimport \{ letterBox \} from "\.\/letter-box\.ts";\n/);
  t.regex(changed, /\n {2}ivshmem: .*,\n {2}"letter-box": letterBox,\n {2}"local-apic": /);
  t.is(
    changed.length - catalogue.length,
    'import { letterBox } from "./letter-box.ts";\n  "letter-box": letterBox,\n'.length,
  );
  startNew("image", "post-office", project);
  // Paths to the repository are longer than paths in it.
  for (const folder of ["devices", "devices/testing", "images"])
    for (const name of readdirSync(join(project, folder)).filter((file) => file.endsWith(".ts"))) {
      const file = join(project, folder, name);
      const text = readFileSync(file, "utf8");
      writeFileSync(file, text.replaceAll(/"(\.\.\/)+[^"]*?(?=(dsl|ci|compiler|devices)\/)/g, '"../'));
    }
  const config = join(repositoryRoot, ".prettierrc.json");
  const format = await runIn(project, programs.prettier, [
    "--config",
    config,
    "--check",
    "devices",
    "images",
  ]);
  t.is(format.status, 0, format.output);
});

test("entries of the catalogue go in front of the first and behind the last as well", (t) => {
  const text = (...names: string[]): string => {
    const imports = names.map((name) => `import { ${name} } from "./${name}.ts";\n`).join("");
    return `${imports}\nexport const catalogue = Object.freeze({\n${names.map((name) => `  ${name},\n`).join("")}});\n`;
  };
  t.is(catalogueWith(text("b", "c"), "a"), text("a", "b", "c"));
  t.is(catalogueWith(text("b", "c"), "d"), text("b", "c", "d"));
});

for (const [why, kind, name, message] of [
  ["capitals", "device", "LetterBox", /"LetterBox" is no name for a device: a name is lower-case/],
  ["a path", "device", "../escape", /is no name for a device/],
  ["a digit in front", "image", "8bit", /"8bit" is no name for an image/],
  ["nothing", "device", "", /"" is no name for a device/],
  ["two dashes", "device", "a--b", /is no name for a device/],
  ["too many letters", "image", "a".repeat(33), /longer than 32 characters/],
  ["a word of TypeScript", "device", "class", /it is a word of TypeScript/],
  ["a word of the vocabulary", "device", "write-one-to-clear", /it is a word of the device vocabulary/],
] as const) {
  test(`a name that has ${why} is refused, and nothing is written`, (t) => {
    const project = temporaryProject(t);
    const before = readdirSync(project);
    t.throws(() => startNew(kind, name, project), { instanceOf: InputFailure, message });
    t.deepEqual(readdirSync(project), before);
  });
}

test("files that exist are named and left alone, and none of the others is written", (t) => {
  const project = temporaryProject(t);
  mkdirSync(join(project, "devices/testing"), { recursive: true });
  writeFileSync(join(project, "devices/testing/letter-box.ts"), "mine");
  t.throws(() => startNew("device", "letter-box", project), {
    instanceOf: InputFailure,
    message: "devices/testing/letter-box.ts is there already; nothing was written",
  });
  t.is(readFileSync(join(project, "devices/testing/letter-box.ts"), "utf8"), "mine");
  t.false(existsSync(join(project, "devices/letter-box.ts")));
});

test("a catalogue that cannot take the device leaves everything as it was", (t) => {
  const project = temporaryProject(t);
  mkdirSync(join(project, "devices"));
  for (const [text, message] of [
    ["export const others = {};\n", /has no `catalogue`/],
    [
      `import { letterBox } from "./other.ts";\nexport const catalogue = { letterBox };\n`,
      /another `letterBox`/,
    ],
  ] as const) {
    writeFileSync(join(project, "devices/catalogue.ts"), text);
    t.throws(() => startNew("device", "letter-box", project), { instanceOf: InputFailure, message });
    t.deepEqual(readdirSync(join(project, "devices")), ["catalogue.ts"]);
    t.is(readFileSync(join(project, "devices/catalogue.ts"), "utf8"), text);
  }
});

test("what was written is taken back where the rest cannot be", (t) => {
  const project = temporaryProject(t);
  writeFileSync(join(project, "images"), "a file where the folder should be");
  t.throws(() => startNew("image", "post-office", project), {
    instanceOf: InputFailure,
    message: /^nothing was written: /,
  });
  mkdirSync(join(project, "devices"));
  writeFileSync(join(project, "devices/testing"), "a file where the folder should be");
  t.throws(() => startNew("device", "letter-box", project), { message: /^nothing was written: / });
  t.deepEqual(readdirSync(join(project, "devices")), ["testing"]);
});

test("outside a project nothing is written, and it is said why", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.throws(() => startNew("device", "letter-box", folder), {
    instanceOf: InputFailure,
    message: /is in no project: neither it nor a folder above it has a tsconfig\.json/,
  });
  t.deepEqual(readdirSync(folder), []);
});
