/** The page of the attacks that the tests' hostile guest makes, from the attacks themselves. */
import { attacks } from "../../platforms/x86_64/bare-guest/attacks/attacks.ts";
import { table } from "./markdown.ts";

/** The page. */
export function attackPage(): string {
  const rows = attacks.map(({ name, does, answer }) => [`\`${name}\``, does, answer.text]);
  return [
    "# What a hostile guest is answered",
    `A program of ours, in a guest with two virtual CPUs, makes these ${attacks.length} attacks in this order. The boot test \`ci/boot/hostile-beside-linux.boot.test.ts\` holds what it is answered against this table; [Isolation](isolation.md) says what stands behind it.`,
    table(["attack", "the guest", "the answer"], rows),
  ].join("\n\n");
}
