/** The reference of what users import, from its types and comments. */
import { join } from "node:path";
import { Application } from "typedoc";
import { SiteError } from "./site.ts";

/** What a manifest and a device are written with, by what it is for. */
const entryPoints = [
  "dsl/image.ts",
  "dsl/device/vocabulary.ts",
  "dsl/testing/attach.ts",
  "devices/pc.ts",
  "devices/q35.ts",
];

/** The modules' pages, for the list beside them. */
export const apiModules: readonly { readonly text: string; readonly link: string }[] = entryPoints.map(
  (file) => ({
    text: file.replace(/\.ts$/, ""),
    link: `/api/${file.replace(/\.ts$/, "")}/`,
  }),
);

/** Writes the reference as Markdown into a folder. Throws SiteError where a comment or a type cannot be read. */
export async function writeApi(root: string, folder: string): Promise<void> {
  const application = await Application.bootstrapWithPlugins({
    entryPoints: entryPoints.map((file) => join(root, file)),
    tsconfig: join(root, "ci/docs/api.tsconfig.json"),
    basePath: root,
    plugin: ["typedoc-plugin-markdown"],
    name: "API",
    readme: "none",
    disableSources: true,
    disableGit: true,
    // `npm run check:types` has done that.
    skipErrorChecking: true,
    excludeInternal: true,
    hideGenerator: true,
    logLevel: "Error",
    // Options of the plugin for Markdown, which TypeDoc's types do not know.
    ...({
      entryFileName: "index",
      hideBreadcrumbs: true,
      hidePageHeader: true,
      useCodeBlocks: true,
    } as object),
  });
  const project = await application.convert();
  if (project === undefined) throw new SiteError("the API cannot be read");
  await application.outputs.writeOutput({ name: "markdown", path: folder }, project);
  if (application.logger.hasErrors()) throw new SiteError("the API's pages cannot be written");
}
