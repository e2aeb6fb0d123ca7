import test from "ava";
import { sharesOf } from "./sharing.ts";

test("shares are of what all guests have told together, and nothing else that is reported", (t) => {
  const console = [
    "typevisor: guest quarter reports 0x1: 0x19, 0x0\r",
    "typevisor: guest rest reports 0x7: 0xffff, 0x0\r",
    "typevisor: guest rest reports 0x1: 0x4b, 0x0\r",
  ].join("\n");
  t.deepEqual(
    sharesOf(console).map(({ name, value }) => [name, value]),
    [
      ["shares.quarter.typevisor", 25],
      ["shares.rest.typevisor", 75],
    ],
  );
  t.throws(() => sharesOf("ready\n"), { message: /no guest told its rounds/ });
});
