/** A kernel with modules that a test puts beside this, or does not. */
import { guest, image, mib, payload, pvh } from "../../../../dsl/image.ts";
import { samplePc } from "../../../../dsl/manifest/testing/sample.ts";

const kernel = payload("vmlinux-of-the-test");

export default image({
  name: "executables",
  guests: [guest({ name: "one", memory: mib(8), vcpus: 1, kernel: pvh({ kernel }), devices: samplePc() })],
});
