/** Lists of the pages of a folder. */
import { table } from "./markdown.ts";
import { titleOf, type Pages } from "./site.ts";

/** Pages directly in a folder of `docs/` with their titles: in the order in which the README names them, the others by path. */
export function pagesIn(
  pages: Pages,
  folder: string,
): readonly { readonly name: string; readonly title: string }[] {
  const start = `docs/${folder}/`;
  return [...pages]
    .filter(
      ([path]) =>
        path.startsWith(start) && !path.slice(start.length).includes("/") && !path.endsWith("/index.md"),
    )
    .map(([path, markdown]) => ({
      path,
      name: path.slice(start.length, -".md".length),
      title: titleOf(markdown),
    }))
    .sort((a, b) => rankOf(pages, a.path) - rankOf(pages, b.path));
}

function rankOf(pages: Pages, path: string): number {
  const at = pages.get("README.md")?.indexOf(`](${path})`) ?? -1;
  return at < 0 ? Number.MAX_SAFE_INTEGER : at;
}

/** What the hundreds of the codes stand for, as in the catalogue. */
const kinds: Readonly<Record<string, string>> = {
  TV1: "TypeScript",
  TV2: "What compiled code may not do",
  TV3: "Captures and build-time evaluation",
  TV4: "Strata and imports",
  TV5: "Declarations and manifest",
  TV6: "Payloads and toolchain",
};

function diagnosticsList(pages: Pages): string {
  const all = pagesIn(pages, "diagnostics");
  const sections = Object.entries(kinds).flatMap(([start, title]) => [
    `## ${title}`,
    table(
      ["code", "what is wrong"],
      all
        .filter(({ name }) => name.startsWith(start))
        .map(({ name, title: full }) => [`[${name}](${name}.md)`, full.replace(`${name}: `, "")]),
    ),
  ]);
  return [
    "# Diagnostics",
    "What the compiler and the build say, by number, and what to do about it.",
    ...sections,
  ].join("\n\n");
}

function plainList(pages: Pages, folder: string, title: string, about: string): string {
  const items = pagesIn(pages, folder).map((page) => `- [${page.title}](${page.name}.md)`);
  return [`# ${title}`, about, items.join("\n")].join("\n\n");
}

/** A page for each folder of which the repository has none. */
export function listPages(pages: Pages): Pages {
  return new Map([
    ["docs/guide/index.md", plainList(pages, "guide", "Guide", "How to use Typevisor, page by page.")],
    ["docs/diagnostics/index.md", diagnosticsList(pages)],
    [
      "docs/decisions/index.md",
      plainList(
        pages,
        "decisions",
        "Decisions",
        "What was decided against alternatives: context, options with evidence, decision, consequences.",
      ),
    ],
  ]);
}
