import test from "ava";
import { layers, testFiles } from "./layers.ts";
import { repositoryRoot } from "../compiler/root.ts";

test("every test file of the repository belongs to exactly one layer", (t) => {
  const files = testFiles(repositoryRoot);
  t.true(files.includes("ci/layers.test.ts"));
  for (const file of files) {
    t.is(layers.filter((layer) => layer.matches(file)).length, 1, file);
  }
});

test("the layer is told by the name first, then by the folder", (t) => {
  const layerOf = (path: string) => layers.find((layer) => layer.matches(path))?.name;
  t.is(layerOf("devices/uart16550.model.test.ts"), "models");
  t.is(layerOf("kernel/slots.test.ts"), "kernel");
  t.is(layerOf("kernel/slots.native.test.ts"), "native");
  t.is(layerOf("compiler/image/disk.test.ts"), "unit");
  t.is(layerOf("ci/qemu.boot.test.ts"), "boot");
});
