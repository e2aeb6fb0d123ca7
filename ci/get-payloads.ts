/** Gets the guest payloads that are missing: what `npm run setup` does after the packages are installed. */
import { preparePayloadsOrExplain } from "./payloads.ts";

await preparePayloadsOrExplain();
