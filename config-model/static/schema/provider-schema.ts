import {
  all,
  allowEmpty,
  always,
  bool,
  degraded,
  duration,
  free,
  int,
  int64,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";

export const clientTls = struct({
  ca: text(),
  cert: text(),
  key: text(),
  insecureSkipVerify: bool(),
});

const keyValueStore = { rootKey: text("traefik"), endpoints: texts() };

/** In the order Traefik ranks routers of equal priority. */
export const defaultPrecedence: readonly string[] = [
  "kubernetesgateway",
  "kubernetescrd",
  "kubernetes",
  "kubernetesingressnginx",
  "swarm",
  "docker",
  "file",
  "redis",
  "knative",
  "consul",
  "consulcatalog",
  "nomad",
  "etcd",
  "ecs",
  "http",
  "zookeeper",
  "rest",
];

export const providersSchema = always({
  providersThrottleDuration: duration(100),
  precedence: texts(),
  file: allowEmpty({
    filename: text(),
    directory: text(),
    watch: bool(true),
    debugLogGeneratedTemplate: degraded(bool()),
  }),
  etcd: allowEmpty({
    ...keyValueStore,
    username: text(),
    password: text(),
    tls: clientTls,
  }),
  ...all(degraded, {
    consul: allowEmpty({ ...keyValueStore, token: text(), namespaces: texts(), tls: clientTls }),
    zooKeeper: allowEmpty({ ...keyValueStore, username: text(), password: text() }),
    redis: allowEmpty({
      ...keyValueStore,
      username: text(),
      password: text(),
      db: int(),
      tls: clientTls,
      sentinel: free(),
    }),
    http: allowEmpty({
      endpoint: text(),
      pollInterval: duration(5_000),
      pollTimeout: duration(5_000),
      headers: map(text()),
      tls: clientTls,
      maxResponseBodySize: int64(-1n),
    }),
    rest: allowEmpty({ insecure: bool() }),
    docker: free(),
    swarm: free(),
    kubernetesIngress: free(),
    kubernetesIngressNGINX: free(),
    kubernetesCRD: free(),
    kubernetesGateway: free(),
    knative: free(),
    consulCatalog: free(),
    nomad: free(),
    ecs: free(),
    plugin: free(),
  }),
});
