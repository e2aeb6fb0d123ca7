import test from "ava";
import { startNew } from "./start.ts";
import { programs, runIn, temporaryProject } from "./testing/project.ts";

test("a new image in a project of its own builds and boots, as its own test says", async (t) => {
  const project = temporaryProject(t);
  startNew("image", "post-office", project);
  const ava = await runIn(project, programs.ava, ["--tap", "images"]);
  t.is(ava.status, 0, ava.output);
  t.regex(ava.output, /# pass 1\n/);
});
