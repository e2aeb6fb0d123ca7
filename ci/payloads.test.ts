import { readFileSync } from "node:fs";
import test from "ava";
import { buildInitramfs } from "./initramfs.ts";
import { missingPayloads, payloadFile, payloadNames, payloadRecords } from "./payloads.ts";

test("every payload is there, as its record says, and the record names its Debian package and version", (t) => {
  t.deepEqual(missingPayloads(), []);
  const records = payloadRecords();
  t.deepEqual(Object.keys(records).sort(), [...payloadNames].sort());
  t.regex(records["vmlinuz-cloud"]?.package ?? "", /^linux-image-6\.\d+\.\d+-\d+-cloud-amd64$/);
  t.regex(records["vmlinuz-amd64"]?.version ?? "", /^6\./);
});

test("the kernels are bzImages of boot protocol 2.15", (t) => {
  for (const name of ["vmlinuz-cloud", "vmlinuz-amd64"] as const) {
    const image = readFileSync(payloadFile(name));
    t.is(image.toString("latin1", 0x202, 0x206), "HdrS", name);
    t.is(image.readUInt16LE(0x206), 0x020f, name);
  }
});

test("an initramfs built twice has the same bytes, and an extra file changes them", (t) => {
  const busybox = payloadFile("busybox");
  const plain = buildInitramfs({ busybox });
  t.deepEqual(plain, readFileSync(payloadFile("initramfs.gz")));
  const more = buildInitramfs({ busybox, entries: [{ kind: "file", path: "etc/motd", data: "hello" }] });
  t.notDeepEqual(plain, more);
});
