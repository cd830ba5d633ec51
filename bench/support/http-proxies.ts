/** How each proxy is started for the comparison: one route to one upstream, one worker, keep-alive on both sides. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDefaultCertificate } from "../../data-plane/tls/default-certificate.ts";
import type { PeerProgram } from "./peers.ts";
import { freePort, Subject } from "./subject.ts";

export interface ProxyInit {
  /** For configuration and what the program writes. */
  readonly folder: string;
  readonly upstreamPort: number;
  /** Clients come over TLS, by TLS 1.3 and with an ECDSA key; absent: in plain text. */
  readonly tls: KeyPairFiles | undefined;
}

/** Paths of PEM files. */
export interface KeyPairFiles {
  readonly cert: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly both: string;
}

export function writeKeyPair(folder: string): KeyPairFiles {
  const { certPem, keyPem } = makeDefaultCertificate();
  const files = {
    cert: join(folder, "tls.crt"),
    key: join(folder, "tls.key"),
    both: join(folder, "tls.pem"),
  };
  writeFileSync(files.cert, certPem);
  writeFileSync(files.key, keyPem);
  writeFileSync(files.both, `${certPem}${keyPem}`);
  return files;
}

const root = join(import.meta.dirname, "../..");

export const responseBody = "x".repeat(100);

export async function startNginxUpstream(nginx: PeerProgram, folder: string): Promise<Subject> {
  const port = await freePort();
  return startNginx(nginx, {
    name: "upstream",
    folder,
    port,
    location: `return 200 "${responseBody}";`,
  });
}

export async function startNodeUpstream(): Promise<Subject> {
  const port = await freePort();
  const script = join(import.meta.dirname, "plain-upstream.ts");
  return Subject.start({
    name: "upstream",
    file: process.execPath,
    args: [script, `${port}`],
    port,
  });
}

export async function startNginxProxy(nginx: PeerProgram, init: ProxyInit): Promise<Subject> {
  const port = await freePort();
  const upstream = `upstream u {
    server 127.0.0.1:${init.upstreamPort};
    keepalive 64;
    keepalive_requests 100000000;
  }`;
  const location = `proxy_pass http://u;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Real-Ip $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;`;
  const { folder, tls } = init;
  return startNginx(nginx, { name: "nginx", folder, port, location, upstream, tls });
}

interface NginxInit {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly location: string;
  readonly upstream?: string;
  readonly tls?: KeyPairFiles | undefined;
}

async function startNginx(
  { file, env }: PeerProgram,
  { name, folder, port, location, upstream = "", tls }: NginxInit,
): Promise<Subject> {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${home}/${kind};`)
    .join(" ");
  const configuration = `daemon off; worker_processes 1; pid ${home}/pid; error_log stderr crit;
    events { worker_connections 4096; }
    http {
      access_log off; ${temporary}
      ${upstream}
      server {
        listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl http2"};
        ${tls === undefined ? "" : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`}
        keepalive_requests 100000000;
        default_type text/plain;
        location / { ${location} }
      }
    }`;
  writeFileSync(join(home, "nginx.conf"), configuration);
  const args = ["-p", home, "-e", "stderr", "-c", join(home, "nginx.conf")];
  return Subject.start({ name, file, args, port, env });
}

export async function startHaproxy({ file, env }: PeerProgram, init: ProxyInit): Promise<Subject> {
  const port = await freePort();
  const path = join(init.folder, "haproxy.cfg");
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend f
  bind 127.0.0.1:${port}${init.tls === undefined ? "" : ` ssl crt ${init.tls.both} alpn h2,http/1.1`}
  default_backend b
backend b
  http-request set-header X-Real-Ip %[src]
  http-request set-header X-Forwarded-Proto ${init.tls === undefined ? "http" : "https"}
  server s 127.0.0.1:${init.upstreamPort}
`,
  );
  return Subject.start({ name: "haproxy", file, args: ["-db", "-f", path], port, env });
}

export async function startCaddy({ file, env }: PeerProgram, init: ProxyInit): Promise<Subject> {
  const port = await freePort();
  const path = join(init.folder, "Caddyfile");
  writeFileSync(
    path,
    `{
  admin off
  auto_https off
}
${init.tls === undefined ? "http" : "https"}://:${port} {
  bind 127.0.0.1
  ${init.tls === undefined ? "" : `tls ${init.tls.cert} ${init.tls.key}`}
  reverse_proxy 127.0.0.1:${init.upstreamPort}
}
`,
  );
  const args = ["run", "--config", path, "--adapter", "caddyfile"];
  const home = { HOME: init.folder, XDG_DATA_HOME: init.folder, XDG_CONFIG_HOME: init.folder };
  return Subject.start({ name: "caddy", file, args, port, env: { ...env, ...home } });
}

/** The engine with one route and nothing around it. */
export async function startEngine({ upstreamPort }: ProxyInit): Promise<Subject> {
  const port = await freePort();
  const script = join(import.meta.dirname, "engine-process.ts");
  const args = [script, `${port}`, `${upstreamPort}`];
  return Subject.start({ name: "engine alone", file: process.execPath, args, port });
}

export interface ProductInit extends ProxyInit {
  readonly workers: number;
  /** One `Host` rule each: `host-0.example.com` and so on. */
  readonly routers: number;
}

/** The program as a user runs it: `up`, with its configuration in files. */
export async function startProduct(init: ProductInit): Promise<Subject> {
  const port = await freePort();
  const name = `switchyard, ${init.workers} worker${init.workers > 1 ? "s" : ""}, ${init.routers} router${init.routers > 1 ? "s" : ""}`;
  const home = join(init.folder, name.replaceAll(/[ ,]+/g, "-"));
  mkdirSync(home, { recursive: true });
  const routers = Array.from(
    { length: init.routers },
    (_, index) =>
      `    r${index}: { rule: "Host(\`host-${index}.example.com\`)", service: upstream, entryPoints: [web] }\n`,
  ).join("");
  writeFileSync(
    join(home, "routes.yml"),
    `http:
  routers:
${routers}  services:
    upstream:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:${init.upstreamPort}
${init.tls === undefined ? "" : `tls: { certificates: [{ certFile: ${init.tls.cert}, keyFile: ${init.tls.key} }] }\n`}`,
  );
  writeFileSync(
    join(home, "switchyard.yml"),
    `entryPoints:
  web:
    address: 127.0.0.1:${port}
${init.tls === undefined ? "" : "    http: { tls: {} }\n"}providers:
  file:
    filename: ${join(home, "routes.yml")}
log:
  level: error
`,
  );
  const args = [
    "up",
    `--configFile=${join(home, "switchyard.yml")}`,
    `--workers=${init.workers}`,
    `--state-dir=${join(home, "state")}`,
    "--admin=127.0.0.1:0",
  ];
  return Subject.start({ name, file: join(root, "bin/switchyard"), args, port });
}
