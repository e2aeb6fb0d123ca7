/** Reading a file while another process still writes it: the kernel tells of each change (inotify), nothing polls. */
import { closeSync, openSync, readSync, watch } from "node:fs";

/** A file that is being followed. */
export interface FollowedFile {
  /** Reads what is left and stops following. */
  close(): void;
}

/** Gives what an existing file holds, and from then on what is appended to it. */
export function followFile(path: string, onData: (chunk: Buffer) => void): FollowedFile {
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(65_536);
  const readOn = (): void => {
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) {
      onData(Buffer.from(buffer.subarray(0, size)));
    }
  };
  const watcher = watch(path, readOn);
  readOn();
  let closed = false;
  return {
    close: () => {
      if (closed) return;
      closed = true;
      watcher.close();
      readOn();
      closeSync(file);
    },
  };
}
