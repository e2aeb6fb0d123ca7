import test from "ava";
import { benchFlags, peersOf } from "./flags.ts";

test("all peers are measured unless others are asked for", (t) => {
  t.deepEqual(benchFlags([]), { peers: ["kvm", "xen", "bare", "bochs"] });
  t.deepEqual(benchFlags(["--peers", "bare,kvm", "--only", "exit", "--json", "f"]), {
    peers: ["kvm", "bare"],
    only: "exit",
    json: "f",
  });
  t.deepEqual(peersOf("none"), []);
});

test("a peer that does not exist is told with those that do", (t) => {
  for (const list of ["qemu", "kvm,", "none,kvm"])
    t.throws(() => peersOf(list), {
      message: /there is no peer named "\w*"; there are kvm, xen, bare, bochs/,
    });
});
