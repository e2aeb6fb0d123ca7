import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import packageDescription from "../package.json" with { type: "json" };
import { repositoryRoot } from "../compiler/root.ts";
import debianPackages from "./debian-packages.json" with { type: "json" };
import { missingDebianPackages, staleNodeModules } from "./machine-state.mjs";

const page = readFileSync(join(repositoryRoot, "docs/dependencies.md"), "utf8");
const listed = new Set(
  page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((found) => found[1])),
);

test("docs/dependencies.md lists exactly what package.json and the table of Debian packages bring", (t) => {
  const used = [
    ...Object.keys(packageDescription.dependencies),
    ...Object.keys(packageDescription.devDependencies),
    ...debianPackages.map((entry) => entry.name),
  ];
  t.deepEqual([...listed].sort(), [...used].sort());
});

test("every npm dependency is pinned to one version", (t) => {
  const versions = Object.entries({
    ...packageDescription.dependencies,
    ...packageDescription.devDependencies,
  });
  for (const [name, version] of versions) t.regex(version, /^\d+\.\d+\.\d+$/, name);
});

test("a Debian package that is not installed is told apart from one that is", (t) => {
  const wanted = [
    { name: "dpkg", reason: "always there" },
    { name: "no-such-package-anywhere", reason: "never there" },
  ];
  t.deepEqual(
    missingDebianPackages(wanted).map((entry) => entry.name),
    ["no-such-package-anywhere"],
  );
});

test("this machine's npm packages are those of the lock file, and another folder's are not", (t) => {
  t.is(staleNodeModules(repositoryRoot), undefined);
  t.is(staleNodeModules(join(repositoryRoot, "docs")), "nothing is installed yet");
});
