import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import type { Device } from "../dsl/device/vocabulary.ts";
import { catalogue } from "./catalogue.ts";

const folder = import.meta.dirname;
const listed: readonly unknown[] = Object.values(catalogue);

/** Modules below a folder of `devices/`, tests aside. */
function modulesIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "testing" ? [] : modulesIn(join(path, entry.name));
    return /^[\w-]+\.ts$/.test(entry.name) ? [join(path, entry.name)] : [];
  });
}

const isDevice = (value: unknown): value is Device =>
  typeof value === "object" && value !== null && "model" in value && "windows" in value;

test("every device that a file exports is in the catalogue", async (t) => {
  const missing: string[] = [];
  for (const file of modulesIn(folder)) {
    const exported = Object.values((await import(file)) as object);
    missing.push(
      ...exported.filter((v) => isDevice(v) && !listed.includes(v)).map((v) => (v as Device).name),
    );
  }
  t.deepEqual(missing, []);
});

test("a device stands in the catalogue under its own name", (t) => {
  t.deepEqual(
    Object.values(catalogue).map((device) => device.name),
    Object.keys(catalogue),
  );
});
