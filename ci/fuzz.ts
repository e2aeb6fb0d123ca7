/** `npm run fuzz -- NAME --seconds 60`: looks for what is wrong with a device. */
import { runFuzzCommand } from "./fuzz-command.ts";

process.exitCode = await runFuzzCommand(process.argv.slice(2), {
  say: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
});
