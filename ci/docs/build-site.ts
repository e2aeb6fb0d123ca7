/** Builds the site: pages from the repository and from what is generated, made into HTML by VitePress. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { build, type DefaultTheme, type UserConfig } from "vitepress";
import { repositoryRoot } from "../../compiler/root.ts";
import { catalogue } from "../../devices/catalogue.ts";
import { apiModules, writeApi } from "./api-pages.ts";
import { patternStyle } from "./bit-picture.ts";
import { attackPage } from "./attack-page.ts";
import { deviceIndex } from "./device-index.ts";
import { devicePage } from "./device-page.ts";
import { fittings } from "./fitting.ts";
import { languagePages } from "./language-pages.ts";
import { listPages, pagesIn } from "./lists.ts";
import { processorPage } from "./processor-page.ts";
import { repositoryPages, writeSource, type Pages } from "./site.ts";

/** The file that declares a device of this name; undefined for what a template makes. */
function sourceOf(root: string, name: string): string | undefined {
  return readdirSync(join(root, "devices"), { recursive: true, encoding: "utf8" })
    .map((file) => posix.join("devices", file))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .find((file) => readFileSync(join(root, file), "utf8").includes(`device("${name}"`));
}

/** A page for each device of the catalogue, and their list. */
function devicePages(root: string): Pages {
  const models = Object.values(catalogue).map((device) => device.model);
  const all = fittings();
  return new Map([
    ["docs/devices/index.md", deviceIndex(models)],
    ["docs/devices/processor.md", processorPage()],
    ...models.map((model): [string, string] => [
      `docs/devices/${model.name}.md`,
      devicePage(
        model,
        all.filter((fitting) => fitting.device === model.name),
        sourceOf(root, model.name),
      ),
    ]),
  ]);
}

/** Every page of the site but those of the API. */
export async function allPages(root: string): Promise<Pages> {
  const own = repositoryPages(root);
  const all = new Map([...own, ["docs/guide/attacks.md", attackPage()]]);
  return new Map([...all, ...listPages(all), ...(await languagePages(root, all)), ...devicePages(root)]);
}

interface Part {
  readonly folder: string;
  readonly text: string;
  /** Its pages, where they are not the folder's. */
  readonly items?: readonly DefaultTheme.SidebarItem[];
}

/** The parts of the site, each a folder. */
const parts: readonly Part[] = [
  { folder: "guide", text: "Guide" },
  { folder: "devices", text: "Devices" },
  { folder: "language", text: "Language" },
  { folder: "api", text: "API", items: apiModules },
  { folder: "diagnostics", text: "Diagnostics" },
  { folder: "decisions", text: "Decisions" },
];
const singlePages = [
  { text: "Dependencies", link: "/dependencies" },
  { text: "Contributing", link: "/contributing" },
  { text: "Changelog", link: "/changelog" },
];

/** Every part, the one that is open with its pages; a page carries what it shows, so the others are left out. */
function sidebarOf(pages: Pages, open: string | undefined): DefaultTheme.SidebarItem[] {
  const sections = parts.map(({ folder, text, items }) => ({
    text,
    link: `/${folder}/`,
    ...(folder === open && {
      items: [
        ...(items ?? []),
        ...pagesIn(pages, folder).map(({ name, title }) => ({ text: title, link: `/${folder}/${name}` })),
      ],
    }),
  }));
  return [...sections, ...singlePages];
}

/** How VitePress shows the pages: nothing comes from a network, neither now nor when it is read. */
export function siteConfig(pages: Pages, out: string): UserConfig<DefaultTheme.Config> {
  return {
    title: "Typevisor",
    description: "A type-1 hypervisor written in TypeScript",
    lang: "en",
    head: [["link", { rel: "icon", href: "data:," }]],
    outDir: out,
    // The index of the search is one file, and not small.
    vite: { logLevel: "warn", build: { chunkSizeWarningLimit: 10_000 } },
    themeConfig: {
      search: { provider: "local" },
      sidebar: Object.fromEntries([
        ...parts.map(({ folder }) => [`/${folder}/`, sidebarOf(pages, folder)] as const),
        ["/", sidebarOf(pages, undefined)] as const,
      ]),
      nav: parts.map(({ folder, text }) => ({ text, link: `/${folder}/` })),
      outline: [2, 3],
    },
  };
}

/** Builds the site into a folder, which is emptied. Throws SiteError, or what VitePress throws, where a link leads nowhere. */
export async function buildSite(out: string): Promise<void> {
  // VitePress resolves its packages from the source's folder, so that lies within the repository.
  const work = join(repositoryRoot, "out");
  mkdirSync(work, { recursive: true });
  const source = mkdtempSync(join(work, "docs-source-"));
  try {
    const pages = await allPages(repositoryRoot);
    writeSource(repositoryRoot, pages, source);
    await writeApi(repositoryRoot, join(source, "api"));
    const settings = join(source, ".vitepress");
    cpSync(join(repositoryRoot, "ci/docs/theme"), join(settings, "theme"), { recursive: true });
    writeFileSync(join(settings, "theme/patterns.css"), patternStyle());
    writeFileSync(
      join(settings, "config.mjs"),
      `export default ${JSON.stringify(siteConfig(pages, out))};\n`,
    );
    rmSync(out, { recursive: true, force: true });
    await build(source);
  } finally {
    rmSync(source, { recursive: true });
  }
}
