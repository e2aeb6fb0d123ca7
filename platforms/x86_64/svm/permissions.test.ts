import test from "ava";
import { passedThrough, permissionBit } from "./msr.ts";
import { fillPermissions, permissionMaps } from "./setup.ts";

test("every port exits, and every MSR but those that a switch of vCPUs carries", (t) => {
  fillPermissions();
  const { ports, msrs } = permissionMaps;
  for (let i = 0; i < 3 * 4096; i++)
    if (ports[i >> 12]!.bytes[i & 4095] !== 0xff) t.fail(`ports from ${8 * i}`);
  const open = new Set<string>();
  for (let i = 0; i < 2 * 4096; i++) {
    const byte = msrs[i >> 12]!.bytes[i & 4095]!;
    for (let bit = 0; bit < 8; bit += 2) {
      const both = (byte >> bit) & 3;
      if (both !== 0 && both !== 3) t.fail("reads and writes go together");
      if (both === 0) open.add(`${i}.${bit}`);
    }
  }
  const wanted = Object.values(passedThrough).map(permissionBit);
  t.deepEqual([...open].sort(), wanted.map(({ byte, bit }) => `${byte}.${bit}`).sort());
});
