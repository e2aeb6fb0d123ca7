/** `npm run docs`: builds the documentation as a static site into `out/docs/`; with `--serve`, shows it as well. */
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { repositoryRoot } from "../compiler/root.ts";
import { buildSite } from "./docs/build-site.ts";
import { serveSite } from "./docs/serve-site.ts";
import { SiteError } from "./docs/site.ts";

const { values } = parseArgs({ options: { serve: { type: "boolean", default: false } } });
const out = join(repositoryRoot, "out/docs");
try {
  await buildSite(out);
  process.stdout.write(`the site is in ${relative(process.cwd(), out)}\n`);
  if (values.serve) {
    const { url } = await serveSite(out, 4173);
    process.stdout.write(`it is shown at ${url} until Ctrl-C\n`);
  }
} catch (error) {
  if (!(error instanceof SiteError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
