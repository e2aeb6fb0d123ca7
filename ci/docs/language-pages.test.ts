import test from "ava";
import { repositoryRoot } from "../../compiler/root.ts";
import { featureOf, languagePages, refusedCodes } from "./language-pages.ts";
import { repositoryPages, SiteError } from "./site.ts";

test("the codes that a file of the compiler refuses with are those in its calls, each once and sorted", (t) => {
  const source = `
    f.refuse("not-known", node, { what: "any" });
    f.refuse(big ? "float" : "not-known", node);
    const any = "spread"; refuse("class");`;
  t.deepEqual(refusedCodes(source), ["TV2101", "TV2224"]);
});

test("what a program shows is its first line, and one that does not say it is an error", (t) => {
  t.is(featureOf("/** Feature: atomic cells. */\nimport x;"), "atomic cells.");
  t.throws(() => featureOf("/** Other. */"), { instanceOf: SiteError });
});

test("every construct has a page, with its program, and its refusals link to their pages", async (t) => {
  const pages = await languagePages(repositoryRoot, repositoryPages(repositoryRoot));
  t.true(pages.size > 30, `${pages.size} pages`);
  const page = pages.get("docs/language/switch.md")!;
  t.true(page.includes("`SwitchStatement`"));
  t.true(page.includes("function withoutDefault(x: u8): u8 {"));
  t.regex(page, /\| \[TV\d{4}\]\(\.\.\/diagnostics\/TV\d{4}\.md\) \| .+ \|/);
  const list = pages.get("docs/language/index.md")!;
  for (const path of pages.keys()) {
    const name = path.split("/").at(-1)!;
    if (name !== "index.md") t.true(list.includes(`](${name})`), name);
  }
});

test("a code without a page is an error", async (t) => {
  const withoutPages = new Map(
    [...repositoryPages(repositoryRoot)].filter(([path]) => !path.includes("/diagnostics/")),
  );
  await t.throwsAsync(languagePages(repositoryRoot, withoutPages), {
    message: /has no page in docs\/diagnostics/,
  });
});
