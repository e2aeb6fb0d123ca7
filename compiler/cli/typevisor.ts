/** The entry point of the `typevisor` command. */
import { runCommandLine } from "./program.ts";
import { realServices } from "./services.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), realServices);
