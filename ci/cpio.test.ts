import { execFileSync } from "node:child_process";
import test from "ava";
import { cpioArchive } from "./cpio.ts";

const entries = [
  { kind: "file", path: "sbin/tool", data: "#!/bin/sh\n", mode: 0o755 },
  { kind: "link", path: "bin/sh", target: "/bin/busybox" },
  { kind: "device", path: "dev/console", major: 5, minor: 1 },
  { kind: "folder", path: "tmp", mode: 0o1777 },
] as const;

test("cpio lists what was put in, with modes, owners, device numbers and the folders in between", (t) => {
  const listing = execFileSync("cpio", ["-tv", "--numeric-uid-gid", "--quiet"], {
    input: cpioArchive(entries),
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
  });
  const rows = listing
    .trim()
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").replace(/ Jan 1 1970/, ""));
  t.deepEqual(rows, [
    "drwxr-xr-x 2 0 0 0 bin",
    "lrwxrwxrwx 1 0 0 12 bin/sh -> /bin/busybox",
    "drwxr-xr-x 2 0 0 0 dev",
    "crw------- 1 0 0 5, 1 dev/console",
    "drwxr-xr-x 2 0 0 0 sbin",
    "-rwxr-xr-x 1 0 0 10 sbin/tool",
    "drwxrwxrwt 2 0 0 0 tmp",
  ]);
});

test("the order in which entries are given does not change the bytes", (t) => {
  t.deepEqual(cpioArchive(entries), cpioArchive([...entries].reverse()));
});

test("a path twice, an absolute path and a path that climbs out are refused", (t) => {
  t.throws(() => cpioArchive([...entries, entries[0]]), { message: /sbin\/tool" is in the archive twice/ });
  t.throws(() => cpioArchive([{ kind: "file", path: "/etc/passwd", data: "" }]), {
    message: /not a path inside/,
  });
  t.throws(() => cpioArchive([{ kind: "file", path: "a/../../b", data: "" }]), {
    message: /not a path inside/,
  });
});
