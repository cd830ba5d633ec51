import { staticFields } from "./static-schema.ts";

/** Root names of the static configuration. A file may hold both parts, so each decoder knows the other's names. */
export const staticRootNames: readonly string[] = Object.keys(staticFields);
