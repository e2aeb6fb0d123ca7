import test from "ava";
import { guest, image, linux, mib, payload, type ImageOptions } from "../image.ts";
import { ManifestError } from "./error.ts";
import { isTraced } from "./model.ts";
import { samplePc } from "./testing/sample.ts";

const kernel = linux({ kernel: payload("vmlinuz") });

test("a trace is of all devices, or of those that are named, alone or with their guest", (t) => {
  const guests = [guest({ name: "linux", memory: mib(64), vcpus: 1, kernel, devices: samplePc() })] as const;
  const traced = (trace: ImageOptions<"sample">["trace"]) =>
    image({ name: "sample", guests, ...(trace && { trace }) }).model;
  const [name] = traced(undefined).guests[0]!.devices.map((d) => d.name) as [string];
  const of = (model: ReturnType<typeof traced>, guest: string, device: string) =>
    isTraced(model, guest, device);
  t.is(traced(undefined).trace, null);
  t.false(of(traced(undefined), "linux", name));
  t.deepEqual(traced({}).trace, { recordsPerCpu: 4096, devices: null });
  t.true(of(traced({}), "linux", name));
  t.true(of(traced({ devices: [name] }), "linux", name));
  t.true(of(traced({ devices: [`linux/${name}`] }), "linux", name));
  t.false(of(traced({ devices: [`linux/${name}`] }), "two", name));
  for (const [code, trace, words] of [
    ["TV5124", { devices: ["com9"] }, /"com9" is to be traced, and no guest has a device/],
    ["TV5121", { recordsPerCpu: 100 }, /trace\.recordsPerCpu is 100/],
  ] as const)
    t.is(t.throws(() => traced(trace), { instanceOf: ManifestError, message: words }).code, code);
});
