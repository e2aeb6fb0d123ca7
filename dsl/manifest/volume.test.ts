import test, { type ExecutionContext } from "ava";
import { ManifestError, type ManifestCode } from "./error.ts";
import type { ImageModel } from "./model.ts";
import { espFile, guest, image, linux, mib, partition, payload } from "../image.ts";
import { sampleDevice, samplePc } from "./testing/sample.ts";
import type { VolumeDeclaration } from "./volume.ts";

/** An image of a guest whose disks these are, and that is saved to `saves`. */
function modelOf(volumes: readonly VolumeDeclaration[], saves?: VolumeDeclaration): ImageModel {
  const disks = volumes.map((volume, i) => sampleDevice({ name: `disk${i}`, type: "disk", volume }));
  const kernel = linux({ kernel: payload("vmlinuz") });
  const one = guest({ name: "one", memory: mib(64), vcpus: 1, kernel, devices: [...samplePc(), ...disks] });
  return image({ name: "sample", guests: [one], ...(saves && { saves }) }).model;
}
function refuses(t: ExecutionContext, code: ManifestCode, message: RegExp, declare: () => unknown): void {
  t.is(t.throws(declare, { instanceOf: ManifestError, message }).code, code);
}

test("volumes are numbered in the order of their devices, and files are brought along", (t) => {
  const model = modelOf([partition({ name: "data" }), espFile("a/tools.img", { readOnly: true })]);
  t.deepEqual(model.volumes, [
    { kind: "partition", name: "data", readOnly: false },
    { kind: "file", name: "tools.img", payload: 1, readOnly: true },
  ]);
  const { role, placement, espPath } = model.payloads[1]!;
  t.deepEqual([role, placement, espPath], ["disk", "esp", "\\typevisor\\sample\\tools.img"]);
  t.deepEqual(model, JSON.parse(JSON.stringify(model)));
});

test("a partition and a file have one user each", (t) => {
  refuses(t, "TV5126", /partition "data" is used twice/, () =>
    modelOf([partition({ name: "data" }), partition({ name: "data", readOnly: true })]),
  );
  refuses(t, "TV5126", /file "x.img" is used twice/, () => modelOf([espFile("x.img"), espFile("x.img")]));
  refuses(t, "TV5126", /partition "data" is used twice/, () =>
    modelOf([partition({ name: "data" })], partition({ name: "data" })),
  );
});

test("guests that are saved keep nothing in files, and are not saved to one", (t) => {
  const saves = partition({ name: "saves" });
  t.notThrows(() => modelOf([espFile("x.img", { readOnly: true })], saves));
  refuses(t, "TV5121", /device "disk0" writes to file "x.img"/, () => modelOf([espFile("x.img")], saves));
  refuses(t, "TV5121", /file "s.img", which does not outlast/, () => modelOf([], espFile("s.img")));
});

test("a partition's name fits into a partition table", (t) => {
  for (const name of ["", "a".repeat(37), "line\nbreak"])
    refuses(t, "TV5127", /no name of a partition/, () => partition({ name }));
  t.notThrows(() => partition({ name: "größer 数据" }));
});
