/**
 * Finds etcd for the tests: what the global set-up found, else the ones on PATH, else Debian's packages, unpacked into
 * `.cache/` of the checkout (nothing is installed, and no daemon started). Throws the one line that says what to install.
 */
import { execFileSync } from "node:child_process";
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { delimiter, join } from "node:path";

export interface EtcdBinaries {
  readonly etcd: string;
  readonly etcdctl: string;
}

const cache = join(import.meta.dirname, "../../.cache");

export function locateEtcd(): EtcdBinaries {
  return fromEnvironment() ?? fromPath() ?? fromFolder(unpackedFolder()) ?? download();
}

function fromEnvironment(): EtcdBinaries | undefined {
  const etcd = process.env["SWITCHYARD_TEST_ETCD"];
  const etcdctl = process.env["SWITCHYARD_TEST_ETCDCTL"];
  return etcd && etcdctl ? { etcd, etcdctl } : undefined;
}

function fromPath(): EtcdBinaries | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = fromFolder(folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromFolder(folder: string): EtcdBinaries | undefined {
  const found = { etcd: join(folder, "etcd"), etcdctl: join(folder, "etcdctl") };
  try {
    accessSync(found.etcd, constants.X_OK);
    accessSync(found.etcdctl, constants.X_OK);
    return found;
  } catch {
    return undefined;
  }
}

const unpackedFolder = () => join(cache, "etcd/usr/bin");

function download(): EtcdBinaries {
  mkdirSync(cache, { recursive: true });
  const place = mkdtempSync(join(cache, "etcd-"));
  try {
    const quiet = { cwd: place, stdio: "pipe" } as const;
    execFileSync("apt-get", ["download", "etcd-server", "etcd-client"], quiet);
    for (const name of readdirSync(place).filter((file) => file.endsWith(".deb"))) {
      execFileSync("dpkg-deb", ["-x", name, "unpacked"], quiet);
    }
    // In one step, so that test files started side by side never see half of it.
    renameSync(join(place, "unpacked"), join(cache, "etcd"));
  } catch {
    // Another test file may have been faster; what counts is whether it is there now.
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  const found = fromFolder(unpackedFolder());
  if (found !== undefined) return found;
  throw new Error(
    "The tests need etcd and etcdctl on PATH (Debian: apt-get install etcd-server etcd-client; others: https://github.com/etcd-io/etcd/releases)",
  );
}
