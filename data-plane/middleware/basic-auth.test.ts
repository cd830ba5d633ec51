import assert from "node:assert/strict";
import { test } from "node:test";
import { BasicAuth as BasicAuthMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { until } from "../../test/support/until.ts";
import { BasicAuth } from "./basic-auth.ts";
import { PasswordChecks, type PasswordQuestion, type PasswordWaiter } from "./password-checks.ts";

/** Of "password", and of "test". */
const sha1 = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
const apr1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/";

class RecordingChecks extends PasswordChecks {
  readonly questions: PasswordQuestion[] = [];

  override ask(question: PasswordQuestion, waiter: PasswordWaiter): void {
    this.questions.push(question);
    super.ask(question, waiter);
  }
}

interface Setting extends Partial<Omit<BasicAuthMessage, "users">> {
  readonly users?: Readonly<Record<string, string>>;
}

function middleware(
  { users = { ada: sha1 }, ...setting }: Setting = {},
  checks = new RecordingChecks(),
) {
  const message = BasicAuthMessage.create({
    realm: "traefik",
    ...setting,
    users: Object.entries(users).map(([name, hash]) => ({ name, hash })),
  });
  return { auth: new BasicAuth(message, checks), checks };
}

const basic = (credentials: string | Buffer) =>
  `Basic ${Buffer.from(credentials).toString("base64")}`;

function request(
  authorization: string | undefined,
  ...headers: readonly (readonly [string, string])[]
) {
  const own = authorization === undefined ? [] : [["Authorization", authorization] as const];
  return new RecordedExchange({ headers: [...headers, ...own] });
}

/** What came of it: the headers that went on, or the answer's status. */
async function outcome(auth: BasicAuth, exchange: RecordedExchange) {
  let isPassed = false;
  const service = {
    handle: () => {
      isPassed = true;
    },
  };
  exchange.run([{ current: auth }], { current: service });
  await until("an outcome", () => isPassed || exchange.answer !== undefined);
  return isPassed ? "passed" : exchange.answer?.status;
}

test("BasicAuth lets in who has the password, and challenges everybody else", async () => {
  const { auth } = middleware({
    users: { ada: sha1, adam: sha1, jürgen: apr1, plain: "hunter2", "": sha1 },
  });
  for (const [authorization, expected] of [
    [basic("ada:password"), "passed"],
    [basic("jürgen:test"), "passed"],
    [basic(":password"), "passed"],
    [basic("ada:password").replace("Basic", "bAsIc"), "passed"],
    [basic("ada:wrong"), 401],
    [basic("Ada:password"), 401],
    [basic("ada:password "), 401],
    [basic("nobody:password"), 401],
    [basic("plain:hunter2"), 401],
    [basic("ada"), 401],
    [undefined, 401],
    ["Basic", 401],
    ["Basic ", 401],
    [basic("ada:password").replace("Basic ", "Basic  "), 401],
    [basic("ada:password").replace("Basic", "Bearer"), 401],
    [basic("adam:password"), "passed"],
    [basic("adam:password").replace(/=+$/, ""), 401],
    [basic("ada:password").replace("Basic ", "Basic -"), 401],
    [`${basic("ada:password")}\tx`, 401],
    [basic(`ada:${"x".repeat(100_000)}`), 401],
  ] as const) {
    assert.equal(
      await outcome(auth, request(authorization)),
      expected,
      String(authorization).slice(0, 60),
    );
  }
});

test("BasicAuth's challenge is Traefik's", async () => {
  const { auth } = middleware({ realm: "the vault" });
  const exchange = request(undefined);
  assert.equal(await outcome(auth, exchange), 401);
  assert.equal(exchange.answer?.body, "401 Unauthorized\n");
  assert.equal(exchange.answerHeaders.get("www-authenticate"), 'Basic realm="the vault"');
  assert.equal(exchange.answerHeaders.get("content-type"), "text/plain");
});

test("BasicAuth passes the name on in a header nobody else sets, and the credentials unless they are to be removed", async () => {
  const seen = async (setting: Setting) => {
    const exchange = request(basic("jürgen:test"), ["X-User", "root"], ["x-user", "admin"]);
    assert.equal(
      await outcome(middleware({ users: { jürgen: apr1 }, ...setting }).auth, exchange),
      "passed",
    );
    const { requestHeaders } = exchange;
    const names = Array.from({ length: requestHeaders.length }, (_, at) =>
      requestHeaders.lowerNameAt(at),
    );
    const value = Buffer.from(requestHeaders.get("x-user") ?? "", "latin1").toString();
    return { names, value };
  };
  assert.deepEqual(await seen({ headerField: "X-User" }), {
    names: ["x-user", "authorization"],
    value: "jürgen",
  });
  assert.deepEqual((await seen({ removeHeader: true })).names, ["x-user", "x-user"]);
});

test("BasicAuth compares a password once, however often it is used", async () => {
  const checks = new RecordingChecks();
  const first = middleware({ users: { ada: apr1 } }, checks).auth;
  const next = middleware({ users: { ada: apr1, bob: sha1 } }, checks).auth;
  for (const auth of [first, first, next]) {
    assert.equal(await outcome(auth, request(basic("ada:test"))), "passed");
  }
  assert.equal(checks.questions.length, 1);
  const changed = middleware({ users: { ada: sha1 } }, checks).auth;
  assert.equal(await outcome(changed, request(basic("ada:test"))), 401);
  const removed = middleware({ users: { bob: sha1 } }, checks).auth;
  assert.equal(await outcome(removed, request(basic("ada:test"))), 401);
});

test("BasicAuth asks as much about a name that nobody has as about one that somebody has", async () => {
  const users = { ada: apr1, bob: sha1, plain: "hunter2" };
  const { auth, checks } = middleware({ users });
  const names = Array.from({ length: 40 }, (_, number) => `nobody${number}`);
  for (const name of [...names, "plain"]) {
    assert.equal(await outcome(auth, request(basic(`${name}:test`))), 401);
  }
  const asked = checks.questions.map(({ hash, isDecoy }) => `${hash.kind} ${isDecoy}`);
  assert.equal(asked.length, 41);
  assert.deepEqual(new Set(asked), new Set(["md5Crypt true", "sha1 true"]));
  // The same name costs the same everywhere, so that nothing is learnt from asking twice.
  const other = middleware({ users });
  for (const name of names) await outcome(other.auth, request(basic(`${name}:test`)));
  assert.deepEqual(
    other.checks.questions.map(({ hash }) => hash.kind),
    checks.questions.slice(0, 40).map(({ hash }) => hash.kind),
  );
});

test("BasicAuth answers 503 when too many wait, and nothing to who has gone", async () => {
  const ends: ((isSame: boolean) => void)[] = [];
  const checks = new RecordingChecks({
    waitingCapacity: 1,
    compare: (_hash, _password, end) => void ends.push(end),
  });
  const { auth } = middleware({ users: { ada: apr1 } }, checks);
  const gone = request(basic("ada:test"));
  gone.run([{ current: auth }], { current: { handle: () => assert.fail("it is gone") } });
  const late = request(basic("ada:other"));
  assert.equal(await outcome(auth, late), 503);
  assert.equal(late.answerHeaders.get("retry-after"), "1");
  gone.isOpen = false;
  ends[0]?.(true);
  assert.equal(gone.answer, undefined);
});

test("BasicAuth is refused, without a user's name, when it could not do its work", () => {
  const reason = (setting: Setting) => {
    try {
      middleware(setting);
    } catch (error) {
      return String(error);
    }
    return "none";
  };
  const users = { "eve\r\nX-Admin: 1": sha1 };
  assert.equal(
    reason({ users, headerField: "X-User" }),
    "Error: a user's name holds a control character",
  );
  assert.equal(reason({ users }), "none");
  assert.match(reason({ headerField: "X User" }), /the name is not a token/);
  assert.match(reason({ realm: "a\r\nb" }), /control character/);
});
