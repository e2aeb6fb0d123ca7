import test from "ava";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../compiler/root.ts";
import { isAbsent } from "../figure.ts";
import { lines, linesOf } from "../lines.ts";
import { countFile, countLines, withoutTests } from "./count.ts";
import { countedDevices, linePeers } from "./devices.ts";
import { readPeerCounts } from "./peers.ts";

test("lines without anything but comments and space do not count", (t) => {
  t.is(countLines(""), 0);
  t.is(countLines("a;\n\n  \t\n// b\nc; // d\n"), 2);
  t.is(countLines("/* a\n * b\n\n */\nc;\n/* d */ e; /* f\n*/ g;\n"), 3);
});

test("what looks like a comment in quotes is none, and a quote in a comment begins nothing", (t) => {
  t.is(countLines('a = "/*";\nb;\nc = "*/";\n'), 3);
  t.is(countLines("a = '//';\n// it's\nb = '\"';\n/* don't */ c;\n"), 3);
  t.is(countLines('a = "\\"/*";\nb;\n'), 2);
});

test("text in quotes over several lines counts line by line", (t) => {
  t.is(countLines("a = `b\n// c\n\nd`;\n"), 4);
});

test("what a Rust file has for its tests and proofs does not count", (t) => {
  const item = "    #[cfg(test)]\n    fn f() {}\n";
  t.is(withoutTests(`a;\n${item}#[cfg(test)]\nmod tests {\n}\n`), `a;\n${item}`);
  t.is(withoutTests("a;\n#[cfg(kani)]\nmod proofs {}\n#[cfg(test)]\nmod tests {}\n"), "a;\n");
});

test("a file of Rust counts without its tail, and one of C with all of it", (t) => {
  const text = "a;\n#[cfg(test)]\nb;\n";
  t.is(countFile("src/serial.rs", text), 1);
  t.is(countFile("hw/serial.c", text), 3);
});

test("every file that was counted has the commit it was read at, and no other file has one", (t) => {
  for (const [peer, { files, revision }] of Object.entries(readPeerCounts())) {
    const revisions = typeof revision === "string" ? [revision] : Object.values(revision);
    for (const one of revisions) t.regex(one, /^[\w.:+~-]+$/, peer);
    if (typeof revision !== "string")
      t.deepEqual(Object.keys(revision).sort(), Object.keys(files).sort(), peer);
  }
});

test("every file that is named is there or has been counted", async (t) => {
  for (const { own } of countedDevices)
    for (const file of own) t.true(existsSync(join(repositoryRoot, file)), file);
  const outcomes = await lines.measure();
  t.is(outcomes.length, countedDevices.length * (1 + linePeers.length));
  for (const outcome of outcomes) t.true(isAbsent(outcome) || outcome.value > 10, outcome.name);
  t.deepEqual(Object.keys(readPeerCounts()).sort(), [...linePeers].sort());
  const counted = Object.values(readPeerCounts()).flatMap(({ files }) => Object.keys(files));
  const named = countedDevices.flatMap(({ peers }) =>
    Object.values(peers).flatMap((files) => (typeof files === "string" ? [] : files)),
  );
  t.deepEqual(counted.sort(), named.sort());
});

test("a peer's file that was never counted is an error, not a zero", (t) => {
  const device = { name: "x", own: [], peers: { qemu: ["hw/x.c"], xen: "none", firecracker: "none" } };
  t.throws(() => linesOf(device, {}), { message: /hw\/x\.c has not been counted/ });
});
