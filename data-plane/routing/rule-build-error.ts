/** A rule that this version cannot route by; the message is the reason a resource is rejected with. */
export class RuleBuildError extends Error {
  override readonly name = "RuleBuildError";
}
