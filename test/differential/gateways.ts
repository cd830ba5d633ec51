/** The gateways that are compared, each in front of an origin of its own that keeps what it receives. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPeer } from "../../bench/support/peers.ts";
import { freePort, Subject } from "../../bench/support/subject.ts";
import { HttpEngine } from "../support/http-engine.ts";
import { OriginRecorder } from "../support/origin-recorder.ts";

export interface Gateway {
  /** With its version, of a peer. */
  readonly name: string;
  readonly port: number;
  readonly origin: OriginRecorder;
}

/** As their manuals have a reverse proxy, connections kept on both sides; limits as wide as ours. */
function nginxConfiguration(home: string, port: number, originPort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${home}/${kind};`)
    .join(" ");
  return `daemon off; worker_processes 1; pid ${home}/pid; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off; ${temporary}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream origin { server 127.0.0.1:${originPort}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    large_client_header_buffers 8 128k;
    client_max_body_size 0;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_next_upstream off;
    }
  }
}
`;
}

function haproxyConfiguration(port: number, originPort: number): string {
  return `global
  nbthread 1
  maxconn 256
  tune.bufsize 131072
  tune.http.maxhdr 1000
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  retries 0
  server s 127.0.0.1:${originPort}
`;
}

/** A program from Debian's packages, unpacked and not installed; undefined when it cannot be had. */
async function startPeer(
  stack: AsyncDisposableStack,
  name: "nginx" | "haproxy",
  folder: string,
): Promise<Gateway | undefined> {
  const program = findPeer(name);
  if (program === undefined) return undefined;
  const origin = stack.use(await OriginRecorder.start());
  const port = await freePort();
  const path = join(folder, `${name}.conf`);
  const home = join(folder, name);
  mkdirSync(home);
  const isNginx = name === "nginx";
  writeFileSync(
    path,
    isNginx ? nginxConfiguration(home, port, origin.port) : haproxyConfiguration(port, origin.port),
  );
  const args = isNginx ? ["-p", home, "-e", "stderr", "-c", path] : ["-db", "-f", path];
  const { file, env } = program;
  stack.use(await Subject.start({ name, file, args, port, env }));
  const { stdout, stderr } = spawnSync(file, ["-v"], { env, encoding: "utf8" });
  const version = /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? "";
  return { name: `${isNginx ? "nginx" : "HAProxy"} ${version}`, port, origin };
}

/** Ours first, then the peers that are there. */
export async function startGateways(stack: AsyncDisposableStack): Promise<readonly Gateway[]> {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-differential-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const origin = stack.use(await OriginRecorder.start());
  const engine = stack.use(await HttpEngine.start({ originPort: origin.port }));
  const peers = [
    await startPeer(stack, "nginx", folder),
    await startPeer(stack, "haproxy", folder),
  ];
  const ours = { name: "Switchyard", port: engine.port, origin };
  return [ours, ...peers.filter((peer) => peer !== undefined)];
}
