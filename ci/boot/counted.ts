/** The initramfs of counted boots: what its guest does is fixed, since nothing can be typed into such a run. */
import { join } from "node:path";
import { tellTicks, ticksEntry } from "../icount.ts";
import { payloadFolder, preparePayloads, writeInitramfs } from "../payloads.ts";

/** The image that boots it under Typevisor. */
export const countedImage = "ci/boot/images/counted-linux.ts";

/** Tells the guest's time of day, in seconds. */
const tellDate = (name: string): string => `echo "date ${name}: $(date +%s)"`;

/** Builds the initramfs into the folder of payloads, and gives its file. */
export async function prepareCountedInitramfs(): Promise<string> {
  await preparePayloads();
  return writeInitramfs(join(payloadFolder, "counted-initramfs.gz"), {
    entries: [ticksEntry],
    promptCommands: [
      tellTicks("prompt"),
      tellTicks("before sleep"),
      "sleep 5",
      tellTicks("after sleep"),
      tellDate("before minute"),
      "sleep 60",
      tellDate("after minute"),
    ],
  });
}
