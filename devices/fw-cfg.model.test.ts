import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { fwCfg } from "./fw-cfg.ts";

const files = [
  { name: "etc/second", bytes: [4, 5] },
  { name: "etc/first", bytes: [1, 2, 3] },
];
const fitted = () => attach(fwCfg({ vcpus: 3, files }));
type Guest = ReturnType<typeof fitted>;

/** As firmware does it: a word to the selector, then bytes. */
const item = (guest: Guest, key: number, bytes: number): number[] => {
  guest.writeAt("ports", 0, 2, key);
  return Array.from({ length: bytes }, () => guest.readAt("ports", 1, 1));
};

test("the signature, the one interface, and the number of processors are told", (t) => {
  const guest = fitted();
  t.is(Buffer.from(item(guest, 0, 4)).toString(), "QEMU");
  t.deepEqual(item(guest, 1, 4), [1, 0, 0, 0]);
  t.deepEqual(item(guest, 5, 2), [3, 0]);
  t.deepEqual(item(guest, 0x0f, 2), [3, 0]);
});

test("the directory names every file, sorted, with its size and the key that reads it", (t) => {
  const guest = fitted();
  const directory = Buffer.from(item(guest, 0x19, 4 + 2 * 64));
  t.is(directory.readUInt32BE(0), 2);
  const entries = [4, 68].map((at) => ({
    bytes: directory.readUInt32BE(at),
    key: directory.readUInt16BE(at + 4),
    name: directory.toString("latin1", at + 8, directory.indexOf(0, at + 8)),
  }));
  t.deepEqual(entries, [
    { bytes: 3, key: 0x20, name: "etc/first" },
    { bytes: 2, key: 0x21, name: "etc/second" },
  ]);
  t.deepEqual(item(guest, 0x20, 3), [1, 2, 3]);
  t.deepEqual(item(guest, 0x21, 2), [4, 5]);
});

test("zeros follow an item, and an item that is not there is zeros", (t) => {
  const guest = fitted();
  t.deepEqual(item(guest, 0x20, 8), [1, 2, 3, 0, 0, 0, 0, 0]);
  t.deepEqual(item(guest, 0x22, 2), [0, 0]);
  t.deepEqual(item(guest, 0xffff, 2), [0, 0]);
});

test("an item begins anew when it is selected, and a look at it does not move on", (t) => {
  const guest = fitted();
  t.deepEqual(item(guest, 0x20, 2), [1, 2]);
  t.is(guest.peekAt("ports", 1), 3);
  t.is(guest.peekAt("ports", 1), 3);
  t.is(guest.readAt("ports", 1, 1), 3);
  t.deepEqual(item(guest, 0x20, 1), [1]);
});

test("the bytes of a key can be written one by one", (t) => {
  const guest = fitted();
  guest.writeAt("ports", 0, 1, 0x21);
  guest.writeAt("ports", 1, 1, 0);
  t.deepEqual([guest.readAt("ports", 1, 1), guest.readAt("ports", 1, 1)], [4, 5]);
});

test("a file's name that the directory has no room for is refused", (t) => {
  const name = "x".repeat(56);
  t.throws(() => fwCfg({ vcpus: 1, files: [{ name, bytes: [] }] }), { message: /more than 55 characters/ });
});
