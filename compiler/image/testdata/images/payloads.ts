/** Payloads that a test puts beside this, or does not. */
import { guest, image, linux, mib, payload } from "../../../../dsl/image.ts";
import { samplePc } from "../../../../dsl/manifest/testing/sample.ts";

const kernel = payload("vmlinuz-of-the-test");

export default image({
  name: "payloads",
  guests: [guest({ name: "one", memory: mib(64), vcpus: 1, kernel: linux({ kernel }), devices: samplePc() })],
});
