import test from "ava";
import { qemuArguments } from "./qemu-arguments.ts";

const console = ["-serial", "stdio"];

test("a machine is software-emulated and never uses the host's virtualisation", (t) => {
  const args = qemuArguments({ kernel: "vmlinuz" }, { console });
  t.is(args[args.indexOf("-accel") + 1], "tcg");
  t.false(args.includes("-enable-kvm"));
});

test("a disk image boots through OVMF, its writes dropped, and a comma in its path is kept", (t) => {
  const args = qemuArguments({ image: "a,b.img" }, { console, variables: "vars.fd" });
  t.true(args.some((arg) => arg.startsWith("if=pflash,unit=0") && arg.includes("readonly=on")));
  t.true(args.some((arg) => arg.includes("snapshot=on") && arg.endsWith("file=a,,b.img")));
  t.true(args.includes("-no-reboot"));
});

test("a directly booted kernel has no UEFI firmware", (t) => {
  const args = qemuArguments({ kernel: "vmlinuz", append: "console=ttyS0" }, { console });
  t.false(args.some((arg) => arg.includes("pflash")));
  t.is(args[args.indexOf("-append") + 1], "console=ttyS0");
});

test("a deterministic run counts instructions and refuses a second CPU", (t) => {
  const args = qemuArguments({ kernel: "vmlinuz", deterministic: true }, { console });
  t.is(args[args.indexOf("-icount") + 1], "shift=0,sleep=off");
  t.is(args[args.indexOf("-cpu") + 1], "max,-rdrand");
  t.throws(() => qemuArguments({ deterministic: true, cpus: 2 }, { console }), { message: /one CPU/ });
});

test("extra arguments come last, so that they win", (t) => {
  const args = qemuArguments({ extra: ["-cpu", "qemu64"] }, { console });
  t.deepEqual(args.slice(-2), ["-cpu", "qemu64"]);
});
