import type { FuzzTarget } from "./fuzz-target.ts";
import { httpTargets } from "./targets/http-targets.ts";
import { ruleTargets } from "./targets/rule-targets.ts";
import { sourceTargets } from "./targets/source-targets.ts";
import { staticTargets } from "./targets/static-targets.ts";
import { templateTargets } from "./targets/template-targets.ts";
import { tlsTargets } from "./targets/tls-targets.ts";

export const fuzzTargets: readonly FuzzTarget[] = [
  ...httpTargets,
  ...ruleTargets,
  ...sourceTargets,
  ...staticTargets,
  ...templateTargets,
  ...tlsTargets,
];
