import type { FuzzTarget } from "./fuzz-target.ts";
import { ruleTargets } from "./targets/rule-targets.ts";
import { sourceTargets } from "./targets/source-targets.ts";
import { staticTargets } from "./targets/static-targets.ts";
import { templateTargets } from "./targets/template-targets.ts";

export const fuzzTargets: readonly FuzzTarget[] = [
  ...ruleTargets,
  ...sourceTargets,
  ...staticTargets,
  ...templateTargets,
];
