import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { loadFixtures, mismatches } from "./fixtures.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "fixtures");
const fixtures = loadFixtures(folder);

for (const file of fixtures.files) {
  test(`${basename(dirname(file))}/${basename(file, ".ts")}: all that is expected is said, and nothing else`, (t) => {
    t.deepEqual(mismatches(fixtures.check(file), fixtures.expectations(file)), []);
  });
}
