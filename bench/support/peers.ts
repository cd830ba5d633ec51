/**
 * The programs the product is compared with, and the load generator: from PATH, else from Debian's packages unpacked
 * into an ignored cache of the checkout. Nothing is installed, no service is started.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export interface PeerProgram {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

export type PeerName = "nginx" | "haproxy" | "caddy" | "wrk";

const cache = join(import.meta.dirname, "../../.cache/peers");

/** The program and the libraries a bare machine lacks, under the names of several releases: what exists is taken. */
const packages: Readonly<Record<PeerName, readonly string[]>> = {
  nginx: ["nginx"],
  haproxy: [
    "haproxy",
    "liblua5.3-0",
    "liblua5.4-0",
    "libopentracing-c-wrapper0",
    "libopentracing1",
  ],
  caddy: ["caddy"],
  wrk: ["wrk", "libluajit2-5.1-2", "libluajit-5.1-2"],
};

const versionFlag: Readonly<Record<PeerName, string>> = {
  nginx: "-v",
  haproxy: "-v",
  caddy: "version",
  wrk: "-v",
};

/** Undefined when there is no way to have it here; one line on stderr says so. */
export function findPeer(name: PeerName): PeerProgram | undefined {
  const found = onPath(name) ?? fetched(name);
  if (found === undefined) {
    process.stderr.write(`${name} is missing: install it, or run where apt-get download works\n`);
  }
  return found;
}

function onPath(name: PeerName): PeerProgram | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return file === undefined ? undefined : runnable(name, { file, env: {} });
}

function fetched(name: PeerName): PeerProgram | undefined {
  const unpacked = join(cache, name);
  const known = unpackedProgram(name, unpacked);
  if (known !== undefined) return known;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  for (const one of packages[name]) fetch(one, unpacked);
  return unpackedProgram(name, unpacked);
}

function fetch(packageName: string, folder: string): void {
  try {
    execFileSync("apt-get", ["download", packageName], {
      cwd: folder,
      stdio: "ignore",
      timeout: 60_000,
    });
    for (const file of globSync(`${packageName}_*.deb`, { cwd: folder })) {
      execFileSync("dpkg-deb", ["-x", file, "."], { cwd: folder, stdio: "ignore" });
    }
  } catch {
    // Not in this release, or no way to fetch it: whether the program runs decides.
  }
}

function unpackedProgram(name: PeerName, folder: string): PeerProgram | undefined {
  const [path] = globSync(`usr/{bin,sbin}/${name}`, { cwd: folder });
  if (path === undefined) return undefined;
  const libraries = globSync("usr/lib/**/*.so*", { cwd: folder }).map((one) => dirname(one));
  const env = {
    LD_LIBRARY_PATH: [...new Set(libraries)].map((one) => join(folder, one)).join(":"),
  };
  return runnable(name, { file: join(folder, path), env });
}

function runnable(name: PeerName, program: PeerProgram): PeerProgram | undefined {
  try {
    const env = { ...process.env, ...program.env };
    execFileSync(program.file, [versionFlag[name]], { stdio: "ignore", env });
    return program;
  } catch (error) {
    // wrk says its version and exits with 1.
    return error instanceof Error && "status" in error && error.status === 1 ? program : undefined;
  }
}
