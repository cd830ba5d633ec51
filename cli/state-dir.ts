import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where a process keeps its state: what the operator named, else systemd's `STATE_DIRECTORY`, else the XDG state home
 * with the role below it, so that a control plane and a data plane of one user do not share a directory.
 */
export function stateDirOf(
  role: "control-plane" | "data-plane" | "up",
  named: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string {
  // systemd joins several directories with colons; the first is ours.
  const fromSystemd = env["STATE_DIRECTORY"]?.split(":")[0];
  const chosen = named ?? (fromSystemd === "" ? undefined : fromSystemd);
  if (chosen !== undefined) return resolve(chosen);
  const stateHome = env["XDG_STATE_HOME"] || join(homedir(), ".local/state");
  return join(stateHome, "switchyard", role);
}
