import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { repositoryRoot } from "../../compiler/root.ts";
import { stratumImports } from "./imports.ts";
import { picture } from "./picture.ts";

const imports = stratumImports(repositoryRoot);

test("the picture in the repository is what the sources give (`npm run picture` writes it)", (t) => {
  t.is(readFileSync(join(repositoryRoot, "docs/strata.svg"), "utf8"), picture(imports));
});

test("no stratum imports against the direction of dependencies", (t) => {
  const found = imports.map(({ from, to }) => `${from} → ${to}`);
  const allowed = [
    "images → devices",
    "images → kernel",
    "images → dsl",
    "devices → dsl",
    "kernel → dsl",
    "platforms → kernel",
    "platforms → dsl",
  ];
  t.deepEqual(
    found.filter((edge) => !allowed.includes(edge)),
    [],
  );
  t.true(found.includes("platforms → kernel"));
});

test("the same imports give the same picture, and another import changes it", (t) => {
  t.is(picture(imports), picture([...imports]));
  t.not(picture(imports), picture(imports.slice(1)));
});
