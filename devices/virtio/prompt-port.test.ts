import test from "ava";
import { guest, image, linux, mib, payload } from "../../dsl/image.ts";
import { ManifestError } from "../../dsl/manifest/error.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import { q35 } from "../q35.ts";
import { virtioConsole } from "../virtio.ts";

/** An image whose one guest has ports of which each permits what is said; null: it leads nowhere. */
function imageWith(...ports: readonly (readonly Permit[] | null)[]) {
  return image({
    name: "ports",
    guests: [
      guest({
        ...{ name: "linux", memory: mib(64), vcpus: 1 },
        kernel: linux({ kernel: payload("vmlinuz"), commandLine: "" }),
        devices: [
          q35(),
          virtioConsole({
            ports: ports.map((operator, i) => ({
              name: `port${i}`,
              to: operator === null ? "nowhere" : { operator },
            })),
          }),
        ],
      }),
    ],
  }).model;
}

test("a port's prompt permits what its declaration says, and the host's console everything", (t) => {
  const { channels, operator } = imageWith(["control", "observe"], null, ["observe"]);
  t.deepEqual(
    channels.map(({ name, operator, ends }) => [name, operator, ends[0]?.index, ends[0]?.address]),
    [
      ["port0", ["observe", "control"], 0, 1],
      ["port2", ["observe"], 2, 1],
    ],
  );
  t.deepEqual(operator?.console, ["observe", "control", "machine"]);
});

test("an image without a prompt has nothing of the operator's", (t) => {
  const { channels, operator } = imageWith(null);
  t.deepEqual(channels, []);
  t.is(operator, null);
});

test("what cannot be permitted is told with the port that would", (t) => {
  const error = t.throws(() => imageWith(["root" as Permit]), { instanceOf: ManifestError });
  t.is(error.code, "TV5121");
  t.regex(error.message, /port "port0" permits "root", and there are "observe", "control", "machine"/);
});
