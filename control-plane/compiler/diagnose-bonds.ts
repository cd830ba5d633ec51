/** What there is to say about the bonds between HTTP routers and their parents (Traefik's multi-layer routing). */

import { byText } from "../../foundation/by-text.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";
import { keyOf, type Lack, lack, loopPath, sameProviderHint, whyOut } from "./lack.ts";
import type { ObjectGraph } from "./object-graph.ts";

const parentField = ["parentRefs"];

/** A router serves itself or lets its children serve, and needs what it has chosen. */
export function lackOfChildren(router: CompiledObject, graph: ObjectGraph): Lack[] {
  const subject = describeObject(router.key);
  const children = [...graph.childrenOf(router.id)];
  if (!router.handsOver) {
    const first = children.map(({ key }) => key.name).toSorted(byText)[0];
    if (first === undefined) return [];
    const why = `it has a service, and router "${shownText(first)}" names it as a parent`;
    return [refusal(subject, why, "leave out the service, or the parentRefs of the other router")];
  }
  if (children.length === 0 && graph.tree.closesLoop(router.id)) {
    const message = `Cannot use ${subject}: only routers that it is behind itself name it as a parent`;
    return [lack("reference-loop", message, `${subject} is not in use`)];
  }
  if (children.length === 0) {
    const why = "it has no service, and no router names it as a parent";
    return [refusal(subject, why, "give it a service, or other routers parentRefs to it")];
  }
  if (children.some(({ complete }) => complete)) return [];
  const cause = `${subject} has no child router in use`;
  return [lack("disabled-reference", `Cannot use ${subject}: no child router is in use`, cause)];
}

/** One parent in use is enough. */
export function lackOfParents(router: CompiledObject, graph: ObjectGraph): Lack[] {
  if (graph.tree.parentsAskedBy(router.id).length === 0) return [];
  const subject = describeObject(router.key);
  const parents = graph.tree.parentsOf(router.id);
  const existing = parents.map((id) => graph.get(id)).filter((one) => one !== undefined);
  if (existing.some(({ included }) => included)) return [];
  if (parents.length === 0) {
    const message = `Cannot use ${subject}: no way leads to it from an entry point`;
    return [lack("reference-loop", message, `no way leads to ${subject} from an entry point`)];
  }
  if (existing.length === 0) {
    return parents.map((id) => {
      const cause = `parent ${describeObject(keyOf(id))} does not exist`;
      const missing = lack(
        "unknown-reference",
        `Cannot use ${subject}: ${cause}`,
        cause,
        sameProviderHint,
      );
      return { ...missing, field: parentField };
    });
  }
  return existing.map((parent) => {
    const { cause, message } = whyOut(parent);
    const disabled = lack("disabled-reference", `Cannot use ${subject}: parent ${message}`, cause);
    return { ...disabled, field: parentField };
  });
}

/** Bonds that cannot be, beside others that can. */
export function bondProblems(router: CompiledObject, graph: ObjectGraph): Problem[] {
  const { tree } = graph;
  const subject = describeObject(router.key);
  const problems: Problem[] = tree.loopsClosedBy(router.id).map(({ child, path }) => ({
    severity: "warning",
    code: "reference-loop",
    message:
      child === router.id
        ? `Cannot use ${subject} as a parent of itself`
        : `Cannot use ${subject} as a parent of ${describeObject(keyOf(child))}: each is behind the other (${loopPath(path)})`,
  }));
  const parents = tree.parentsOf(router.id);
  if (!parents.some((id) => graph.get(id) !== undefined)) return problems;
  for (const id of parents) {
    if (graph.get(id) !== undefined) continue;
    const message = `Cannot use parent ${describeObject(keyOf(id))} of ${subject}: it does not exist`;
    problems.push({
      severity: "warning",
      code: "unknown-reference",
      message,
      field: parentField,
    });
  }
  return problems;
}

function refusal(subject: string, why: string, hint: string): Lack {
  const cause = `${subject} is not in use`;
  return lack("invalid-value", `Cannot use ${subject}: ${why}`, cause, hint);
}
