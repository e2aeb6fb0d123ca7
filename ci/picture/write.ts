/** `npm run picture`: writes the picture in README anew. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../compiler/root.ts";
import { stratumImports } from "./imports.ts";
import { picture } from "./picture.ts";

writeFileSync(join(repositoryRoot, "docs/strata.svg"), picture(stratumImports(repositoryRoot)));
