/**
 * The pages of the site, as Markdown: what the repository's own files say, and what is generated. A page is known by
 * the path that it has in the repository, or would have; links between pages, and to files of the repository, are links
 * of that path, so that the same text works on a forge and in the site.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, posix } from "node:path";
import { codeBlock } from "./markdown.ts";

/** Pages by their path in the repository. */
export type Pages = ReadonlyMap<string, string>;

/** Something that stands in the way of the site, in the author's terms. */
export class SiteError extends Error {}

const frontPages: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "CONTRIBUTING.md": "contributing.md",
  "CHANGELOG.md": "changelog.md",
};

/** The pages that are files of the repository: those of `docs/`, and those beside it that a reader is sent to. */
export function repositoryPages(root: string): Pages {
  const inDocs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => posix.join("docs", file));
  return new Map(
    [...Object.keys(frontPages), ...inDocs].map((path) => [path, readFileSync(join(root, path), "utf8")]),
  );
}

/** The first heading of a page, without Markdown's marks. */
export function titleOf(markdown: string): string {
  const [, title] = /^# (.+?)(?: \{#.*\})?$/m.exec(markdown) ?? [];
  if (title === undefined) throw new SiteError("a page has no heading");
  return title.replaceAll("`", "");
}

/** Where a page of the repository lies in the site. */
export function sitePath(path: string): string {
  return frontPages[path] ?? path.replace(/^docs\//, "");
}

/** Replaces the targets of links and pictures; what stands in code is left. */
export function rewriteLinks(markdown: string, rewrite: (target: string) => string): string {
  return markdown.replace(
    /^```[^]*?^```$|`[^`\n]+`(?!\]\()|(!?\[(?:`[^`\n]*`|[^\]`\n])*\]\()([^)\s]+)\)/gm,
    (all: string, before: string | undefined, target: string) =>
      before === undefined ? all : `${before}${rewrite(target)})`,
  );
}

/** A page that shows a file of the repository, or what a folder has in it. */
function filePage(root: string, path: string): string {
  if (statSync(join(root, path)).isDirectory()) {
    const names = readdirSync(join(root, path)).sort();
    return `# ${path}/\n\n${names.map((name) => `- \`${name}\``).join("\n")}\n`;
  }
  return `# ${path}\n\n${codeBlock(readFileSync(join(root, path), "utf8"), extname(path).slice(1))}\n`;
}

/** The site as a folder of Markdown, with every link resolved. Throws SiteError for a link to nowhere. */
export function writeSource(root: string, pages: Pages, folder: string): readonly string[] {
  const written = new Map<string, string>();
  const queue = [...pages];
  const place = (path: string, asFile: boolean): string => (asFile ? `files/${path}.md` : sitePath(path));
  const put = (file: string, content: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
    written.set(file, content);
  };
  const shown = new Set<string>();
  const resolve = (from: string, target: string): string => {
    if (/^[a-z]+:|^#/.test(target)) return target;
    const [path = "", hash] = target.split("#") as [string, string | undefined];
    const wanted = posix.normalize(posix.join(posix.dirname(from), path)).replace(/\/$/, "");
    const page = [wanted, `${wanted}/index.md`].find((candidate) => pages.has(candidate));
    const to = (file: string): string => {
      const relative = posix.relative(posix.dirname(place(from, false)), file);
      return `${relative.startsWith(".") ? "" : "./"}${relative}${hash === undefined ? "" : `#${hash}`}`;
    };
    if (page !== undefined) return to(place(page, false));
    if (wanted.startsWith("..") || !existsSync(join(root, wanted)))
      throw new SiteError(`${from} links to ${target}, which is not there`);
    if (/\.(svg|png)$/.test(wanted)) {
      mkdirSync(dirname(join(folder, sitePath(wanted))), { recursive: true });
      cpSync(join(root, wanted), join(folder, sitePath(wanted)));
      return to(sitePath(wanted));
    }
    if (!shown.has(wanted)) {
      shown.add(wanted);
      put(place(wanted, true), filePage(root, wanted));
    }
    return to(place(wanted, true));
  };
  for (const [path, markdown] of queue) {
    put(
      place(path, false),
      rewriteLinks(markdown, (target) => resolve(path, target)),
    );
  }
  return [...written.keys()];
}
