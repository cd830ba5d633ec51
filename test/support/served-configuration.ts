/** A configuration as operators write it, through all stages to a real worker, asked over a socket. */
import assert from "node:assert/strict";
import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { entryPoint } from "./dynamic-config.ts";
import { DynamicPipeline } from "./dynamic-pipeline.ts";
import { OriginRecorder, okAnswer } from "./origin-recorder.ts";
import { RawClient } from "./raw-client.ts";
import { TrafficWorkerThread } from "./traffic-worker.ts";

export interface AskedRequest {
  readonly method?: string;
  /** As it stands in the request line. */
  readonly target?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

export interface ServedAnswer {
  readonly status: number;
  /** What the client got, byte for byte. */
  readonly received: string;
  /** The request as the origin got it; "" when it got none. */
  readonly sent: string;
  /** Path and query the origin got; "" when it got nothing. */
  readonly sentTarget: string;
}

export class ServedConfiguration implements AsyncDisposable {
  readonly #origin: OriginRecorder;
  readonly #sent: readonly string[];
  readonly #worker: TrafficWorkerThread;
  readonly #port: number;

  private constructor(
    origin: OriginRecorder,
    sent: readonly string[],
    worker: TrafficWorkerThread,
    port: number,
  ) {
    this.#origin = origin;
    this.#sent = sent;
    this.#worker = worker;
    this.#port = port;
  }

  static async start(): Promise<ServedConfiguration> {
    const sent: string[] = [];
    const origin = await OriginRecorder.start((request) => {
      sent.push(request);
      return okAnswer;
    });
    const worker = await TrafficWorkerThread.start();
    return new ServedConfiguration(origin, sent, worker, await worker.listen());
  }

  /** Of the entry point "web". */
  get port(): number {
    return this.#port;
  }

  /** Requests the origin got. */
  get asked(): number {
    return this.#sent.length;
  }

  get originUrl(): string {
    return `http://127.0.0.1:${this.#origin.port}`;
  }

  /** Serves this and nothing else: what the providers say, behind the entry point "web". */
  async serve(
    configurations: Readonly<Record<string, unknown>>,
    web: Partial<EntryPointConfig> = {},
  ): Promise<DynamicPipeline> {
    const providers = Object.keys(configurations);
    const pipeline = new DynamicPipeline(providers, { web: entryPoint(80, web) });
    for (const [provider, said] of Object.entries(configurations)) pipeline.feed(provider, said);
    const rejected = await this.#worker.apply([...pipeline.resources.values()], { full: true });
    assert.deepEqual(rejected, []);
    return pipeline;
  }

  async ask(request: AskedRequest): Promise<ServedAnswer> {
    const { method = "GET", target = "/", host = "a.test", headers = {} } = request;
    const fields = Object.entries(headers).flatMap(([name, values]) =>
      values.map((value) => `${name}: ${value}\r\n`),
    );
    const before = this.#sent.length;
    const head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields.join("")}`;
    const received = await RawClient.exchange(this.#port, `${head}Connection: close\r\n\r\n`);
    const sent = this.#sent.slice(before).join("");
    const [, sentTarget = ""] = /^\S+ (\S+) /.exec(sent) ?? [];
    return { status: Number(received.slice(9, 12)), received, sent, sentTarget };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
    await this.#origin[Symbol.asyncDispose]();
  }
}
