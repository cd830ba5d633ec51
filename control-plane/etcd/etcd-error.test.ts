import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyEtcdError } from "./etcd-error.ts";

/** As grpc-js throws it. */
function grpcError(code: number, details: string): Error {
  return Object.assign(new Error(`${code} NAME: ${details}`), { code, details });
}

function classified(code: number, details: string, user?: string): string {
  const { name, message } = classifyEtcdError(grpcError(code, details), "etcd.test:2379", user);
  return `${name}: ${message}`;
}

test("classifyEtcdError() makes of each failure a class and a sentence", () => {
  const cannot = "Cannot reach etcd at etcd.test:2379";
  const noConnection = "No connection established. Last error: ";
  const cases: readonly (readonly [number, string, string])[] = [
    [
      14,
      `${noConnection}connect ECONNREFUSED 127.0.0.1:2379 (2026-11-24T14:00:00Z)`,
      `EtcdUnreachableError: ${cannot}: connection refused`,
    ],
    [
      14,
      "Name resolution failed for target dns:etcd.test",
      `EtcdUnreachableError: ${cannot}: host name cannot be resolved`,
    ],
    [14, "read ECONNRESET", `EtcdUnavailableError: ${cannot}: connection lost`],
    [14, "something new", `EtcdUnavailableError: ${cannot}: connection lost`],
    [14, "etcdserver: no leader", `EtcdUnavailableError: ${cannot}: the cluster has no leader`],
    [4, "Deadline exceeded after 4.0s", `EtcdUnavailableError: ${cannot}: no answer in time`],
    [
      16,
      "etcdserver: invalid auth token",
      "EtcdStaleTokenError: etcd at etcd.test:2379 no longer knows our token",
    ],
    [
      11,
      "etcdserver: mvcc: required revision has been compacted",
      "EtcdCompactedError: etcd at etcd.test:2379 has compacted the revision",
    ],
    [
      3,
      "etcdserver: request is too large",
      "EtcdRequestError: etcd at etcd.test:2379 refused the request: etcdserver: request is too large",
    ],
    [
      8,
      "etcdserver: mvcc: database space exceeded",
      "EtcdRequestError: etcd at etcd.test:2379 refused the request: etcdserver: mvcc: database space exceeded",
    ],
  ];
  for (const [code, details, expected] of cases) assert.equal(classified(code, details), expected);
});

test("classifyEtcdError() names the user that was refused, or that there was none", () => {
  const refused = "EtcdRefusedError: etcd at etcd.test:2379 refused";
  const failed = "etcdserver: authentication failed, invalid user ID or password";
  assert.equal(classified(3, failed, "ops"), `${refused} user "ops": authentication failed`);
  assert.equal(
    classified(7, "etcdserver: permission denied", "ops"),
    `${refused} user "ops": permission denied`,
  );
  assert.equal(
    classified(3, "etcdserver: user name is empty"),
    `${refused} an anonymous user: it requires a user and a password`,
  );
});
